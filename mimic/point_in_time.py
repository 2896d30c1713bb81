"""What was known of the past at the moment of each row: counts that no later event can enter.

A feature table for training has one row an impression, each with a moment of its own, and every count
in it must be as of that moment. Asking a snapshot a row would be slow; here one sort and two binary
searches answer for all rows at once. Data engineers call it a point-in-time join.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["count_before", "counts_in_order"]

_ROOM: Final = 2**62
"""Keys and moments share one number, which must stay below this."""


def count_before(
    event_keys: NDArray[np.integer[Any]],
    event_moments: NDArray[np.int64],
    keys: NDArray[np.integer[Any]],
    moments: NDArray[np.int64],
) -> NDArray[np.int64]:
    """How many events with the same key came strictly before each moment.

    Args:
        event_keys: int[m], whom or what each event is about, such as row numbers of users; at least 0.
        event_moments: int64[m], when, ms.
        keys: int[n], whom or what each row asks about.
        moments: int64[n], as of when, ms.

    Returns:
        int64[n], in the order of the rows.
    """
    if not len(event_keys):
        return np.zeros(len(keys), np.int64)
    span = int(np.ptp(event_moments)) + 2
    event_keys, keys = _small_enough(event_keys, keys, _ROOM // span)
    return counts_in_order(event_keys, event_moments, keys, moments)


def counts_in_order(
    event_keys: NDArray[np.int64],
    event_moments: NDArray[np.int64],
    keys: NDArray[np.int64],
    moments: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The core of `count_before`: some events at least, and keys that leave room for a moment beside them."""
    start, span = event_moments.min(), np.ptp(event_moments) + 2
    events = np.sort(event_keys * span + (event_moments - start))  # by key, then by moment
    first = keys * span
    asked = first + np.clip(moments - start, 0, span - 1)
    before, with_smaller_keys = np.searchsorted(events, [asked, first])
    return np.asarray(before - with_smaller_keys)


def _small_enough(
    event_keys: NDArray[np.integer[Any]], keys: NDArray[np.integer[Any]], limit: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The keys as they are, or numbered anew where they are too large to be multiplied by a span of time."""
    both = np.concatenate((event_keys, keys)).astype(np.int64)
    if int(both.max(initial=0)) >= limit:
        both = np.unique(both, return_inverse=True)[1].astype(np.int64)
    return both[: len(event_keys)], both[len(event_keys) :]

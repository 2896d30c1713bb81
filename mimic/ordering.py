"""Best first: the one rule by which everything here is put in order.

Larger scores first; between equal scores the larger row, which is the newer tweet with the larger
id; what has no finite score goes last. The rule leaves nothing to chance, so feeds are repeatable.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["best_first"]


def best_first(scores: NDArray[Any], rows: NDArray[Any], limit: int | None = None) -> NDArray[np.int64]:
    """Places of the `limit` best of n (all by default), best first: int64[min(limit, n)].

    `scores` is float[n] and `rows` int[n], all distinct. A full sort of n scores would take most of
    a request's time when n is every tweet of two days, so the few best are cut off first.
    """
    sinking = np.where(np.isfinite(scores), scores, -np.inf)
    places = np.arange(len(sinking))
    if limit is not None and limit < len(sinking):
        threshold = np.partition(sinking, len(sinking) - limit)[len(sinking) - limit] if limit else np.inf
        places = np.flatnonzero(sinking >= threshold)  # more than `limit` when the threshold is shared
    order = np.lexsort((-rows[places].astype(np.int64), -sinking[places]))
    return places[order[:limit]]

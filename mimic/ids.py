"""What may be an id: a whole number, and nothing that numpy would quietly turn into one.

`np.asarray(42.9, np.int64)` is 42, and user 42 exists. So ids are looked at before they are converted.
"""

from __future__ import annotations

import reprlib
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mimic.errors import MimicError

__all__ = ["is_whole", "whole_ids"]


def is_whole(value: object) -> TypeGuard[int | np.integer[Any]]:
    """Whether a value is a whole number by its type, Python's or numpy's; True and 42.0 are none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def whole_ids(ids: ArrayLike, error: type[MimicError]) -> NDArray[np.int64]:
    """One id or several as int64[n]; no ids at all are int64[0], whatever their type.

    Raises `error` for anything but whole numbers that fit into 64 bits.
    """
    try:
        values = np.atleast_1d(np.asarray(ids))
    except (ValueError, OverflowError):  # rows of different lengths
        values = np.array([None])
    if not values.size:
        return np.zeros(0, np.int64)
    whole = values.dtype.kind in "iu" or (values.dtype.kind == "O" and all(map(is_whole, values.flat)))
    limits = np.iinfo(np.int64)
    if not whole or values.max() > limits.max or values.min() < limits.min:
        raise error(f"{reprlib.repr(_plain(ids))} is not an id: a whole number that fits into 64 bits")
    return values.astype(np.int64)


def _plain(ids: ArrayLike) -> object:
    """Without numpy's own way to show arrays, which takes several lines."""
    return ids.tolist() if isinstance(ids, (np.ndarray, np.generic)) else ids

"""What components may be and return, checked at every step: what was expected, what came, and from whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mimic.batch import SCORE, Array, Candidates, Verdicts
from mimic.data_loader import DataLoader
from mimic.errors import BrokenContract, MimicError

__all__ = [
    "RANK",
    "check_found",
    "check_hydrated",
    "check_order",
    "check_same_moment",
    "check_scored",
    "check_verdicts",
    "name_of",
]

RANK: Final = "rank"
"""The column that the pipeline writes beside a source's own: the place in its answer, from 1."""

_WRITTEN_LAST: Final = ("tweet_id", "sources", SCORE, "fate", "reason")
"""Columns of `feed.candidates` that are not for hydrators to write."""

_ELSEWHEN: Final = "was built on another snapshot; build the product anew with for_you(data)"


def name_of(component: object) -> str:
    """A component's own `name`, or that of its class."""
    return str(getattr(component, "name", type(component).__name__))


def _broken(component: object, method: str, expected: str, came: str) -> BrokenContract:
    return BrokenContract(f"{name_of(component)}.{method} must return {expected}, but returned {came}")


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    return type(value).__name__


def check_same_moment(component: object, data: DataLoader) -> None:
    """A component that holds a snapshot as `data` holds the product's: counts of two moments do not mix.

    Raises MimicError. An index without its snapshot cannot be checked.
    """
    own = getattr(component, "data", None)
    if isinstance(own, DataLoader) and not _same(own, data):
        raise MimicError(f"{name_of(component)} {_ELSEWHEN}")


def _same(one: DataLoader, other: DataLoader) -> bool:
    """Whether two snapshots are of one moment of one data set; they may be two objects all the same."""
    moments = [(data.path, data.now, data.manifest.checksum) for data in (one, other)]
    return moments[0] == moments[1]


def check_found(source: object, found: object, data: DataLoader) -> Candidates:
    """A source returns Candidates of the snapshot: distinct rows, and columns of the same length.

    No column may be called "rank": that one is the pipeline's. Raises BrokenContract.
    """
    if not isinstance(found, Candidates):
        raise _broken(source, "fetch", "Candidates", _describe(found))
    if not _same(found.data, data):
        raise BrokenContract(f"{name_of(source)} {_ELSEWHEN}")
    _check_rows(source, "fetch", found.rows, len(data.tweets))
    _check_columns(source, "fetch", found.columns, len(found.rows))
    _check_names(source, "fetch", found.columns, {RANK}, "which the pipeline writes")
    return found


def check_order(selector: object, order: object, size: int) -> NDArray[np.int64]:
    """A selector returns places in the batch of `size`, best first, none twice. Raises BrokenContract."""
    places = np.asarray(order)
    _check_rows(selector, "select", places, size)
    return places.astype(np.int64)


def _check_rows(component: object, method: str, rows: Array, size: int) -> None:
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise _broken(component, method, "whole row numbers, int[k]", _describe(rows))
    if rows.size and (rows.min() < 0 or rows.max() >= size):
        raise _broken(component, method, f"rows in 0 … {size - 1}", f"{rows.min()} … {rows.max()}")
    if len(np.unique(rows)) < len(rows):
        raise _broken(component, method, "each row once", "a row twice")


def check_hydrated(hydrator: object, columns: object, size: int, taken: Collection[str]) -> dict[str, Array]:
    """A hydrator returns columns of the batch's length, with names that are not `taken`.

    Nor may they have a name that the pipeline writes later. Raises BrokenContract.
    """
    checked = _check_columns(hydrator, "hydrate", columns, size)
    _check_names(hydrator, "hydrate", checked, taken, "which is there already")
    _check_names(hydrator, "hydrate", checked, _WRITTEN_LAST, "which the pipeline writes")
    return checked


def _check_names(
    component: object, method: str, columns: Collection[str], taken: Collection[str], why: str
) -> None:
    if both := sorted(set(columns) & set(taken)):
        raise _broken(component, method, "new columns only", f"{both[0]!r}, {why}")


def check_scored(scorer: object, columns: object, size: int) -> dict[str, Array]:
    """A scorer returns columns of floats of the batch's length. Raises BrokenContract."""
    checked = _check_columns(scorer, "score", columns, size)
    for name, values in checked.items():
        if values.dtype.kind != "f":
            raise _broken(scorer, "score", f"{name!r} as floats", _describe(values))
    return checked


def _check_columns(component: object, method: str, columns: object, size: int) -> dict[str, Array]:
    if not isinstance(columns, Mapping):
        raise _broken(component, method, "a mapping of columns", _describe(columns))
    checked: dict[str, Any] = {str(name): np.asarray(values) for name, values in columns.items()}
    for name, values in checked.items():
        if values.shape != (size,):
            raise _broken(component, method, f"{name!r} of shape ({size},)", _describe(values))
    return checked


def check_verdicts(filter_: object, verdicts: object, size: int) -> tuple[NDArray[np.int8], tuple[str, ...]]:
    """A filter returns bool[size], true to keep, or Verdicts; either way as codes and their reasons.

    Raises BrokenContract.
    """
    expected = f"bool[{size}] or Verdicts(int8[{size}], reasons)"
    if not isinstance(verdicts, Verdicts):
        keep = np.asarray(verdicts)
        if keep.shape != (size,) or keep.dtype != bool:
            raise _broken(filter_, "keep", expected, _describe(keep))
        return (~keep).astype(np.int8), (str(getattr(filter_, "reason", f"removed by {name_of(filter_)}")),)
    code = np.asarray(verdicts.code)
    if code.shape != (size,) or code.dtype != np.int8:
        raise _broken(filter_, "keep", expected, f"Verdicts with code {_describe(code)}")
    if size and (code.min() < 0 or code.max() > len(verdicts.reasons)):
        raise _broken(
            filter_, "keep", f"codes in 0 … {len(verdicts.reasons)}", f"{code.min()} … {code.max()}"
        )
    return code, verdicts.reasons

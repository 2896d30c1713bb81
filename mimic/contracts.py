"""What components may return, checked at every step: what was expected, what came, and from whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mimic.batch import Array, Candidates, Verdicts
from mimic.errors import BrokenContract

__all__ = ["check_found", "check_hydrated", "check_order", "check_scored", "check_verdicts", "name_of"]


def name_of(component: object) -> str:
    """A component's own `name`, or that of its class."""
    return str(getattr(component, "name", type(component).__name__))


def _broken(component: object, method: str, expected: str, came: str) -> BrokenContract:
    return BrokenContract(f"{name_of(component)}.{method} must return {expected}, but returned {came}")


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    return type(value).__name__


def check_found(source: object, found: object, tweets: int) -> Candidates:
    """A source returns Candidates: distinct rows below `tweets`, and columns of the same length."""
    if not isinstance(found, Candidates):
        raise _broken(source, "fetch", "Candidates", _describe(found))
    _check_rows(source, "fetch", found.rows, tweets)
    _check_columns(source, "fetch", found.columns, len(found.rows))
    return found


def check_order(selector: object, order: object, size: int) -> NDArray[np.int64]:
    """A selector returns places in the batch of `size`, best first, none twice."""
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
    """A hydrator returns columns of the batch's length, with names that are not `taken`."""
    checked = _check_columns(hydrator, "hydrate", columns, size)
    if both := sorted(checked.keys() & set(taken)):
        raise _broken(hydrator, "hydrate", "new columns only", f"{both[0]!r}, which is there already")
    return checked


def check_scored(scorer: object, columns: object, size: int) -> dict[str, Array]:
    """A scorer returns columns of floats of the batch's length."""
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
    """A filter returns bool[size], true to keep, or Verdicts; either way as codes and their reasons."""
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

"""Columns of strings: the few operations that the text of a world needs, a whole column at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

Ints = npt.NDArray[np.int64]

_compute: Any = pyarrow.compute  # its type stubs cannot tell a column from a scalar


def column(strings: Sequence[str]) -> pa.StringArray:
    """A column of the given strings."""
    return pa.array(list(strings), pa.string())


def take(strings: pa.StringArray, rows: Ints) -> pa.StringArray:
    """`strings[rows]`."""
    chosen: pa.StringArray = strings.take(pa.array(rows, pa.int64()))
    return chosen


def take_where(strings: pa.StringArray, rows: Ints, wanted: npt.NDArray[np.bool_]) -> pa.StringArray:
    """`strings[rows]`, empty where not wanted; rows that are not wanted may point anywhere."""
    places = pa.array(np.where(wanted, rows, 0), pa.int64(), mask=~wanted)
    chosen: pa.StringArray = _compute.fill_null(strings.take(places), "")
    return chosen


def glue(*columns: pa.StringArray, gap: str = "") -> pa.StringArray:
    """Columns joined row by row, with `gap` between."""
    joined: pa.StringArray = _compute.binary_join_element_wise(*columns, gap)
    return joined


def glue_rows(values: pa.StringArray, counts: Ints) -> pa.StringArray:
    """Consecutive runs of `values`, of the given lengths, each joined without white space in front."""
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    rows: Any = pa.ListArray
    joined: pa.StringArray = _compute.binary_join(rows.from_arrays(offsets, values), "")
    trimmed: pa.StringArray = _compute.ascii_ltrim_whitespace(joined)
    return trimmed


def head(strings: pa.StringArray, letters: int) -> pa.StringArray:
    """The first letters of each string."""
    cut: pa.StringArray = _compute.utf8_slice_codeunits(strings, 0, letters)
    return cut


def without_end(strings: pa.StringArray, letters: str) -> pa.StringArray:
    """Strings without any of `letters` at their ends."""
    cut: pa.StringArray = _compute.ascii_rtrim(strings, letters)
    return cut


def choose(which: Ints, columns: Sequence[pa.StringArray]) -> pa.StringArray:
    """Row by row the string of one column, by number."""
    chosen: pa.StringArray = _compute.choose(pa.array(which, pa.int64()), *columns)
    return chosen


def codes(strings: pa.StringArray) -> Ints:
    """int64[n]: equal numbers for equal strings, counted in order of first appearance."""
    encoded: Any = strings.dictionary_encode()
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64)


def digits(numbers: Ints) -> pa.StringArray:
    """Positive numbers in digits, empty for others."""
    text: pa.StringArray = _compute.cast(pa.array(numbers, pa.int64()), pa.string())
    shown: pa.StringArray = _compute.if_else(pa.array(numbers > 0), text, "")
    return shown

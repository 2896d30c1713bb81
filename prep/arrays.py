"""Array types, and the few operations on sorted and grouped rows that the whole world is built with."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.integer[Any]]
"""Whole numbers of any width."""
Floats = npt.NDArray[np.floating[Any]]
"""Real numbers of any width."""
Bools = npt.NDArray[np.bool_]
"""Yes or no."""


def order_by(*keys: tuple[Ints, int]) -> Ints:
    """Stable order by several whole-number keys, the most important first.

    A radix sort, 16 bits at a time: on the short integers that the world is made of it is several
    times faster than a comparison sort.

    Args:
        keys: pairs of int[n], each value from 0 to below the bound beside it.

    Returns:
        int64[n], row numbers in order.
    """
    order: Ints | None = None
    for values, bound in reversed(keys):
        for shift in range(0, max(int(bound - 1).bit_length(), 1), 16):
            digit = (values.astype(np.int64, copy=False) >> shift).astype(np.uint16)
            if order is None:
                order = np.argsort(digit, kind="stable")
            else:
                order = order[np.argsort(digit[order], kind="stable")]
    assert order is not None, "at least one key"
    return order


def first_of_runs(*sorted_keys: Ints) -> Bools:
    """Whether each row differs from the one before in any of the keys: bool[n]."""
    first = np.ones(len(sorted_keys[0]), bool)
    if len(first):
        first[1:] = False
        for key in sorted_keys:
            first[1:] |= key[1:] != key[:-1]
    return first


def distinct(keys: Ints) -> Ints:
    """The distinct values, ascending (by sorting, which here is faster than numpy's hash table)."""
    ordered = np.sort(keys)
    return ordered[first_of_runs(ordered)]


def start_of_run(grouped: Ints) -> Ints:
    """Where the run of equal values that each row belongs to begins: int64[n]."""
    rows = np.arange(len(grouped))
    return np.maximum.accumulate(np.where(first_of_runs(grouped), rows, 0))


def rank_in_runs(grouped: Ints) -> Ints:
    """0, 1, 2 … within each run of equal values."""
    return np.arange(len(grouped)) - start_of_run(grouped)


def found_in(sorted_keys: Ints, wanted: Ints) -> tuple[Bools, Ints]:
    """Whether each wanted key is among ascending keys, and where (any row where it is not)."""
    if not len(sorted_keys):
        return np.zeros(len(wanted), bool), np.zeros(len(wanted), np.int64)
    at = np.minimum(np.searchsorted(sorted_keys, wanted), len(sorted_keys) - 1)
    return sorted_keys[at] == wanted, at


def offsets(groups: Ints, count: int) -> Ints:
    """Where each group begins in rows sorted by group: int64[count + 1], the last is the total."""
    out = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(groups, minlength=count), out=out[1:])
    return out


def sums(groups: Ints, values: Floats, count: int) -> Floats:
    """The sum of the values of each group, added up in the order of the rows: float64[count]."""
    return np.asarray(np.bincount(groups, values, minlength=count), np.float64)


def spans(starts: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Flatten the ranges [start, start + count): which range each element is of, and the element."""
    owner = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - np.repeat(first - starts, counts)


def pick(cumulative: Floats, starts: Ints, stops: Ints, draw: Floats) -> Ints:
    """One index from each range [start, stop), by weight.

    Args:
        cumulative: float64[n], running sum of the weights of all rows.
        starts: int64[k], first row of each range.
        stops: int64[k], the row after its last; no range is empty.
        draw: float64[k], uniform in [0, 1).

    Returns:
        int64[k], a row of each range.
    """
    low = np.where(starts > 0, cumulative[np.maximum(starts, 1) - 1], 0.0)
    high = cumulative[stops - 1]
    found = np.searchsorted(cumulative, low + draw * (high - low), side="right")
    return np.clip(found, starts, stops - 1)


def choose(running: Floats, rows: Ints, draw: Floats) -> Ints:
    """A column for each of some rows of a matrix, by weight.

    Args:
        running: float64[m, k], running sums of each row's weights.
        rows: int64[n], rows of it.
        draw: float64[n], uniform in [0, 1).

    Returns:
        int64[n], 0 to k - 1: how many of the row's sums are not above the draw times the last one.
    """
    last = running.shape[1] - 1
    target = draw * running[rows, last]
    low, high = np.zeros(len(rows), np.int64), np.full(len(rows), last)
    for _ in range(last.bit_length()):
        middle = (low + high) // 2
        beyond = running[rows, middle] <= target
        low, high = np.where(beyond & (low < high), middle + 1, low), np.where(beyond, high, middle)
    return low


@dataclasses.dataclass(frozen=True, kw_only=True)
class WeightedLists:
    """Lists to draw from by weight, laid one after the other. L lists, n entries in all."""

    entry: Ints
    """int64[n], what is listed."""
    start: Ints
    """int64[L + 1], where each list begins."""
    running: Floats
    """float64[n], running sum of the weights of all lists."""
    mass: Floats
    """float64[L], sum of the weights of each list."""

    @classmethod
    def of(cls, group: Ints, entry: Ints, weight: Floats, groups: int) -> WeightedLists:
        """Make the lists from rows that are sorted by `group`, the list that each belongs to."""
        return cls(
            entry=entry,
            start=offsets(group, groups),
            running=np.cumsum(weight),
            mass=sums(group, weight, groups),
        )

    def draw(self, which: Ints, u: Floats) -> Ints:
        """One entry from each of the lists `which`, none of them empty, by uniform draws `u`."""
        return self.entry[pick(self.running, self.start[which], self.start[which + 1], u)]

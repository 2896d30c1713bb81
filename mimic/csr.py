"""Compressed sparse rows: the one data structure behind every «all X of Y» in the store.

Who follows whom, which tweets an author wrote, what a user responded to: each is a list of lists.
Stored as Python lists they would cost an object an entry. Stored as CSR they are two arrays: all
values one after the other, and where each key's run begins.

    values  [ 4 7 | 1 | | 0 2 3 ]        key 0 has 4, 7; key 1 has 1; key 2 none; key 3 has 0, 2, 3
    starts  [ 0     2   3 3       6 ]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["CSR", "positions_in_runs"]

Ints = NDArray[np.integer[Any]]


def positions_in_runs(sizes: Ints) -> NDArray[np.int64]:
    """Number the members of each run from 0: sizes [2, 0, 3] give [0, 1, 0, 1, 2]."""
    ends = np.cumsum(sizes, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) - np.repeat(ends - sizes, sizes)


@dataclass(frozen=True, eq=False)
class CSR:
    """A run of values for each of K keys.

    Keys are row numbers 0 … K − 1. Within a run the values keep the order in which they were
    given. Most runs here hold row numbers of a table that is sorted by time, so they ascend, and
    «before a moment» means «below a row number»: see `before` and `between`.
    """

    starts: NDArray[np.int64]
    """int64[K + 1]: the run of key k is values[starts[k] : starts[k + 1]]."""
    values: Ints
    """int[N]: all runs, one after the other."""

    @classmethod
    def group(cls, keys: Ints, size: int, values: Ints | None = None) -> CSR:
        """Group `values` (by default 0 … N − 1) by `keys`, an int[N] of numbers below `size`.

        The order within a group is the order of the input. SciPy's conversion is a counting sort,
        so this takes time linear in N, where a comparison sort of 20 million impressions is slow.
        """
        n = len(keys)
        entries = (np.ones(n, np.int8), (keys, np.arange(n, dtype=np.int32)))
        matrix = sparse.coo_array(entries, shape=(size, n)).tocsr()
        order = matrix.indices
        return cls(matrix.indptr.astype(np.int64), order if values is None else values[order])

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """int64[K]: the length of each run."""
        return np.diff(self.starts)

    def of(self, key: int) -> Ints:
        """The values of one key: a view, nothing is copied."""
        return self.values[self.starts[key] : self.starts[key + 1]]

    def between(self, key: int, low: int, high: int) -> Ints:
        """The values v of one key with low ≤ v < high, for ascending runs: two binary searches."""
        run = self.of(key)
        first, last = np.searchsorted(run, (low, high))
        return run[first:last]

    def before(self, high: int) -> CSR:
        """The same groups without the values ≥ high: how a snapshot forgets the future."""
        stays = self.values < high
        counted = np.concatenate(([0], np.cumsum(stays, dtype=np.int64)))
        return CSR(counted[self.starts], self.values[stays])

    def map(self, table: Ints) -> CSR:
        """The same groups with each value v replaced by table[v]."""
        return CSR(self.starts, table[self.values])

    def positions(self, keys: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where in `values` the runs of several keys lie, for arrays that run alongside `values`.

        Returns `(place, position)`, both of the length of all the runs together; `keys[place[i]]`
        is the key that `values[position[i]]` belongs to.
        """
        starts = self.starts[keys]
        sizes = self.starts[keys + 1] - starts
        place = np.repeat(np.arange(len(keys)), sizes)
        return place, starts[place] + positions_in_runs(sizes)

    def gather(self, keys: Ints) -> tuple[NDArray[np.int64], Ints]:
        """The values of several keys at once, without a loop: `(place, values)`, as in `positions`."""
        place, position = self.positions(keys)
        return place, self.values[position]

    def latest(self, keys: Ints, highs: Ints, most: int) -> tuple[NDArray[np.int64], Ints]:
        """For each of several keys the last values below a bound of its own, for ascending runs.

        Args:
            keys: int[n], may repeat.
            highs: int[n], the values wanted of keys[i] are below highs[i].
            most: how many of these at most, the last ones.

        Returns:
            `(place, values)` as `gather` does, so `keys[place[i]]` is the key that `values[i]` belongs to.
        """
        room = int(self.values.max(initial=0)) + 1
        ascending = np.repeat(np.arange(len(self)), self.sizes) * room + self.values
        ends = np.searchsorted(ascending, keys.astype(np.int64) * room + np.clip(highs, 0, room))
        starts = np.maximum(self.starts[keys], ends - most)
        place = np.repeat(np.arange(len(keys)), ends - starts)
        return place, self.values[starts[place] + positions_in_runs(ends - starts)]

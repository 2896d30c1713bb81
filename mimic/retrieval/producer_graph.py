"""Who is like whom among those with followers: the cosine of two producers' sets of followers.

Communities are not sought among all users but among *producers*, who have enough followers to be known
by them. Two producers are near when the same people follow both (SimClusters' first stage,
src/scala/com/twitter/simclusters_v2, on top of its «sims» job). Each producer keeps the nearest few, and
an edge that one end keeps is an edge of both.

Two choices differ from a plain cosine. A follower who follows a thousand accounts says little about any
two of them, so followers weigh 1 / ln(2 + accounts followed), as in Adamic and Adar's index (2003).
And edges weigh 10 × cosine², a switch of production's job (`squareWeightsEnable`), which makes more of
the difference between near and very near.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mimic.columns import NONE
from mimic.csr import CSR
from mimic.retrieval.objectives import Network

if TYPE_CHECKING:
    from mimic.data_loader import DataLoader

__all__ = ["Follows", "Matrix", "most_followed", "producer_graph"]

Matrix: TypeAlias = "sparse.csr_array[np.float64, tuple[int, int]]"

_GRAIN: Final = 2.0**24
"""Edge weights are whole multiples of 1 / grain: sums of them are exact, in any order."""
_FOLLOWER_GRAIN: Final = 1024.0
"""The same for what a follower weighs."""
_BLOCK: Final = 64
"""Producers compared with all others at a time; bounds the memory, 8 bytes × block × producers."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Follows:
    """Follow edges that lead to producers."""

    follower: NDArray[np.int64]
    """int64[E]: who follows (row of a user)."""
    producer: NDArray[np.int64]
    """int64[E]: who is followed, as a position in `producers`."""
    producers: NDArray[np.int64]
    """int64[P]: users (rows), ascending."""
    users: int
    """How many users there are."""

    @classmethod
    def of(cls, data: DataLoader, producers: NDArray[np.int64]) -> Follows:
        """All follows of a snapshot that lead to `producers` (rows, ascending)."""
        number = np.full(len(data.users), NONE, np.int64)
        number[producers] = np.arange(len(producers))
        producer = number[data.follows["followed"]]
        known = producer != NONE
        return cls(
            follower=data.follows["follower"][known].astype(np.int64),
            producer=producer[known],
            producers=producers,
            users=len(data.users),
        )

    def only(self, kept: NDArray[np.bool_]) -> Follows:
        """Some of the edges, bool[E]; the same producers."""
        return Follows(
            follower=self.follower[kept],
            producer=self.producer[kept],
            producers=self.producers,
            users=self.users,
        )

    def matrix(self) -> Matrix:
        """[U, P]: 1 where a user follows a producer."""
        ones, ends = np.ones(len(self.follower)), (self.follower, self.producer)
        return sparse.csr_array((ones, ends), shape=(self.users, len(self.producers)))


def most_followed(data: DataLoader, min_followers: int) -> NDArray[np.int64]:
    """Users (rows) with at least `min_followers` followers."""
    return np.flatnonzero(data.followers.sizes >= min_followers)


def producer_graph(follows: Follows, neighbours: int) -> Network:
    """Join each producer to the `neighbours` nearest ones by cosine of followers.

    Of equally near ones at the end of a list all are kept, so that the order of rows decides nothing.
    """
    matrix = follows.matrix()
    followed = np.bincount(follows.follower, minlength=follows.users)
    weight = np.rint(_FOLLOWER_GRAIN / np.log(2.0 + followed))
    weighted = sparse.csr_array(sparse.diags_array(weight) @ matrix)
    square_norm: NDArray[np.float64] = matrix.T @ weight
    by_producer = sparse.csr_array(matrix.T)
    found: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = [
        _nearest(by_producer[first : first + _BLOCK] @ weighted, square_norm, first, neighbours)
        for first in range(0, len(follows.producers), _BLOCK)
    ]
    if not found:
        return Network(neighbours=CSR(np.zeros(1, np.int64), np.zeros(0, np.int64)), weights=np.zeros(0))
    one, other, cosine = (np.concatenate(part) for part in zip(*found, strict=True))
    size = len(follows.producers)
    kept = sparse.csr_array((np.rint(10.0 * cosine**2 * _GRAIN) / _GRAIN, (one, other)), shape=(size, size))
    both = sparse.csr_array(kept.maximum(kept.T))
    both.eliminate_zeros()
    both.sort_indices()
    return Network(
        neighbours=CSR(both.indptr.astype(np.int64), both.indices.astype(np.int64)), weights=both.data
    )


def _nearest(
    shared: Matrix, square_norm: NDArray[np.float64], first: int, neighbours: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The nearest producers of a block that begins with the one at `first`: pairs and their cosines.

    `shared` [block, P] holds the summed weight of the followers that two have in common: whole numbers, so
    what is divided here is exact on any processor.
    """
    place = np.repeat(np.arange(shared.shape[0]), np.diff(shared.indptr))
    one, other = first + place, shared.indices.astype(np.int64)
    cosine = shared.data / np.sqrt(square_norm[one] * square_norm[other])
    cosine[one == other] = 0.0
    # Most pairs have nobody in common. `partition` is slow among equal numbers, so theirs are different
    # ones below 0.
    size = len(square_norm)
    every = np.tile(-np.arange(1.0, size + 1), (shared.shape[0], 1))
    every[place, other] = cosine
    last = max(size - neighbours, 0)
    near = (cosine >= np.partition(every, last, axis=1)[place, last]) & (cosine > 0)
    return one[near], other[near], cosine[near]

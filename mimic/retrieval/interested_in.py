"""Which communities each user cares about: whom you follow and like, summed by what they are known for.

SimClusters' InterestedIn (src/scala/com/twitter/simclusters_v2/scalding/InterestedInFromKnownFor.scala):

    follow score  Σ KnownFor over the producers followed
    log-fav score Σ log(1 + likes) · KnownFor over the authors liked, likes fading with 100 days

A community counts only when two different producers vouch for it, and each user keeps the strongest few.
Production keeps several scores apart and serves the log-fav one. With 14 likes a user in all, that
would be thin, so the two are added here; with logarithms to base 2 the first like weighs as
much as a follow. Then each community's column is brought to length 1 over all users, so that a community
that everybody likes a little does not outshout the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mimic.columns import NONE
from mimic.csr import positions_in_runs
from mimic.data_loader import HOUR_MS, DataLoader
from mimic.retrieval.communities import Communities
from mimic.retrieval.producer_graph import Follows, Matrix
from mimic.schema import RESPONSES

__all__ = ["InterestedIn", "strongest"]

_LIKE: Final = RESPONSES.index("like")
_DAY_MS: Final = 24 * HOUR_MS


@dataclass(frozen=True, kw_only=True, eq=False)
class InterestedIn:
    """Each user's communities as of one snapshot. Build with `InterestedIn.of(data, communities)`.

    Production makes both once a week; here the communities may be of an earlier snapshot.
    """

    communities: Communities
    matrix: Matrix
    """[U, K]: how much each user cares for each community, columns of length 1. Most entries are 0."""

    @classmethod
    def of(
        cls,
        data: DataLoader,
        communities: Communities,
        *,
        half_life_days: float = 100.0,
        social_proof: int = 2,
        per_user: int = 15,
    ) -> InterestedIn:
        """Sum up a snapshot.

        Args:
            data: the snapshot whose follows and likes count.
            communities: what producers are known for, of this snapshot or an earlier one.
            half_life_days: in which a like fades to half (production: 100).
            social_proof: producers of a community that a user must follow or like (production: 2).
            per_user: communities that each user keeps (production: 50 of 145,000).
        """
        known = communities.matrix()
        follows = Follows.of(data, communities.producers).matrix()
        likes = _likes(data, communities.producers, half_life_days)
        vouching = sparse.csr_array(follows + likes)
        vouching.data = np.ones_like(vouching.data)
        one_each = known.copy()
        one_each.data = np.ones_like(one_each.data)
        proven = vouching @ one_each
        proven.data = (proven.data >= social_proof).astype(np.float64)
        likes.data = np.log2(1.0 + likes.data)
        score = sparse.csr_array(((follows + likes) @ known) * proven)
        kept = strongest(score, per_user)
        length = np.sqrt(np.bincount(kept.indices, kept.data**2, kept.shape[1]))
        kept.data = kept.data / length[kept.indices]
        return cls(communities=communities, matrix=kept)

    def of_user(self, user: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """One user's (row) communities, the strongest first, and how much they care for each."""
        run = slice(self.matrix.indptr[user], self.matrix.indptr[user + 1])
        community, weight = self.matrix.indices[run].astype(np.int64), self.matrix.data[run]
        order = np.lexsort((community, -weight))
        return community[order], weight[order]


def strongest(matrix: Matrix, limit: int) -> Matrix:
    """The `limit` largest entries of each row, without zeros; of equals those with the smaller column."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -matrix.data, rows))
    rank = positions_in_runs(np.diff(matrix.indptr))
    kept = order[(rank < limit) & (matrix.data[order] > 0)]
    return sparse.csr_array((matrix.data[kept], (rows[kept], matrix.indices[kept])), shape=matrix.shape)


def _likes(data: DataLoader, producers: NDArray[Any], half_life_days: float) -> Matrix:
    """[U, P]: likes that each user gave to each producer's tweets, faded."""
    rows = np.flatnonzero(data.interactions["kind"] == _LIKE)
    number = np.full(len(data.users), NONE, np.int64)
    number[producers] = np.arange(len(producers))
    producer = number[data.tweets["author"][data.interactions["tweet"][rows]]]
    rows, producer = rows[producer != NONE], producer[producer != NONE]
    faded = np.exp2((data.interactions["at"][rows] - data.now) / (half_life_days * _DAY_MS))
    ends = (data.interactions["user"][rows], producer)
    return sparse.csr_array((faded, ends), shape=(len(data.users), len(producers)))

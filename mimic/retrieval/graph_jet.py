"""A walk of two steps in the graph of users and tweets: you → whom you follow → what they engaged with.

Twitter's GraphJet keeps that bipartite graph in memory, and its service UTEG (user-tweet-entity
graph, src/scala/com/twitter/recos/user_tweet_entity_graph) answers «which tweets did the people I
follow engage with?»: it starts from weighted seeds, reads each seed's newest edges, adds the
seed's weight to each tweet reached, and keeps who led there as social proof.

Two differences, on purpose. UTEG adds a seed's weight once per kind of action, so that somebody who
likes and retweets counts as two people; here a person counts once a tweet. And UTEG's seeds carry
RealGraph's prediction, where this chapter has only a count of past responses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mimic.columns import NONE
from mimic.csr import CSR, positions_in_runs
from mimic.data_loader import DataLoader
from mimic.history import ties
from mimic.schema import ENGAGEMENTS, RESPONSES
from mimic.viewer import listened_to

__all__ = ["EDGES_PER_SEED", "EngagementGraph", "Reached"]

EDGES_PER_SEED: Final = 500
"""Newest engagements read of each seed, as in UTEG; bounds the work that one very busy followee makes."""


@dataclass(frozen=True, eq=False)
class Reached:
    """The n tweets that a walk reached, by row, and by whom."""

    tweets: NDArray[np.int64]
    """int64[n]: tweets (rows), ascending."""
    weights: NDArray[np.float64]
    """float64[n]: summed weight of the followees who engaged."""
    counts: NDArray[np.int64]
    """int64[n]: how many they are."""
    first: NDArray[np.int64]
    """int64[n]: the one with the largest weight (row)."""
    second: NDArray[np.int64]
    """int64[n]: the next one (row), −1 when there is none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EngagementGraph:
    """Who engaged with what in the last 48 hours of a snapshot. Build with `EngagementGraph.of(data)`."""

    by_user: CSR
    """For each user (row) the tweets (rows) that they liked, answered, retweeted or quoted, newest first."""

    @classmethod
    def of(cls, data: DataLoader) -> EngagementGraph:
        """The graph of a snapshot, without tweets that have left the window."""
        log = data.since("interactions")
        kinds = [RESPONSES.index(kind) for kind in ENGAGEMENTS]
        rows = log + np.flatnonzero(np.isin(data.interactions["kind"][log:], kinds))[::-1]  # newest first
        users, tweets = data.interactions["user"][rows], data.interactions["tweet"][rows]
        _, once = np.unique(users.astype(np.int64) * len(data.tweets) + tweets, return_index=True)
        edges = np.sort(once)
        edges = edges[tweets[edges] >= data.since("tweets")]
        return cls(by_user=CSR.group(users[edges], len(data.users), tweets[edges]))

    def walk(
        self, seeds: NDArray[Any], weights: NDArray[Any], edges_per_seed: int = EDGES_PER_SEED
    ) -> Reached:
        """Go from `seeds` int[s] (users, rows) with `weights` float[s] to the tweets they engaged with."""
        place, tweets = self.by_user.gather(seeds)
        newest = (
            positions_in_runs(self.by_user.starts[seeds + 1] - self.by_user.starts[seeds]) < edges_per_seed
        )
        place, tweets = place[newest], tweets[newest]
        reached, of = np.unique(tweets, return_inverse=True)
        # Engagers of one tweet side by side, the heaviest first.
        order = np.lexsort((place, -weights[place], of))
        counts = np.bincount(of, minlength=len(reached))
        start = np.cumsum(counts) - counts
        by_weight = np.append(seeds[place[order]], NONE).astype(np.int64)
        summed = np.zeros(len(reached))
        np.add.at(summed, of, weights[place])
        return Reached(
            tweets=reached.astype(np.int64),
            weights=summed,
            counts=counts,
            first=by_weight[start],
            second=np.where(counts > 1, by_weight[start + (counts > 1)], NONE),
        )

    def from_follows(self, data: DataLoader, user: int) -> Reached:
        """Walk from everybody whom a user (row) follows, weighted by 1 + ln(1 + responses to them so far).

        Who is muted or blocked, or blocks the user, is no seed: nobody wants their word as social proof.
        """
        seeds = listened_to(data, user)
        return self.walk(seeds, 1.0 + np.log1p(ties(data, user, seeds)))

"""Engines: the searches for strangers' tweets that the out-of-network source asks and mixes.

Twitter's CrMixer asks a dozen similarity engines about a user and interleaves their answers
(cr-mixer/server/src/main/scala/com/twitter/cr_mixer). Each engine here is a thin component around an
algorithm in `mimic.retrieval`, as the sources in `mimic.candidates` are:

    topics       topic history × freshness × popularity
    simclusters  liked by the communities that you care for
    two_tower    nearest to you in the space of two towers
    trends       what more people write about this hour than usual; nothing on most days

`round_robin` mixes: the first of each list, then the second of each, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mimic.batch import Array
from mimic.data_loader import DataLoader
from mimic.history import language_shares, topic_shares
from mimic.retrieval.simclusters import SimClusters
from mimic.retrieval.topic_popular import TopicPopular
from mimic.retrieval.trends import Trends
from mimic.retrieval.two_tower import TwoTower
from mimic.viewer import familiar, topical_obstacle

__all__ = ["Engine", "Found", "SimClustersEngine", "TopicEngine", "TrendsEngine", "TwoTowerEngine"]
__all__ += ["places_in", "round_robin"]


@dataclass(frozen=True, eq=False)
class Found:
    """An engine's answer: n distinct tweets, best first."""

    tweets: NDArray[np.int64]
    """int64[n]: tweets (rows)."""
    seeds: Array
    """float64[n]: what brought each: the id of a topic or a tweet, the number of a community; NaN for the
    user as a whole."""
    searched: int
    """Tweets that could have been found."""


class Engine(Protocol):
    """Finds strangers' tweets for a user."""

    @property
    def name(self) -> str:
        """A short name, put before its columns: "simclusters" writes "simclusters.rank"."""
        ...

    def find(self, user: int) -> Found:
        """Up to the engine's own limit, for a user (row)."""
        ...

    def explain(self, user: int, tweet: int) -> str:
        """Why `find` does not return a stranger's tweet (row) that is new enough, for people."""
        ...


def round_robin(lists: Sequence[NDArray[np.int64]], limit: int) -> NDArray[np.int64]:
    """The first of each list, then the second of each, … without repetitions: int64[k], k ≤ `limit`.

    After cr-mixer's InterleaveUtil (cr-mixer/server/src/main/scala/com/twitter/cr_mixer/util): a tweet that
    two lists hold stands at its first turn, and a list that is used up is passed over. There a list whose
    tweet is taken draws again; here its turn is lost.
    """
    tweets = np.concatenate([np.zeros(0, np.int64), *lists])
    rank = np.concatenate([np.zeros(0, np.int64), *(np.arange(len(one)) for one in lists)])
    in_turn = tweets[np.argsort(rank, kind="stable")]
    _, first = np.unique(in_turn, return_index=True)
    return in_turn[np.sort(first)[:limit]]


@dataclass(frozen=True, kw_only=True)
class TopicEngine:
    """Topic history × freshness × popularity, in the languages that the user reads. Seeds: topic ids."""

    data: DataLoader
    index: TopicPopular
    limit: int = 500
    name: str = "topics"

    def find(self, user: int) -> Found:
        """Nothing for a user who has neither engaged with nor declared a topic."""
        topics, languages = topic_shares(self.data, user), language_shares(self.data, user)
        tweets = self.index.search(topics, languages, familiar(self.data, user), self.limit)
        seeds = self.data.topics["topic_id"][self.data.tweets["topic"][tweets]]
        return Found(tweets, seeds.astype(np.float64), len(self.index))

    def explain(self, user: int, tweet: int) -> str:
        """A language, a topic, or the limit."""
        if reason := topical_obstacle(self.data, user, tweet):
            return reason
        topic = self.data.tweets["topic"][[tweet]]
        if topic_shares(self.data, user)[topic[0]] == 0:
            return f"filed under {self.data.topics.texts('name', topic)[0]}, which is none of your topics"
        return f"beyond the best {self.limit} of your topics"


@dataclass(frozen=True, kw_only=True)
class SimClustersEngine:
    """SimClusters-ANN: what the user's communities like. Seeds: the community that ties both most."""

    data: DataLoader
    index: SimClusters
    limit: int = 200
    name: str = "simclusters"

    def find(self, user: int) -> Found:
        """Nothing for a user without communities."""
        tweets, _ = self.index.search(user, familiar(self.data, user), self.limit)
        return Found(tweets, self.index.shared(user, tweets), len(self.index))

    def explain(self, user: int, tweet: int) -> str:
        """No community, no like, nothing in common, or the limit."""
        mine, its = self.index.user(user), self.index.tweet(tweet)
        if not mine.any():
            return "you belong to no community yet"
        if not its.any():
            return "nobody whose communities are known has liked it yet"
        if not mine @ its:
            return "liked by communities that are none of yours"
        return f"beyond the {self.limit} that your communities like most"


@dataclass(frozen=True, kw_only=True)
class TwoTowerEngine:
    """The tweets nearest to the user's vector. No seeds: the user as a whole asks."""

    data: DataLoader
    index: TwoTower
    limit: int = 1_000
    name: str = "two_tower"

    def find(self, user: int) -> Found:
        """Everybody has a vector, and so has every tweet of the window."""
        tweets, _ = self.index.search(user, familiar(self.data, user), self.limit)
        return Found(tweets, np.full(len(tweets), np.nan), len(self.index.tweets))

    def explain(self, user: int, tweet: int) -> str:
        """How far away it is."""
        everything, _ = self.index.search(user, familiar(self.data, user), len(self.index.tweets))
        place = np.flatnonzero(everything == tweet)
        if not len(place):  # an approximate index does not look everywhere
            return "its index did not look where this tweet lies"
        return f"number {place[0] + 1:,} by distance, beyond the nearest {self.limit:,}"


@dataclass(frozen=True, kw_only=True)
class TrendsEngine:
    """What bursts right now, in the languages that the user reads. Seeds: topic ids."""

    data: DataLoader
    index: Trends
    limit: int = 100
    name: str = "trends"

    def find(self, user: int) -> Found:
        """Nothing while no topic is talked about more than usual."""
        tweets, topics = self.index.search(user, familiar(self.data, user), self.limit)
        seeds = self.data.topics["topic_id"][topics].astype(np.float64)
        return Found(tweets, seeds, len(self.index.tweets))

    def explain(self, user: int, tweet: int) -> str:
        """No burst, another topic, or the limit."""
        if not self.index.bursting.any():
            return "nothing is talked about more than usual"
        if tweet not in self.index.tweets:
            return "not new and about something that is talked about more than usual"
        return topical_obstacle(self.data, user, tweet) or f"beyond the best {self.limit} of what bursts"


def places_in(tweets: NDArray[Any], among: NDArray[Any]) -> NDArray[np.float64]:
    """For each of `among` its place in `tweets`, from 1, or NaN: float64[len(among)]."""
    rank = np.full(len(among), np.nan)
    _, mine, theirs = np.intersect1d(among, tweets, assume_unique=True, return_indices=True)
    rank[mine] = theirs + 1.0
    return rank

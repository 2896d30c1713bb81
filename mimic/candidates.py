"""The sources: three honest ways to find a few hundred tweets among a quarter of a million, and a spare.

    in_network       posts of the people you follow, by a light ranker's first opinion
    graph            what the people you follow engaged with, by others
    out_of_network   what several engines (`mimic.engines`) find among people you don't follow
    popular          fresh and popular tweets in your languages, when all else leaves room

Each is a thin component around an algorithm in `mimic.retrieval`, and each can say why a tweet is
not among what it found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mimic.batch import Array, Candidates, Query
from mimic.data_loader import WINDOW_HOURS, DataLoader
from mimic.engines import Engine, Found, places_in, round_robin
from mimic.history import language_shares
from mimic.ordering import best_first
from mimic.retrieval.earlybird import Posts, TimeIndex
from mimic.retrieval.graph_jet import EngagementGraph, Reached
from mimic.retrieval.light_ranker import LightRanker
from mimic.retrieval.real_graph import RealGraph
from mimic.retrieval.stranger_ranker import StrangerRanker
from mimic.retrieval.topic_popular import TopicPopular
from mimic.retrieval.uteg import SEED_SLOPE, Uteg
from mimic.viewer import (
    avoided,
    familiar,
    handle,
    ids_or_nan,
    listened_to,
    obstacle,
    stranger_obstacle,
    topical_obstacle,
)

__all__ = ["GraphSource", "InNetworkSource", "OutOfNetworkSource", "PopularSource"]


@dataclass(frozen=True, kw_only=True)
class InNetworkSource:
    """The posts of the people the user follows: their tweets, and tweets that they retweeted.

    The newest, or with a light ranker those that it likes best. Who is muted or blocked brings nothing by
    retweeting; their own tweets are left to the filters, which say why they go.

    Columns: `retweeted_by`, the id of the followee who brought a stranger's tweet; `light`, the light
    ranker's score (NaN without one).
    """

    data: DataLoader
    index: TimeIndex
    ranker: LightRanker | None = None
    """Its first opinion decides which posts come first; without one it is their age."""
    limit: int = 200
    """Tweets at most: 200 of the budget of 500. Home asks its index for 600 of 1,400
    (home-mixer/server/src/main/scala/com/twitter/home_mixer/product/scored_tweets)."""
    name: str = "in_network"

    def fetch(self, query: Query) -> Candidates:
        """Best first: by the light ranker's score, or newest first."""
        user = self.data.user_row(query.user_id)
        posts, scores = self._in_order(user)
        columns: dict[str, Array] = {
            "retweeted_by": ids_or_nan(self.data, posts.retweeters[: self.limit]),
            "light": scores[: self.limit].astype(np.float32),
        }
        tweets = posts.tweets[: self.limit]
        return Candidates(data=self.data, rows=tweets, columns=columns, searched=posts.searched)

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why the tweet is not among the first posts of followees."""
        user, tweet = self.data.user_row(query.user_id), self.data.tweet_row(tweet_id)
        if reason := obstacle(self.data, user, tweet):
            return reason
        author = int(self.data.tweets["author"][tweet])
        place = np.flatnonzero(self._in_order(user)[0].tweets == tweet)
        if len(place):
            first = f"the newest {self.limit}" if self.ranker is None else f"the light ranker's {self.limit}"
            return f"number {place[0] + 1:,} of your network's posts, beyond {first}"
        if (self.index.newest(self.data.following.of(user), len(self.index.tweet)).tweets == tweet).any():
            return "those you follow who retweeted it are muted or blocked"
        return f"you don't follow {handle(self.data, author)}, and nobody you follow retweeted it"

    def _in_order(self, user: int) -> tuple[Posts, NDArray[np.float64]]:
        """All posts of the user's network, best first, and the light ranker's scores."""
        posts = self.index.newest(
            self.data.following.of(user), len(self.index.tweet), not_retweeted_by=avoided(self.data, user)
        )
        if self.ranker is None:
            return posts, np.full(len(posts.tweets), np.nan)
        scores = self.ranker.score(user, posts.tweets)
        order = best_first(scores, posts.tweets, len(scores))
        return Posts(posts.tweets[order], posts.retweeters[order], posts.searched), scores[order]


@dataclass(frozen=True, kw_only=True)
class GraphSource:
    """Strangers' tweets that the people the user follows engaged with.

    By the summed weight of who did; with `uteg`, the best thirty of those with most weight.

    Columns: `seed`, the id of the followee whose word counts most among those who engaged, and
    `weight`, the summed weight of all of them.
    """

    data: DataLoader
    graph: EngagementGraph
    ties: RealGraph | None = None
    """Weighs followees by how likely the user is to answer what they show; without it they count by
    1 + ln(1 + responses so far)."""
    uteg: Uteg | None = None
    """Walks and thins in place of the two above."""
    limit: int = 100
    """Tweets at most: 100 of the budget of 500. Home takes 300 of 1,400 from UTEG
    (timelineranker/server/src/main/scala/com/twitter/timelineranker/uteg_liked_by_tweets)."""
    name: str = "graph"

    def fetch(self, query: Query) -> Candidates:
        """Best first. Followees' own tweets are left to the network's source, as Home does."""
        user = self.data.user_row(query.user_id)
        best, searched = self._best(user)
        columns: dict[str, Array] = {
            "seed": ids_or_nan(self.data, best.first),
            "weight": best.weights.astype(np.float32),
        }
        return Candidates(data=self.data, rows=best.tweets, columns=columns, searched=searched)

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why the walk did not end at the tweet."""
        user, tweet = self.data.user_row(query.user_id), self.data.tweet_row(tweet_id)
        if reason := stranger_obstacle(self.data, user, tweet):
            return reason
        if self.uteg is not None:
            said = self.uteg.explain(user, tweet, familiar(self.data, user))
            return said or f"beyond the first {self.limit}"
        if tweet not in self._reached(user).tweets:
            silenced = np.intersect1d(self.data.following.of(user), avoided(self.data, user))
            engaged = tweet in self.graph.by_user.gather(silenced)[1]
            who = "those you follow who engaged with it are muted or blocked"
            return who if engaged else "nobody you follow engaged with it"
        return f"beyond the {self.limit} with the strongest ties"

    def _best(self, user: int) -> tuple[Reached, int]:
        """The tweets to bring, best first, and how many were reached."""
        strangers = familiar(self.data, user)
        if self.uteg is not None:
            reached = self.uteg.reached(user)
            found = self.uteg.best(user, reached, strangers)
            return found.take(np.arange(min(len(found), self.limit))), len(reached)
        reached = self._reached(user)
        found = reached.take(~strangers[self.data.tweets["author"][reached.tweets]])
        return found.take(best_first(found.weights, found.tweets, self.limit)), len(reached)

    def _reached(self, user: int) -> Reached:
        if self.ties is None:
            return self.graph.from_follows(self.data, user)
        seeds = listened_to(self.data, user)
        return self.graph.walk(seeds, 1.0 + SEED_SLOPE * self.ties.affinities(user, seeds))


@dataclass(frozen=True, kw_only=True)
class OutOfNetworkSource:
    """Strangers' tweets from several engines, in turns: the first of each, the second of each, and so on.

    With a light ranker, in its order instead; then a few tweets of what trends go before all others.

    Columns, for each engine: `<engine>.rank`, the tweet's place in its list from 1, and `<engine>.seed`, what
    brought it (see the engine), NaN where it did not find the tweet; and `light`, the light ranker's score.
    """

    data: DataLoader
    engines: tuple[Engine, ...]
    """Asked in this order, which is also the order of the turns."""
    ranker: StrangerRanker | None = None
    """Its first opinion decides which of the engines' tweets come first."""
    ahead: int = 10
    """Tweets of the engine `trends` that go first, the best by the light ranker; none without a burst."""
    limit: int = 500
    """Tweets at most: enough to fill the budget of 500 alone."""
    name: str = "out_of_network"

    def fetch(self, query: Query) -> Candidates:
        """Best first: by the light ranker's score, or in the order of the turns.

        The light ranker is not asked about what the user has seen: Home's requests, too, name up to 1,500
        seen ids to its indexes, so that none takes a better one's place.
        """
        user = self.data.user_row(query.user_id)
        answers = [(engine.name, engine.find(user)) for engine in self.engines]
        mixed, scores = self._mixed(user, answers)
        mixed, scores = mixed[: self.limit], scores[: self.limit]
        columns: dict[str, Array] = {"light": scores.astype(np.float32)}
        for name, found in answers:
            place = places_in(found.tweets, mixed)
            there = ~np.isnan(place)
            columns[f"{name}.rank"], columns[f"{name}.seed"] = place, np.full(len(mixed), np.nan)
            columns[f"{name}.seed"][there] = found.seeds[place[there].astype(np.int64) - 1]
        searched = max((found.searched for _, found in answers), default=0)
        return Candidates(data=self.data, rows=mixed, columns=columns, searched=searched)

    def explain(self, query: Query, tweet_id: int) -> str:
        """What each engine has to say."""
        user, tweet = self.data.user_row(query.user_id), self.data.tweet_row(tweet_id)
        if reason := stranger_obstacle(self.data, user, tweet):
            return reason
        answers = [(engine.name, engine.find(user)) for engine in self.engines]
        place = np.flatnonzero(self._mixed(user, answers)[0] == tweet)
        if len(place):
            order = "in the order of the turns" if self.ranker is None else "by the light ranker"
            return f"number {place[0] + 1:,} {order}, beyond the first {self.limit}"
        if any((found.tweets == tweet).any() for _, found in answers):
            return "you have seen it"
        said = {engine.name: engine.explain(user, tweet) for engine in self.engines}
        if len(said) == 1:
            return next(iter(said.values()))
        return "; ".join(f"{name}: {reason}" for name, reason in said.items())

    def _mixed(
        self, user: int, answers: Sequence[tuple[str, Found]]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Everything that the engines found, best first, and the light ranker's scores."""
        lists = [found.tweets for _, found in answers]
        mixed = round_robin(lists, sum(map(len, lists)))
        if self.ranker is None:
            return mixed, np.full(len(mixed), np.nan)
        mixed = mixed[~np.isin(mixed, self.data.seen(user, WINDOW_HOURS))]
        scores = self.ranker.score(user, mixed)
        order = best_first(scores, mixed, len(mixed))
        mixed, scores = mixed[order], scores[order]
        trending = [found.tweets for name, found in answers if name == "trends"]
        first = np.flatnonzero(np.isin(mixed, np.concatenate([np.zeros(0, np.int64), *trending])))[
            : self.ahead
        ]
        order = np.concatenate((first, np.delete(np.arange(len(mixed)), first)))
        return mixed[order], scores[order]


@dataclass(frozen=True, kw_only=True)
class PopularSource:
    """The backfill, which needs no history: strangers' tweets by freshness × popularity × language."""

    data: DataLoader
    index: TopicPopular
    limit: int = 500
    """Tweets at most: enough to fill the budget of 500 alone."""
    name: str = "popular"

    def fetch(self, query: Query) -> Candidates:
        """Best first."""
        user = self.data.user_row(query.user_id)
        topics = np.ones(len(self.data.topics), np.float32)
        unwanted = familiar(self.data, user)
        tweets = self.index.search(topics, language_shares(self.data, user), unwanted, self.limit)
        return Candidates(data=self.data, rows=tweets, searched=len(self.index))

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why the tweet is not among the most popular."""
        user, tweet = self.data.user_row(query.user_id), self.data.tweet_row(tweet_id)
        return topical_obstacle(self.data, user, tweet) or f"beyond the {self.limit} most popular"

"""The sources: three honest ways to find a few hundred tweets among a quarter of a million, and a spare.

    in_network       the newest posts of the people you follow
    graph            what the people you follow engaged with, by others
    out_of_network   topic history × freshness × popularity, by people you don't follow
    popular          fresh and popular tweets in your languages, when all else leaves room

Each is a thin component around an algorithm in `mimic.retrieval`, and each can say why a tweet is
not among what it found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mimic.batch import Array, Candidates, Query
from mimic.data_loader import DataLoader
from mimic.history import language_shares, topic_shares
from mimic.ordering import best_first
from mimic.retrieval.earlybird import Posts, TimeIndex
from mimic.retrieval.graph_jet import EngagementGraph
from mimic.retrieval.topic_popular import TopicPopular
from mimic.viewer import (
    avoided,
    familiar,
    handle,
    ids_or_nan,
    obstacle,
    stranger_obstacle,
    topical_obstacle,
)

__all__ = ["GraphSource", "InNetworkSource", "OutOfNetworkSource", "PopularSource"]


@dataclass(frozen=True, kw_only=True)
class InNetworkSource:
    """The newest posts of the people the user follows: their tweets, and tweets that they retweeted.

    Who is muted or blocked brings nothing by retweeting; their own tweets are left to the filters, which
    say why they go.

    Columns: `retweeted_by`, the id of the followee who brought a stranger's tweet.
    """

    data: DataLoader
    index: TimeIndex
    limit: int = 200
    """Tweets at most: 200 of the budget of 500. Home asks its index for 600 of 1,400
    (home-mixer/server/src/main/scala/com/twitter/home_mixer/product/scored_tweets)."""
    name: str = "in_network"

    def fetch(self, query: Query) -> Candidates:
        """Newest first."""
        user = self.data.user_row(query.user_id)
        posts = self._newest(user, self.limit)
        columns = {"retweeted_by": ids_or_nan(self.data, posts.retweeters)}
        return Candidates(data=self.data, rows=posts.tweets, columns=columns, searched=posts.searched)

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why the tweet is not among the newest posts of followees."""
        user, tweet = self.data.user_row(query.user_id), self.data.tweet_row(tweet_id)
        if reason := obstacle(self.data, user, tweet):
            return reason
        author = int(self.data.tweets["author"][tweet])
        everything = self._newest(user, len(self.index.tweet))
        place = np.flatnonzero(everything.tweets == tweet)
        if len(place):
            return f"number {place[0] + 1:,} of your network's posts, beyond the newest {self.limit}"
        if (self.index.newest(self.data.following.of(user), len(self.index.tweet)).tweets == tweet).any():
            return "those you follow who retweeted it are muted or blocked"
        return f"you don't follow {handle(self.data, author)}, and nobody you follow retweeted it"

    def _newest(self, user: int, limit: int) -> Posts:
        return self.index.newest(
            self.data.following.of(user), limit, not_retweeted_by=avoided(self.data, user)
        )


@dataclass(frozen=True, kw_only=True)
class GraphSource:
    """Strangers' tweets that the people the user follows engaged with, by the weight of who did.

    Columns: `seed`, the id of the followee with the strongest tie among those who engaged, and
    `weight`, their summed weight.
    """

    data: DataLoader
    graph: EngagementGraph
    limit: int = 100
    """Tweets at most: 100 of the budget of 500. Home takes 300 of 1,400 from UTEG
    (timelineranker/server/src/main/scala/com/twitter/timelineranker/uteg_liked_by_tweets)."""
    name: str = "graph"

    def fetch(self, query: Query) -> Candidates:
        """Heaviest first. Followees' own tweets are left to the network's source, as Home does."""
        user = self.data.user_row(query.user_id)
        reached = self.graph.from_follows(self.data, user)
        strangers = np.flatnonzero(~familiar(self.data, user)[self.data.tweets["author"][reached.tweets]])
        best = strangers[best_first(reached.weights[strangers], reached.tweets[strangers], self.limit)]
        columns: dict[str, Array] = {
            "seed": ids_or_nan(self.data, reached.first[best]),
            "weight": reached.weights[best].astype(np.float32),
        }
        return Candidates(
            data=self.data, rows=reached.tweets[best], columns=columns, searched=len(reached.tweets)
        )

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why the walk did not end at the tweet."""
        user, tweet = self.data.user_row(query.user_id), self.data.tweet_row(tweet_id)
        if reason := stranger_obstacle(self.data, user, tweet):
            return reason
        if tweet not in self.graph.from_follows(self.data, user).tweets:
            silenced = np.intersect1d(self.data.following.of(user), avoided(self.data, user))
            engaged = tweet in self.graph.by_user.gather(silenced)[1]
            who = "those you follow who engaged with it are muted or blocked"
            return who if engaged else "nobody you follow engaged with it"
        return f"beyond the {self.limit} with the strongest ties"


@dataclass(frozen=True, kw_only=True)
class OutOfNetworkSource:
    """Strangers' tweets by topic history × freshness × popularity, in the languages the user reads.

    Columns: `seed`, the id of the topic that brought the tweet.
    """

    data: DataLoader
    index: TopicPopular
    limit: int = 500
    """Tweets at most: enough to fill the budget of 500 alone."""
    name: str = "out_of_network"

    def fetch(self, query: Query) -> Candidates:
        """Best first; nothing for a user who has neither engaged with nor declared a topic."""
        user = self.data.user_row(query.user_id)
        topics, languages = topic_shares(self.data, user), language_shares(self.data, user)
        tweets = self.index.search(topics, languages, familiar(self.data, user), self.limit)
        columns = {"seed": self.data.topics["topic_id"][self.data.tweets["topic"][tweets]]}
        return Candidates(data=self.data, rows=tweets, columns=columns, searched=len(self.index))

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why the tweet is not among the best of the user's topics."""
        user, tweet = self.data.user_row(query.user_id), self.data.tweet_row(tweet_id)
        if reason := topical_obstacle(self.data, user, tweet):
            return reason
        topic = self.data.tweets["topic"][[tweet]]
        if topic_shares(self.data, user)[topic[0]] == 0:
            return f"filed under {self.data.topics.texts('name', topic)[0]}, which is none of your topics"
        return f"beyond the best {self.limit} of your topics"


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

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
from mimic.columns import NONE
from mimic.data_loader import WINDOW_HOURS, DataLoader
from mimic.history import language_shares, topic_shares
from mimic.ordering import best_first
from mimic.retrieval.earlybird import TimeIndex
from mimic.retrieval.graph_jet import EngagementGraph
from mimic.retrieval.topic_popular import TopicPopular

__all__ = ["GraphSource", "InNetworkSource", "OutOfNetworkSource", "PopularSource"]


def _ids_or_nan(data: DataLoader, users: Array) -> Array:
    """User ids of rows, as floats so that NaN can say «nobody» where the row is −1."""
    return np.where(users == NONE, np.nan, data.users["user_id"][users])


def _handle(data: DataLoader, user: int) -> str:
    return f"@{data.users.texts('handle', np.array([user]))[0]}"


def _obstacle(data: DataLoader, user: int, tweet: int) -> str:
    """What no source could get around: a tweet of one's own, or one that is too old."""
    if data.tweets["author"][tweet] == user:
        return "you wrote it"
    if tweet < data.since("tweets"):
        return f"older than {WINDOW_HOURS:.0f} hours"
    return ""


def _stranger_obstacle(data: DataLoader, user: int, tweet: int) -> str:
    """What no source of strangers' tweets could get around: a followee's tweet, besides the above."""
    author = int(data.tweets["author"][tweet])
    if obstacle := _obstacle(data, user, tweet):
        return obstacle
    if (data.following.of(user) == author).any():
        return f"you follow {_handle(data, author)}: a tweet for the network's source"
    return ""


def _topical_obstacle(data: DataLoader, user: int, tweet: int) -> str:
    """The same for sources that search by language."""
    if obstacle := _stranger_obstacle(data, user, tweet):
        return obstacle
    unreadable = language_shares(data, user)[data.tweets["lang"][tweet]] == 0
    return "not in a language you read" if unreadable else ""


def _not_followed(data: DataLoader, user: int) -> Array:
    """bool[users]: true for authors that out-of-network sources leave out: followees and oneself."""
    left_out = np.zeros(len(data.users), bool)
    left_out[data.following.of(user)] = True
    left_out[user] = True
    return left_out


@dataclass(frozen=True, kw_only=True)
class InNetworkSource:
    """The newest posts of the people the user follows: their tweets, and tweets that they retweeted.

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
        posts = self.index.newest(self.data.following.of(user), self.limit)
        columns = {"retweeted_by": _ids_or_nan(self.data, posts.retweeters)}
        return Candidates(data=self.data, rows=posts.tweets, columns=columns, searched=posts.searched)

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why the tweet is not among the newest posts of followees."""
        user, tweet = self.data.user_row(query.user_id), self.data.tweet_row(tweet_id)
        if obstacle := _obstacle(self.data, user, tweet):
            return obstacle
        author = int(self.data.tweets["author"][tweet])
        everything = self.index.newest(self.data.following.of(user), len(self.index.tweet))
        place = np.flatnonzero(everything.tweets == tweet)
        if len(place):
            return f"number {place[0] + 1:,} of your network's posts, beyond the newest {self.limit}"
        return f"you don't follow {_handle(self.data, author)}, and nobody you follow retweeted it"


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
        strangers = np.flatnonzero(
            ~_not_followed(self.data, user)[self.data.tweets["author"][reached.tweets]]
        )
        best = strangers[best_first(reached.weights[strangers], reached.tweets[strangers], self.limit)]
        seeds = _ids_or_nan(self.data, reached.first[best])
        columns = {"seed": seeds, "weight": reached.weights[best].astype(np.float32)}
        return Candidates(
            data=self.data, rows=reached.tweets[best], columns=columns, searched=len(reached.tweets)
        )

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why the walk did not end at the tweet."""
        user, tweet = self.data.user_row(query.user_id), self.data.tweet_row(tweet_id)
        if obstacle := _stranger_obstacle(self.data, user, tweet):
            return obstacle
        if tweet not in self.graph.from_follows(self.data, user).tweets:
            return "nobody you follow engaged with it"
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
        tweets = self.index.search(topics, languages, _not_followed(self.data, user), self.limit)
        columns = {"seed": self.data.topics["topic_id"][self.data.tweets["topic"][tweets]]}
        return Candidates(data=self.data, rows=tweets, columns=columns, searched=len(self.index))

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why the tweet is not among the best of the user's topics."""
        user, tweet = self.data.user_row(query.user_id), self.data.tweet_row(tweet_id)
        if obstacle := _topical_obstacle(self.data, user, tweet):
            return obstacle
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
        unwanted = _not_followed(self.data, user)
        tweets = self.index.search(topics, language_shares(self.data, user), unwanted, self.limit)
        return Candidates(data=self.data, rows=tweets, searched=len(self.index))

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why the tweet is not among the most popular."""
        user, tweet = self.data.user_row(query.user_id), self.data.tweet_row(tweet_id)
        return _topical_obstacle(self.data, user, tweet) or f"beyond the {self.limit} most popular"

"""UTG: what else did those engage with who engaged with what you engaged with?

Twitter's user-tweet graph (src/scala/com/twitter/recos/user_tweet_graph, relatedTweetHandlers) takes no
follows at all. For a query tweet q that you liked:

    q → a sample of who else engaged with it → what else they engaged with, counted

    score(t | q) = d_q / ln(1 + d_q) / people sampled · how many of them lead to t / ln(1 + d_t)

with d the number of people who engaged with a tweet: its "log-cosine". The cosine of two tweets' lists of
people would divide by √d_t; the logarithm takes less from what is popular. Published without the 1 +, which
is infinite at d = 1: there every d is at least 10, here hardly any is.

**Scaled down.** Production asks for query tweets with 10 people, for 3 who lead on, for results with more
than 50, all of the last 24 to 48 hours. Of our tweets with any engagement half have one, and in two days of
memory 55 % of the active users would find nothing. So the graph remembers two weeks here (what it finds is of
the last 48 hours all the same), one person suffices to lead on, and the scores of all query tweets are added
up, so that what several people or several of your tweets lead to comes first by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mimic.csr import CSR, positions_in_runs
from mimic.data_loader import DataLoader
from mimic.ordering import best_first
from mimic.retrieval.graph_jet import SegmentConfig, UserTweetGraph
from mimic.schema import ENGAGEMENTS
from mimic.viewer import obstacle

__all__ = ["CoEngagement", "CoEngagementConfig"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CoEngagementConfig:
    """How the walk is thinned out and what counts as a result. Production's numbers in brackets."""

    segments: SegmentConfig = field(default_factory=lambda: SegmentConfig(hours=24, closed=14))
    """How long the graph remembers (24 to 48 hours)."""
    kinds: tuple[str, ...] = ENGAGEMENTS
    """Actions that count (likes and retweets)."""
    queries: int = 15
    """Newest tweets that the user engaged with to start from (15:
    cr-mixer/.../source_signal/UssStore.scala)."""
    sample: int = 20
    """People drawn of those who engaged with each (100, of up to 2^20)."""
    busy: int = 350
    """Who engaged with this many tweets leads nowhere in particular and is left out (100 in two days)."""
    min_query_degree: int = 2
    """People who engaged with a query tweet, the user among them (10)."""
    min_together: int = 1
    """Pairs of a query tweet and a person that lead to a result (3 people a query tweet)."""
    min_degree: int = 2
    """People who engaged with a result (51)."""
    min_score: float = 0.0
    """Results score more (.5)."""
    seed: int = 0
    """Of the samples; a user's draws are their own and the same at each request."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CoEngagement:
    """Searches two weeks of engagements. Build with `CoEngagement.of(data)`. U users, T tweets.

    Built from the segments of a `UserTweetGraph`, with one edge for each person and tweet.
    """

    data: DataLoader
    config: CoEngagementConfig
    by_user: CSR
    """For each user (row) the tweets (rows) that they engaged with, the newest engagement first."""
    live: CSR
    """The same without tweets that are too old to be shown."""
    by_tweet: CSR
    """For tweets `low`, `low + 1`, … who engaged with them (rows)."""
    low: int
    """Row of the oldest tweet in the graph."""

    @classmethod
    def of(cls, data: DataLoader, config: CoEngagementConfig | None = None) -> CoEngagement:
        """For a snapshot."""
        config = config or CoEngagementConfig()
        graph = UserTweetGraph.of(data, config.segments)
        edges = np.flatnonzero(np.isin(ENGAGEMENTS, config.kinds)[graph.kind])
        pairs = graph.user[edges].astype(np.int64) * len(data.tweets) + graph.tweet[edges]
        edges = edges[np.sort(np.unique(pairs, return_index=True)[1])]  # the newest edge of each pair
        user, tweet = graph.user[edges], graph.tweet[edges].astype(np.int64)
        low, new = int(tweet.min(initial=len(data.tweets))), tweet >= graph.first
        return cls(
            data=data,
            config=config,
            by_user=CSR.group(user, len(data.users), tweet),
            live=CSR.group(user[new], len(data.users), tweet[new]),
            by_tweet=CSR.group(tweet - low, len(data.tweets) - low, user),
            low=low,
        )

    def degree(self, tweets: NDArray[Any]) -> Ints:
        """How many people engaged with each of some tweets (rows, from `low` on), int64[n]."""
        return _sizes(self.by_tweet, tweets - self.low)

    def queries(self, user: int) -> Ints:
        """The tweets (rows) that a search for a user (row) starts from, the newest engagement first."""
        newest = self.by_user.of(user)[: self.config.queries].astype(np.int64)
        return newest[self.degree(newest) >= self.config.min_query_degree]

    def search(self, user: int, unwanted: NDArray[np.bool_], limit: int) -> tuple[Ints, Floats, Ints]:
        """The tweets that co-engagers of a user (row) lead to.

        Args:
            user: row of the user.
            unwanted: bool[U], authors whose tweets are left out.
            limit: how many at most.

        Returns:
            Tweets (rows), best first, their scores, and for each the query tweet (row) that adds most to its
            score. Nothing for who engaged with nothing.
        """
        tweets, scores, together, query = self._scored(user)
        wanted = ~unwanted[self.data.tweets["author"][tweets]] & (together >= self.config.min_together)
        wanted &= (self.degree(tweets) >= self.config.min_degree) & (scores > self.config.min_score)
        kept = np.flatnonzero(wanted)
        kept = kept[best_first(scores[kept], tweets[kept], limit)]
        return tweets[kept], scores[kept], query[kept]

    def explain(self, user: int, tweet: int, unwanted: NDArray[np.bool_], limit: int) -> str:
        """Why `search` does not bring a tweet (row) to a user (row); "" when it does."""
        if reason := obstacle(self.data, user, tweet):
            return reason
        if unwanted[self.data.tweets["author"][tweet]]:
            return "its author is left out of the search"
        if not len(self.by_user.of(user)):
            return "you engaged with nothing that the graph remembers"
        if (self.by_user.of(user) == tweet).any():
            return "you engaged with it already"
        tweets, scores, together, _ = self._scored(user)
        place = np.flatnonzero(tweets == tweet)
        if not len(place):
            return "nobody drawn from those who engaged with what you did engaged with it"
        if reason := self._too_little(tweet, float(scores[place[0]]), int(together[place[0]])):
            return reason
        return "" if (self.search(user, unwanted, limit)[0] == tweet).any() else f"beyond the best {limit}"

    def _too_little(self, tweet: int, score: float, together: int) -> str:
        degree, config = int(self.degree(np.array([tweet]))[0]), self.config
        if degree < config.min_degree:
            return f"engaged with by {degree}; {config.min_degree} are asked for"
        if together < config.min_together:
            return f"{together} of those who engaged with what you did lead to it; {config.min_together} must"
        return "" if score > config.min_score else f"score {score:.2f}, not above {config.min_score:g}"

    def _people(self, user: int, queries: Ints) -> tuple[Ints, Ints]:
        """A sample of who else engaged with each query tweet: place of the tweet and person (row)."""
        query, person = self.by_tweet.gather(queries - self.low)
        others = (person != user) & (_sizes(self.by_user, person) < self.config.busy)
        query, person = query[others], person[others].astype(np.int64)
        sizes = np.bincount(query)
        if sizes.max(initial=0) > self.config.sample:
            order = np.lexsort((person, query))
            draws = np.random.default_rng([self.config.seed, user]).random(len(query))
            drawn = order[np.lexsort((draws, query[order]))[positions_in_runs(sizes) < self.config.sample]]
            query, person = query[drawn], person[drawn]
        return query, person

    def _scored(self, user: int) -> tuple[Ints, Floats, Ints, Ints]:
        """Every live tweet that co-engagers lead to and the user has not engaged with.

        Returns tweets (rows, ascending), scores, how many pairs of query tweet and person lead to each, and
        the query tweet (row) that adds most.
        """
        queries = self.queries(user)
        query, person = self._people(user, queries)
        step, led = self.live.gather(person)
        new = ~np.isin(led, self.live.of(user))
        key = led[new].astype(np.int64) * max(len(queries), 1) + query[step[new]]
        key, together = np.unique(key, return_counts=True)
        tweet, by = np.divmod(key, max(len(queries), 1))
        part = self._factor(queries, query)[by] * together / np.log1p(self.degree(tweet))
        tweets, of = np.unique(tweet, return_inverse=True)
        scores = np.zeros(len(tweets))
        np.add.at(
            scores, of, part
        )  # in the order of the query tweets, so that equal sums are equal to the bit
        most = np.lexsort((by, -part, of))[np.searchsorted(of, np.arange(len(tweets)))]
        pairs = np.bincount(of, together, len(tweets)).astype(np.int64)
        return tweets, scores, pairs, queries[by[most]]

    def _factor(self, queries: Ints, query: Ints) -> Floats:
        """The score's factor for each query tweet; `query` says for each sampled person whose they are."""
        degree = self.degree(queries).astype(np.float64)
        sampled = np.maximum(np.bincount(query, minlength=len(queries)), 1)
        return np.asarray(degree / np.log1p(degree) / sampled)


def _sizes(lists: CSR, keys: NDArray[Any]) -> Ints:
    """How long the lists of some keys are, int64[n]: two reads a key, however many lists there are."""
    return np.asarray(lists.starts[keys + 1] - lists.starts[keys])

"""SimClusters: a tweet belongs to the communities of those who like it, and is found through them.

Each like adds what its giver is interested in to the tweet's embedding, and everything in the embedding
halves every eight hours (src/scala/com/twitter/simclusters_v2/summingbird/storm/TweetJob.scala).
Production keeps a value and the time it was written, and fades it whenever the next like comes. Because
fading is multiplication, the outcome is the same as Σ over likes of 2^(−age / 8 h) × interest at
the moment of asking. So a snapshot needs no replay: it is a product of two sparse matrices.

SimClusters-ANN (simclusters-ann, ApproximateCosineSimilarity.scala) then reads the communities of the
asker, and for each the list of its top tweets:

    partial   the published score: dot product and length summed only over the lists that were read and
              hold the tweet. A tweet in one list scores the same whatever its strength, so ties abound
    cosine    candidates from the same lists, then the cosine of the whole embeddings, as the README of
              the service has it and its code does not

A tweet that nobody likes has no embedding, and cannot be found here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mimic.csr import CSR, positions_in_runs
from mimic.data_loader import HOUR_MS, DataLoader
from mimic.ordering import best_first
from mimic.retrieval.communities import Communities
from mimic.retrieval.interested_in import InterestedIn, strongest
from mimic.retrieval.producer_graph import Matrix
from mimic.schema import RESPONSES

__all__ = ["HALF_LIFE_HOURS", "SimClusters", "TopTweets", "tweet_embeddings"]

Floats = NDArray[np.float64]

HALF_LIFE_HOURS: Final = 8.0
"""In which what a like gave to a tweet halves (simclusters_v2/summingbird/common/Configs.scala)."""

_LIKE: Final = RESPONSES.index("like")


def tweet_embeddings(
    data: DataLoader, interests: InterestedIn, half_life_hours: float = HALF_LIFE_HOURS
) -> Matrix:
    """Embeddings of the last 48 hours' tweets as of the snapshot, [W, K]; row 0 is `data.since("tweets")`.

    An author's like of their own tweet does not count, as in production.
    """
    first, log = data.since("tweets"), data.since("interactions")
    likes = log + np.flatnonzero(data.interactions["kind"][log:] == _LIKE)
    liker, tweet = data.interactions["user"][likes], data.interactions["tweet"][likes]
    counts = (tweet >= first) & (liker != data.tweets["author"][tweet])
    faded = np.exp2((data.interactions["at"][likes[counts]] - data.now) / (half_life_hours * HOUR_MS))
    shape = (len(data.tweets) - first, len(data.users))
    by_tweet = sparse.csr_array((faded, (tweet[counts] - first, liker[counts])), shape=shape)
    return sparse.csr_array(by_tweet @ interests.matrix)


@dataclass(frozen=True, kw_only=True, eq=False)
class TopTweets:
    """For each community its top tweets: an inverted index of embeddings."""

    tweet: CSR
    """For each community its tweets as rows of the embeddings, the strongest first, newer ones before
    equal older ones."""
    value: Floats
    """float64: the tweet's entry for the community, for each of `tweet.values`."""

    @classmethod
    def of(cls, embeddings: Matrix, limit: int) -> TopTweets:
        """The `limit` strongest of each column."""
        tweet = np.repeat(np.arange(embeddings.shape[0]), np.diff(embeddings.indptr))
        community, value = embeddings.indices.astype(np.int64), embeddings.data
        order = np.lexsort((-tweet, -value, community))
        sizes = np.bincount(community, minlength=embeddings.shape[1])
        kept = order[positions_in_runs(sizes) < limit]
        starts = np.concatenate(([0], np.cumsum(np.minimum(sizes, limit))))
        return cls(tweet=CSR(starts, tweet[kept]), value=value[kept])

    def read(self, communities: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """The lists of some communities: place in `communities`, tweet and value of each entry."""
        place, position = self.tweet.positions(communities)
        return place, self.tweet.values[position].astype(np.int64, copy=False), self.value[position]


@dataclass(frozen=True, kw_only=True, eq=False)
class SimClusters:
    """Everything that is needed to search at one moment. Build with `SimClusters.of(data)`."""

    first: int
    """Row of the first tweet of the last 48 hours: row 0 of the embeddings."""
    interests: InterestedIn
    embeddings: Matrix
    """[W, K]: what each tweet of the window is liked by; empty rows for those without likes."""
    top: TopTweets
    author: NDArray[np.int32]
    """int32[W]: who wrote each tweet (row)."""
    scanned: int = 10
    """Communities of the asker whose lists are read, the strongest first (production: 50 of at most 50)."""

    @classmethod
    def of(
        cls,
        data: DataLoader,
        interests: InterestedIn | None = None,
        *,
        per_tweet: int = 50,
        per_community: int = 400,
    ) -> SimClusters:
        """For a snapshot.

        Args:
            data: the snapshot.
            interests: users' communities; by default those of the snapshot, with producers' communities
                from the late fit, which ends at the data set's own `now` (or at the snapshot's moment,
                when that is earlier).
            per_tweet: communities that a tweet keeps (production: 50).
            per_community: tweets that a community's list keeps (production: 1,600, of which 800 are read).
        """
        if interests is None:
            fitted = data.as_of(min(data.now, data.manifest.now))
            interests = InterestedIn.of(data, Communities.of(fitted))
        first = data.since("tweets")
        embeddings = strongest(tweet_embeddings(data, interests), per_tweet)
        return cls(
            first=first,
            interests=interests,
            embeddings=embeddings,
            top=TopTweets.of(embeddings, per_community),
            author=data.tweets["author"][first:],
        )

    @cached_property
    def _by_tweet(self) -> CSR:
        return CSR(self.embeddings.indptr.astype(np.int64), self.embeddings.indices)

    @cached_property
    def _square_length(self) -> Floats:
        """float64[W]: of each tweet's embedding."""
        tweet = np.repeat(np.arange(len(self.author)), self._by_tweet.sizes)
        return _sum(self.embeddings.data**2, tweet, len(self.author))

    def __len__(self) -> int:
        """Tweets that have an embedding."""
        return int((self._by_tweet.sizes > 0).sum())

    def user(self, user: int) -> Floats:
        """What a user (row) is interested in, float64[K]; zeros when nothing is known."""
        return self._dense(self.interests.matrix, user)

    def tweet(self, tweet: int) -> Floats:
        """The embedding of a tweet (row), float64[K]; zeros when nobody liked it or it is too old."""
        if tweet < self.first:
            return np.zeros(self.embeddings.shape[1])
        return self._dense(self.embeddings, tweet - self.first)

    def shared(self, user: int, tweets: NDArray[np.int64]) -> Floats:
        """The community that adds most to the dot product of a user and each tweet (rows), float64[n].

        NaN where they have none in common.
        """
        mine = self.user(user)
        place, entry = self._by_tweet.positions(tweets - self.first)
        community = self.embeddings.indices[entry]
        adds = self.embeddings.data[entry] * mine[community]
        order = np.lexsort((community, -adds, place))
        order = order[adds[order] > 0]
        some, first = np.unique(place[order], return_index=True)
        found = np.full(len(tweets), np.nan)
        found[some] = community[order[first]]
        return found

    def search(
        self,
        user: int,
        unwanted: NDArray[np.bool_],
        limit: int,
        *,
        by: Literal["cosine", "partial"] = "cosine",
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The `limit` tweets nearest to a user (row): tweets (rows), best first, and their scores, 0 to 1.

        `unwanted` bool[users] excludes authors. Nothing for a user without communities.
        """
        return self.near(self.user(user), unwanted, limit, by=by)

    def near(
        self,
        source: Floats,
        unwanted: NDArray[np.bool_],
        limit: int,
        *,
        by: Literal["cosine", "partial"] = "cosine",
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The same for any embedding float64[K], such as that of a tweet that somebody liked."""
        communities = np.lexsort((np.arange(len(source)), -source))[: self.scanned]
        communities = communities[source[communities] > 0]
        place, tweets, value = self.top.read(communities)
        listed = np.zeros(len(self.author), bool)
        listed[tweets] = True
        found = np.flatnonzero(listed)
        found = found[~unwanted[self.author[found]]]
        if by == "cosine":
            dot, square_length = self._dot(found, source), self._square_length[found]
        else:
            dot = _sum(source[communities[place]] * value, tweets, len(self.author))[found]
            square_length = _sum(value**2, tweets, len(self.author))[found]
        # Rounded, so that tweets which differ in the last digits of a sum tie, and the newer goes first.
        score = (dot / np.sqrt(square_length * (source**2).sum())).astype(np.float32)
        best = best_first(score, found, limit)
        return self.first + found[best], score[best]

    def _dot(self, tweets: NDArray[np.int64], source: Floats) -> Floats:
        """Dot products of the whole embeddings of some tweets with a source."""
        place, entry = self._by_tweet.positions(tweets)
        return _sum(self.embeddings.data[entry] * source[self.embeddings.indices[entry]], place, len(tweets))

    @staticmethod
    def _dense(matrix: Matrix, row: int) -> Floats:
        vector = np.zeros(matrix.shape[1])
        run = slice(matrix.indptr[row], matrix.indptr[row + 1])
        vector[matrix.indices[run]] = matrix.data[run]
        return vector


def _sum(terms: Floats, of: NDArray[np.int64], count: int) -> Floats:
    """Sums of the terms of each of `count` things, float64[count]."""
    return np.bincount(of, terms, count).astype(np.float64, copy=False)

"""What the two towers are told about a user or a tweet, as of any moment.

    user    topics and languages of the responses so far, whose tweets these were, whom they follow
    tweet   topic, language, words, author, what the author writes about, who has engaged so far, age

«So far» is meant for each row: a training row is as of the moment at which the tweet was shown, so it
cannot know the response that it is to predict, nor anything later. Serving asks for all users and all live
tweets as of now. Both call the same functions, so they cannot drift apart.

People appear as factors of the follow graph, never as numbers of their own: an author is known by who
follows them, a reader by whom they follow. So the towers can generalise to pairs that never met.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute
from scipy import sparse
from scipy.sparse.linalg import svds

from mimic.columns import NONE
from mimic.csr import CSR
from mimic.data_loader import HOUR_MS, DataLoader
from mimic.history import OWN_LANGUAGE, WEIGHT_OF_KIND
from mimic.point_in_time import count_before
from mimic.schema import ENGAGEMENTS, LANGUAGES, RESPONSES

__all__ = ["TowerFeatures", "follow_factors", "freshness", "word_hashes"]

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float32]

_ENGAGED: Final = np.isin(RESPONSES, ENGAGEMENTS)
_HALF_STALE_HOURS: Final = 6.0
"""Hours in which 1 + age doubles: minutes matter to a fresh tweet, hours to an old one. Chosen by hand."""
_SMOOTHING: Final = 50.0
"""Impressions at the average rate that each author starts with, as in `mimic.features`."""
_TINY: Final = 1e-6
"""Singular values below this share of the largest are rounding errors."""
_LOG: Final = 4.0
"""Scale of logarithms of counts, so that they are about 1."""
_CROWD: Final = 2.0
"""Largest length of the vector of those who engaged; it is ln(1 + how many) below that."""
_AT_ONCE: Final = 20_000
"""Rows whose histories are gathered together; bounds the memory."""
_TIMID: Final = 5.0
"""Added to the number of edges of both ends before an edge is weighted, so that two accounts with one edge
each do not make a factor of their own."""
_WORD: Final = re.compile(r"[^\W_぀-ヿ一-鿿]+|[぀-ヿ一-鿿]{1,2}")
"""A run of letters and digits; of Japanese, which has no spaces, two characters."""


def freshness(age_hours: NDArray[Any]) -> NDArray[np.float64]:
    """ln(1 + age / 6 h), float64[n], by which a tweet has aged."""
    return np.asarray(np.log1p(np.maximum(age_hours, 0.0) / _HALF_STALE_HOURS), np.float64)


def follow_factors(data: DataLoader, dims: int, seed: int) -> tuple[Floats, Floats]:
    """What kind of author and what kind of reader everybody is, float32[users, dims] each, rows of length 1.

    The truncated singular value decomposition of the follow graph. An edge counts 1/√(out · in) of its
    ends' edges, which keeps the famous from filling the first factors. Who has no edge gets zeros.
    """
    users, follower, followed = len(data.users), data.follows["follower"], data.follows["followed"]
    out, fame = np.bincount(follower, minlength=users), np.bincount(followed, minlength=users)
    if not len(follower):
        return np.zeros((users, dims), np.float32), np.zeros((users, dims), np.float32)
    weight = 1.0 / np.sqrt((out[follower] + _TIMID) * (fame[followed] + _TIMID))
    graph = sparse.csr_array((weight, (follower, followed)), shape=(users, users))
    factors: tuple[NDArray[Any], ...] = svds(graph, min(dims, users - 1), rng=np.random.default_rng(seed))
    left, scale, right = factors
    some = scale > _TINY * scale.max(initial=0.0)  # a small graph has fewer directions than were asked for
    # A factor and its negative are equally good. Which of them comes out depends on how sums are rounded,
    # so it is settled here: the entry that is furthest from 0 is positive.
    furthest = np.take_along_axis(right, np.abs(right).argmax(axis=1)[:, None], axis=1)[:, 0]
    sign = np.where(some, np.sign(furthest), 0.0)
    authors, readers = _unit(right.T * sign), _unit(left * (sign * scale))
    return authors.astype(np.float32), readers.astype(np.float32)


def word_hashes(data: DataLoader, tweets: Ints, buckets: int) -> CSR:
    """The words of tweets (rows) as numbers below `buckets`, each once a tweet.

    Hashing needs no vocabulary, so a word that nobody has used before has a number too. Two words may
    share one. The hash is MurmurHash3, the same on every machine.
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    distinct, of = np.unique(tweets, return_inverse=True)
    hashing = HashingVectorizer(
        n_features=buckets, alternate_sign=False, norm=None, binary=True, token_pattern=_WORD.pattern
    )
    matrix = hashing.transform(data.text(distinct)) if len(distinct) else sparse.csr_array((0, buckets))
    words = CSR(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64))
    place, values = words.gather(of)
    return CSR.group(place, len(tweets), values)


@dataclass(frozen=True, kw_only=True, eq=False)
class TowerFeatures:
    """Facts of users and tweets at any moment up to the snapshot's."""

    data: DataLoader
    authors: Floats
    """float32[users, dims]: from `follow_factors`."""
    readers: Floats
    """float32[users, dims]: from `follow_factors`."""
    history: int = 200
    """Responses of a user, tweets of an author, followees, and engagers that are looked at: the latest."""

    def users(self, users: Ints, moments: NDArray[np.int64]) -> Floats:
        """Facts of users (rows) as of moments (ms), float32[n, user facts]."""
        return self._in_parts(self._users, users, moments)

    def tweets(self, tweets: Ints, moments: NDArray[np.int64]) -> Floats:
        """Facts of tweets (rows) as of moments (ms), words aside, float32[n, tweet facts]."""
        return self._in_parts(self._tweets, tweets, moments)

    def _in_parts(self, facts: Any, rows: Ints, moments: NDArray[np.int64]) -> Floats:
        parts = [
            facts(rows[low : low + _AT_ONCE], moments[low : low + _AT_ONCE])
            for low in range(0, max(len(rows), 1), _AT_ONCE)
        ]
        return np.concatenate(parts)

    # Users

    def _users(self, users: Ints, moments: NDArray[np.int64]) -> Floats:
        data, n = self.data, len(users)
        place, rows = self._responses.latest(users, self._log_rows(moments), self.history)
        weight, tweet = WEIGHT_OF_KIND[data.interactions["kind"][rows]], data.interactions["tweet"][rows]
        own, declared = self._interests.gather(users)
        topics = _table(place, data.tweets["topic"][tweet], weight, (n, len(data.topics)))
        topics += _table(own, declared, np.ones(len(own), np.float32), topics.shape)
        languages = _table(place, data.tweets["lang"][tweet], weight, (n, len(LANGUAGES)))
        languages[np.arange(n), data.users["lang"][users]] += OWN_LANGUAGE
        authors = _sums(self.authors, data.tweets["author"][tweet], place, n, weight)
        seen = np.searchsorted(data.follows["created_at"], moments)
        follower, edge = self._follows.latest(users, seen, self.history)
        followees = _sums(self.authors, data.follows["followed"][edge], follower, n)
        counts = [np.bincount(place, weight, n), np.bincount(follower, minlength=n)]
        logs = np.log1p(np.stack(counts, axis=1)) / _LOG
        columns = [np.sqrt(_shares(topics)), _shares(languages), _unit(authors), _unit(followees), logs]
        return np.concatenate(columns, axis=1, dtype=np.float32)

    # Tweets

    def _tweets(self, tweets: Ints, moments: NDArray[np.int64]) -> Floats:
        data, n = self.data, len(tweets)
        author, topics = data.tweets["author"][tweets], len(data.topics)
        place, written = self._written.latest(author, tweets, self.history)
        about = _table(place, data.tweets["topic"][written], np.ones(len(place), np.float32), (n, topics))
        engager, user = self._engagers(tweets, moments)
        engaged = np.bincount(engager, minlength=n)
        crowd = np.minimum(np.log1p(engaged), _CROWD)[:, None]
        columns = [
            np.eye(topics, dtype=np.float32)[data.tweets["topic"][tweets]],
            np.sqrt(_shares(about)),
            np.eye(len(LANGUAGES), dtype=np.float32)[data.tweets["lang"][tweets]],
            self.authors[author],
            _unit(_sums(self.readers, user, engager, n)) * crowd,
            self._numbers(tweets, moments, engaged),
        ]
        return np.concatenate(columns, axis=1, dtype=np.float32)

    def _engagers(self, tweets: Ints, moments: NDArray[np.int64]) -> tuple[Ints, Ints]:
        """Who had engaged with each tweet: places in `tweets`, and users (rows), each pair once."""
        log = self.data.interactions
        place, rows = self._answers.latest(tweets, self._log_rows(moments), self.history)
        engaged = _ENGAGED[log["kind"][rows]]
        users = len(self.data.users)
        pairs = np.unique(place[engaged] * users + log["user"][rows[engaged]])
        return pairs // users, pairs % users

    def _numbers(self, tweets: Ints, moments: NDArray[np.int64], engaged: Ints) -> NDArray[np.float64]:
        """What is a number about each tweet, float64[n, 8]."""
        data = self.data
        author = data.tweets["author"][tweets]
        hits = count_before(*self._engagements, author, moments)
        shown = count_before(*self._impressions, author, moments)
        follows = self.data.follows
        followers = count_before(follows["followed"], follows["created_at"], author, moments)
        mean = len(self._engagements[0]) / max(len(self._impressions[0]), 1)
        rate = (hits + _SMOOTHING * mean) / ((shown + _SMOOTHING) * max(mean, 1e-9))
        age = (moments - data.tweets["created_at"][tweets]) / HOUR_MS
        return np.stack(
            [
                np.log(np.maximum(rate, 1e-9)),
                freshness(age),
                np.log1p(engaged),
                np.log1p(followers) / _LOG,
                data.tweets["has_media"][tweets],
                data.tweets["has_link"][tweets],
                data.tweets["reply_to"][tweets] != NONE,
                np.log1p(self._lengths(tweets)) / _LOG,
            ],
            axis=1,
        )

    def _lengths(self, tweets: Ints) -> NDArray[Any]:
        """Characters of each text."""
        texts = cast("pa.LargeStringArray", self.data.tweets.texts("text", tweets))
        return np.asarray(compute.utf8_length(texts))

    # Groups, all of rows in order of time

    @cached_property
    def _responses(self) -> CSR:
        return CSR.group(self.data.interactions["user"], len(self.data.users))

    @cached_property
    def _answers(self) -> CSR:
        return CSR.group(self.data.interactions["tweet"], len(self.data.tweets))

    @cached_property
    def _follows(self) -> CSR:
        return CSR.group(self.data.follows["follower"], len(self.data.users))

    @cached_property
    def _written(self) -> CSR:
        return CSR.group(self.data.tweets["author"], len(self.data.users))

    @cached_property
    def _interests(self) -> CSR:
        runs = [self.data.interests(user) for user in range(len(self.data.users))]
        sizes = np.array([len(run) for run in runs])
        return CSR(np.concatenate(([0], np.cumsum(sizes))), np.concatenate([*runs, np.zeros(0, np.int16)]))

    @cached_property
    def _engagements(self) -> tuple[Ints, NDArray[np.int64]]:
        """Whose tweet each engagement is with, and when."""
        log = self.data.interactions
        rows = np.flatnonzero(_ENGAGED[log["kind"]])
        return self.data.tweets["author"][log["tweet"][rows]], log["at"][rows]

    @cached_property
    def _impressions(self) -> tuple[Ints, NDArray[np.int64]]:
        """Whose tweet each impression shows, and when."""
        log = self.data.impressions
        return self.data.tweets["author"][log["tweet"]], log["shown_at"]

    def _log_rows(self, moments: NDArray[np.int64]) -> NDArray[np.int64]:
        """First row of `interactions` that is not before each moment."""
        return np.searchsorted(self.data.interactions["at"], moments)


def _sums(vectors: Floats, rows: Ints, place: Ints, n: int, weight: Floats | None = None) -> Floats:
    """Weighted sums of the vectors of `rows`, one sum a place, float32[n, dims]."""
    weight = np.ones(len(place), np.float32) if weight is None else weight
    return np.asarray(sparse.csr_array((weight, (place, rows)), shape=(n, len(vectors))) @ vectors)


def _table(place: Ints, column: Ints, weight: Floats, shape: tuple[int, int]) -> Floats:
    """Summed weights by place and column."""
    flat = np.bincount(place * shape[1] + column, weight, shape[0] * shape[1])
    return flat.reshape(shape).astype(np.float32)


def _shares(counts: Floats) -> Floats:
    """Rows that sum to 1; a row of zeros stays."""
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9))


def _unit(vectors: Floats) -> Floats:
    """Rows of length 1; a row of zeros stays."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))

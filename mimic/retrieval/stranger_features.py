"""What the light ranker of strangers' tweets knows of a viewer and a tweet.

    nearness   the towers' opinion, communities, topic, language, what the author writes about, past answers
    quality    answers per showing of the author and of the tweet, counts of answers, followers
    proof      followees who engaged with it
    the rest   age and flags

Training asks about impressions, each as of its own moment (`columns_then`); a request asks about its
candidates as of now (`Facts`). A test holds both against each other, column by column. What is summed up over
everybody's past, such as communities, is as of the morning in training and as of the snapshot in serving:
a batch job's output, as in production.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mimic.csr import CSR
from mimic.data_loader import HOUR_MS, DataLoader
from mimic.history import (
    WEIGHT_OF_KIND,
    language_shares,
    language_shares_before,
    ties,
    topic_shares,
    topic_shares_before,
)
from mimic.point_in_time import count_before
from mimic.retrieval.communities import Communities
from mimic.retrieval.edge_log import followed_before, pair_keys
from mimic.retrieval.graph_jet import EngagementGraph
from mimic.retrieval.interested_in import InterestedIn
from mimic.retrieval.light_rows import columns_of_tweets, counts_then
from mimic.retrieval.producer_graph import Matrix
from mimic.retrieval.simclusters import HALF_LIFE_HOURS, tweet_embeddings
from mimic.schema import ENGAGEMENTS, RESPONSES

__all__ = ["STRANGER_FEATURES", "Facts", "Morning", "columns_then"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STRANGER_FEATURES: Final = {
    "tower": "log-odds that the two towers give the pair, age aside",
    "community": "cosine of the viewer's communities with those of the people who liked the tweet",
    "topic_share": "share of the viewer's topic history that has the tweet's topic",
    "language_share": "share of the viewer's reading that is in the tweet's language",
    "author_topics": "share of the viewer's topic history that the author's topics have, by their tweets",
    "answered": "answers of the viewer to the author so far",
    "author_rate": "likes, replies, retweets and quotes of the author's tweets per time shown",
    "tweet_rate": "the same of the tweet, which starts at its author's",
    "followers": "followers of the author",
    "shown": "times that the tweet was shown",
    **{kind: f"answers of the kind {kind} that the tweet had" for kind in ENGAGEMENTS},
    "proof": "people followed by the viewer who engaged with the tweet",
    "age_hours": "hours since the tweet was made",
    "has_media": "it carries a picture or a video",
    "has_link": "it carries a link",
    "is_reply": "it answers another tweet",
}
"""Every column and its meaning."""

_LIKE: Final = RESPONSES.index("like")
_ENGAGED: Final = np.isin(RESPONSES, ENGAGEMENTS)
_AUTHOR_SHOWN, _TWEET_SHOWN = 50.0, 20.0
"""Showings at the average rate that an author starts with, and at its author's rate that a tweet does."""
_WRITTEN: Final = 2.0
"""Tweets about nothing in particular that an author starts with."""
_LATEST: Final = 500
"""Answers of a tweet that are looked at: the latest, as in a walk (`mimic.retrieval.graph_jet`)."""
_AT_ONCE: Final = 50_000
"""Rows whose answers are gathered together; bounds the memory."""


def _engaged(data: DataLoader) -> NDArray[np.int64]:
    """Rows of `interactions` that are likes, replies, retweets or quotes."""
    return np.flatnonzero(_ENGAGED[data.interactions["kind"]])


def _rate(hits: NDArray[Any], shown: NDArray[Any], prior: Any, weight: float) -> Floats:
    """Answers per showing, float64[n], with `weight` more showings at the rate `prior`."""
    return np.asarray((hits + weight * prior) / (shown + weight), np.float64)


def _unit_rows(matrix: Matrix) -> Matrix:
    """Rows of length 1; a row of zeros stays."""
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_array(sparse.diags_array(1.0 / np.maximum(length, 1e-12)) @ matrix)


@dataclass(frozen=True, kw_only=True, eq=False)
class Morning:
    """What is summed up over everybody's past, once. U users, K communities, T topics."""

    interests: InterestedIn
    """Each user's communities: what their like adds to a tweet."""
    tastes: Matrix
    """[U, K]: the same with rows of length 1."""
    readers: Matrix
    """[U, T]: how each user's interest splits over topics, as `topic_shares` has it."""
    authors: Matrix
    """[U, T]: how what each user wrote splits over topics; sums to less than 1 for who wrote little."""
    mean_rate: float
    """Likes, replies, retweets and quotes per impression."""

    @classmethod
    def of(cls, data: DataLoader, communities: Communities) -> Morning:
        """Sum up a snapshot; the communities may be of an earlier one."""
        interests = InterestedIn.of(data, communities)
        return cls(
            interests=interests,
            tastes=_unit_rows(interests.matrix),
            readers=_readers(data),
            authors=_authors(data),
            mean_rate=len(_engaged(data)) / max(len(data.impressions), 1),
        )


def _dots(left: Matrix, rows: NDArray[Any], right: Matrix, others: NDArray[Any]) -> Floats:
    """Dot products of rows of one matrix with rows of another, float64[n]."""
    parts = [slice(low, low + _AT_ONCE) for low in range(0, len(rows), _AT_ONCE)]
    products: list[Any] = [left[rows[part]].multiply(right[others[part]]).sum(axis=1) for part in parts]
    return np.concatenate([np.zeros(0), *(np.asarray(part).ravel() for part in products)])


def _readers(data: DataLoader) -> Matrix:
    users, log = len(data.users), data.interactions
    picker, picked = data.picked.gather(np.arange(users))
    weight = np.concatenate((WEIGHT_OF_KIND[log["kind"]].astype(np.float64), np.ones(len(picker))))
    ends = (
        np.concatenate((log["user"], picker)),
        np.concatenate((data.tweets["topic"][log["tweet"]], picked)),
    )
    table = sparse.csr_array((weight, ends), shape=(users, len(data.topics)))
    total: Floats = np.asarray(table.sum(axis=1)).ravel()
    return sparse.csr_array(sparse.diags_array(1.0 / np.where(total > 0, total, 1.0)) @ table)


def _authors(data: DataLoader) -> Matrix:
    author, topic = data.tweets["author"], data.tweets["topic"]
    shape = (len(data.users), len(data.topics))
    table = sparse.csr_array((np.ones(len(author)), (author, topic)), shape=shape)
    total: Floats = np.asarray(table.sum(axis=1)).ravel()
    return sparse.csr_array(sparse.diags_array(1.0 / (total + _WRITTEN)) @ table)


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """What a snapshot's requests need, made once. U users, K communities, W live tweets."""

    data: DataLoader
    morning: Morning
    """As of the snapshot."""
    graph: EngagementGraph
    first: int
    """Row of the first live tweet."""
    crowds: Matrix
    """[W, K]: the communities of those who liked each live tweet, rows of length 1."""
    author_rate: Floats
    """float64[U]."""
    followers: Ints
    """int64[U]."""

    @classmethod
    def of(cls, data: DataLoader, communities: Communities) -> Facts:
        """For a snapshot; the communities may be of an earlier one."""
        morning, users = Morning.of(data, communities), len(data.users)
        author, hits = data.tweets["author"], _hits(data, np.arange(len(data.tweets)))
        return cls(
            data=data,
            morning=morning,
            graph=EngagementGraph.of(data),
            first=data.since("tweets"),
            crowds=_unit_rows(tweet_embeddings(data, morning.interests)),
            author_rate=_rate(
                np.bincount(author, hits, users),
                np.bincount(author, data.counts("impression"), users),
                morning.mean_rate,
                _AUTHOR_SHOWN,
            ),
            followers=np.bincount(data.follows["followed"], minlength=users),
        )

    def columns(self, user: int, tweets: Ints) -> dict[str, NDArray[Any]]:
        """All columns but the towers', of live tweets (rows) for a viewer (row), as of the snapshot."""
        data, morning = self.data, self.morning
        author, viewers = data.tweets["author"][tweets], np.full(len(tweets), user)
        shown, author_rate = data.counts("impression")[tweets], self.author_rate[author]
        return {
            **columns_of_tweets(data, viewers, tweets, np.full(len(tweets), data.now)),
            **{kind: data.counts(kind)[tweets] for kind in ENGAGEMENTS},
            "community": self.crowds[tweets - self.first] @ morning.tastes[[user]].toarray()[0],
            "proof": self._proofs(user)[tweets - self.first],
            "topic_share": topic_shares(data, user)[data.tweets["topic"][tweets]],
            "language_share": language_shares(data, user)[data.tweets["lang"][tweets]],
            "author_topics": morning.authors[author] @ morning.readers[[user]].toarray()[0],
            "answered": ties(data, user, author),
            "author_rate": author_rate,
            "tweet_rate": _rate(_hits(data, tweets), shown, author_rate, _TWEET_SHOWN),
            "followers": self.followers[author],
            "shown": shown,
        }

    def _proofs(self, user: int) -> Ints:
        """How many followees of a user (row) engaged with each live tweet, int64[W]."""
        _, tweets = self.graph.by_user.gather(self.data.following.of(user))
        return np.bincount(tweets - self.first, minlength=len(self.data.tweets) - self.first)


def _hits(data: DataLoader, tweets: Ints) -> Ints:
    """Likes, replies, retweets and quotes of tweets (rows) so far, int64[n]."""
    return np.asarray(np.sum([data.counts(kind)[tweets] for kind in ENGAGEMENTS], axis=0))


def columns_then(
    data: DataLoader, morning: Morning, users: Ints, tweets: Ints, at: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """All columns but the towers', as of each row's moment.

    Args:
        data: a snapshot that is not earlier than any of the moments.
        morning: of a snapshot that is not later than any of them.
        users: int64[n], rows of the viewers.
        tweets: int64[n], rows.
        at: int64[n], moments, ms UTC.
    """
    author, topic = data.tweets["author"][tweets].astype(np.int64), data.tweets["topic"][tweets]
    log, shows = data.interactions, data.impressions
    hit, its_tweet = _engaged(data), data.tweets["author"]
    hits = log["tweet"][hit], log["at"][hit]
    shown = count_before(shows["tweet"], shows["shown_at"], tweets, at)
    author_rate = _rate(
        count_before(its_tweet[hits[0]], hits[1], author, at),
        count_before(its_tweet[shows["tweet"]], shows["shown_at"], author, at),
        morning.mean_rate,
        _AUTHOR_SHOWN,
    )
    good = WEIGHT_OF_KIND[log["kind"]] > 0
    answered = pair_keys(data, log["user"][good], its_tweet[log["tweet"][good]])
    follows = data.follows
    return {
        **columns_of_tweets(data, users, tweets, at),
        **counts_then(data, tweets, at),
        **_of_those_who_answered(data, morning, users, tweets, at),
        "topic_share": topic_shares_before(data, users, topic, at),
        "language_share": language_shares_before(data, users, data.tweets["lang"][tweets], at),
        "author_topics": _dots(morning.readers, users, morning.authors, author),
        "answered": count_before(answered, log["at"][good], pair_keys(data, users, author), at),
        "author_rate": author_rate,
        "tweet_rate": _rate(count_before(*hits, tweets, at), shown, author_rate, _TWEET_SHOWN),
        "followers": count_before(follows["followed"], follows["created_at"], author, at),
        "shown": shown,
    }


def _of_those_who_answered(
    data: DataLoader, morning: Morning, users: Ints, tweets: Ints, at: NDArray[np.int64]
) -> dict[str, Floats]:
    """`community` and `proof`: what those who had answered each tweet by then say about it."""
    answers = CSR.group(data.interactions["tweet"], len(data.tweets))
    parts = [slice(low, low + _AT_ONCE) for low in range(0, len(users), _AT_ONCE)]
    columns: dict[str, list[Floats]] = {"community": [np.zeros(0)], "proof": [np.zeros(0)]}
    for part in parts:
        viewer, moment = users[part], at[part]
        before = np.searchsorted(data.interactions["at"], moment)
        place, rows = answers.latest(tweets[part], before, _LATEST)
        columns["proof"] += [_proof(data, viewer, moment, place, rows)]
        liked = _likes(data, tweets[part], moment, place, rows)
        crowd = _unit_rows(liked @ morning.interests.matrix)
        columns["community"] += [_dots(morning.tastes, viewer, crowd, np.arange(len(viewer)))]
    return {name: np.concatenate(found) for name, found in columns.items()}


def _proof(data: DataLoader, viewer: Ints, at: NDArray[np.int64], place: Ints, rows: NDArray[Any]) -> Floats:
    """Followees among those who had engaged, each once; int as float64[n]."""
    of_these = _ENGAGED[data.interactions["kind"][rows]]
    who, users = data.interactions["user"][rows[of_these]], len(data.users)
    place, who = np.divmod(np.unique(place[of_these] * users + who), users)
    followed = followed_before(data, pair_keys(data, viewer[place], who), at[place])
    return np.bincount(place[followed], minlength=len(viewer)).astype(np.float64)


def _likes(data: DataLoader, tweets: Ints, at: NDArray[np.int64], place: Ints, rows: NDArray[Any]) -> Matrix:
    """[n, U]: who had liked each tweet, faded as SimClusters fades it; an author's own like is none."""
    log = data.interactions
    liker = log["user"][rows]
    counts = (log["kind"][rows] == _LIKE) & (liker != data.tweets["author"][tweets[place]])
    place, rows, liker = place[counts], rows[counts], liker[counts]
    faded = np.exp2((log["at"][rows] - at[place]) / (HALF_LIFE_HOURS * HOUR_MS))
    return sparse.csr_array((faded, (place, liker)), shape=(len(tweets), len(data.users)))

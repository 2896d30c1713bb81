"""What a user's past says about them: shares of topics, shares of languages, ties.

Three small summaries of the rows of `interactions` that a user has left so far. They are made at
each request, because a user has a few dozen rows and a summary that is never stored is never stale.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mimic.columns import rows_of
from mimic.data_loader import DataLoader
from mimic.point_in_time import count_before
from mimic.schema import LANGUAGES, RESPONSES

__all__ = ["OWN_LANGUAGE", "WEIGHT_OF_KIND", "language_shares", "ties", "topic_shares"]
__all__ += ["language_shares_before", "topic_shares_before"]

_SIGNALS: Final = {
    "like": 1.0,
    "reply": 1.0,
    "retweet": 1.0,
    "quote": 1.0,
    "follow": 1.0,
    "click": 0.5,
    "profile_visit": 0.5,
}
"""How much each response says about what a user is interested in: a look counts half, dislikes nothing.
Chosen by hand."""

WEIGHT_OF_KIND: Final = np.array([_SIGNALS.get(kind, 0.0) for kind in RESPONSES], np.float32)
"""float32[10]: the same in the order of RESPONSES."""

OWN_LANGUAGE: Final = 5.0
"""Signals that the language of a user's interface counts as. Chosen by hand."""


def _signals(data: DataLoader, user: int) -> tuple[NDArray[Any], NDArray[np.float32]]:
    rows = data.history(user)
    return data.interactions["tweet"][rows], WEIGHT_OF_KIND[data.interactions["kind"][rows]]


def topic_shares(data: DataLoader, user: int) -> NDArray[np.float32]:
    """How a user's (row) interest splits over topics, float32[topics]; all 0 when nothing is known.

    A topic picked at sign-up counts as one like, so a newcomer's interests are what they declared.
    """
    tweets, weights = _signals(data, user)
    shares = np.zeros(len(data.topics), np.float32)
    np.add.at(shares, data.tweets["topic"][tweets], weights)
    shares[data.interests(user)] += 1.0
    total = shares.sum()
    return shares / total if total else shares


def topic_shares_before(
    data: DataLoader, users: NDArray[Any], topics: NDArray[Any], moments: NDArray[np.int64]
) -> NDArray[np.float32]:
    """What `topic_shares` said of one topic for one user at each row's moment, float32[n].

    Args:
        data: a snapshot that is not earlier than any of the moments.
        users: int[n], rows.
        topics: int[n], rows.
        moments: int64[n], ms UTC.
    """
    place, picked = data.picked.gather(users)
    share = np.bincount(place, picked == topics[place], len(users)).astype(np.float64)
    total = np.bincount(place, minlength=len(users)).astype(np.float64)
    return _shares_before(data, users, ("topic", topics, len(data.topics)), moments, share, total)


def language_shares_before(
    data: DataLoader, users: NDArray[Any], languages: NDArray[Any], moments: NDArray[np.int64]
) -> NDArray[np.float32]:
    """What `language_shares` said of one language for one user at each row's moment, float32[n].

    `languages` int[n] are positions in LANGUAGES; the rest is as for `topic_shares_before`.
    """
    share = np.where(data.users["lang"][users] == languages, OWN_LANGUAGE, 0.0)
    total = np.full(len(users), OWN_LANGUAGE)
    return _shares_before(data, users, ("lang", languages, len(LANGUAGES)), moments, share, total)


def _shares_before(
    data: DataLoader,
    users: NDArray[Any],
    asked_of: tuple[str, NDArray[Any], int],
    moments: NDArray[np.int64],
    share: NDArray[np.float64],
    total: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Shares at each row's moment, float32[n].

    `asked_of` is a column of tweets, the value that each row asks for, and how many values there are;
    `share` and `total` are what there was before the first response.
    """
    column, values, many = asked_of
    log = data.interactions
    value_of = data.tweets[column][log["tweet"]]
    weight = WEIGHT_OF_KIND[log["kind"]]
    for worth in np.unique(weight[weight > 0]).tolist():
        rows = weight == worth
        users_then, then = log["user"][rows].astype(np.int64), log["at"][rows]
        with_value, asked = users_then * many + value_of[rows], users.astype(np.int64) * many + values
        share += worth * count_before(with_value, then, asked, moments)
        total += worth * count_before(users_then, then, users, moments)
    # The same division of the same two float32 numbers as in serving, so that both agree bit by bit.
    return np.asarray(
        share.astype(np.float32) / np.where(total > 0, total, 1.0).astype(np.float32), np.float32
    )


def language_shares(data: DataLoader, user: int) -> NDArray[np.float32]:
    """How a user's (row) reading splits over LANGUAGES, float32[6]; at first mostly the interface's."""
    tweets, weights = _signals(data, user)
    shares = np.zeros(len(LANGUAGES), np.float32)
    np.add.at(shares, data.tweets["lang"][tweets], weights)
    shares[data.users["lang"][user]] += OWN_LANGUAGE
    shares /= shares.sum()
    return shares


def ties(data: DataLoader, user: int, others: NDArray[Any]) -> NDArray[np.int64]:
    """How often a user (row) responded to each of `others` (rows), dislikes aside, int64[n]."""
    tweets, weights = _signals(data, user)
    authors, counts = np.unique(data.tweets["author"][tweets[weights > 0]], return_counts=True)
    place, found = rows_of(authors, others)
    if not len(authors):
        return place
    return np.where(found, counts[place], 0)

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
from mimic.schema import LANGUAGES, RESPONSES

__all__ = ["language_shares", "ties", "topic_shares"]

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

_WEIGHT_OF_KIND: Final = np.array([_SIGNALS.get(kind, 0.0) for kind in RESPONSES], np.float32)

_OWN_LANGUAGE: Final = 5.0
"""Signals that the language of a user's interface counts as. Chosen by hand."""


def _signals(data: DataLoader, user: int) -> tuple[NDArray[Any], NDArray[np.float32]]:
    rows = data.history(user)
    return data.interactions["tweet"][rows], _WEIGHT_OF_KIND[data.interactions["kind"][rows]]


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


def language_shares(data: DataLoader, user: int) -> NDArray[np.float32]:
    """How a user's (row) reading splits over LANGUAGES, float32[6]; at first mostly the interface's."""
    tweets, weights = _signals(data, user)
    shares = np.zeros(len(LANGUAGES), np.float32)
    np.add.at(shares, data.tweets["lang"][tweets], weights)
    shares[data.users["lang"][user]] += _OWN_LANGUAGE
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

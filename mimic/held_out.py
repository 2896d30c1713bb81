"""What people engaged with afterwards: the answers that a retrieval method is asked to have found.

A method is asked at a moment τ and may know nothing later. Its answers are then held against the
likes, replies, retweets and quotes of the next six hours. Everything here looks beyond the snapshot
on purpose; nothing in serving imports this module.

Such a list of answers is not the truth. Only what the logging policy showed could be engaged with, so
the share of it that a method finds measures agreement with that policy as much as quality.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mimic.data_loader import HOUR_MS, DataLoader
from mimic.schema import ENGAGEMENTS, RESPONSES

__all__ = ["HOURS", "engaged_users", "held_out", "shown_afterwards", "slices"]

HOURS: Final = 6.0
"""Hours after the moment in which an engagement counts."""

_KINDS: Final = np.array([RESPONSES.index(kind) for kind in ENGAGEMENTS])


def engaged_users(data: DataLoader, hours: float = HOURS) -> NDArray[np.int64]:
    """Ids of all who, in the `hours` after the snapshot, engage with a tweet that it holds, ascending."""
    log = _later(data, hours).interactions
    new = slice(len(data.interactions), None)
    counts = np.isin(log["kind"][new], _KINDS) & (log["tweet"][new] < len(data.tweets))
    users = np.unique(log["user"][new][counts])
    here = data.users["created_at"][users] < data.now
    return np.sort(data.users["user_id"][users[here]])


def held_out(data: DataLoader, user_id: int, eligible: ArrayLike, hours: float = HOURS) -> NDArray[np.int64]:
    """Ids of the eligible tweets that a user engages with in the `hours` after the snapshot, ascending.

    Args:
        data: the snapshot of the moment.
        user_id: who is asked about.
        eligible: ids of the tweets that could be shown at the moment, such as `oracle.eligible(…)`.
        hours: how far to look ahead.
    """
    later = _later(data, hours)
    rows = later.history(data.user_row(user_id))
    rows = rows[np.searchsorted(rows, len(data.interactions)) :]
    rows = rows[np.isin(later.interactions["kind"][rows], _KINDS)]
    ids = later.tweets["tweet_id"][later.interactions["tweet"][rows]]
    return np.intersect1d(ids, np.asarray(eligible, np.int64))


def shown_afterwards(
    data: DataLoader, user_id: int, eligible: ArrayLike, hours: float = HOURS
) -> NDArray[np.int64]:
    """Rows of the impressions that a user gets in the `hours` after the snapshot, ascending.

    Only of eligible tweets, which had not been shown before: what `held_out` finds answers one of these.
    """
    later, known = _later(data, hours), len(data.impressions)
    rows = known + np.flatnonzero(later.impressions["user"][known:] == data.user_row(user_id))
    ids = later.tweets["tweet_id"][later.impressions["tweet"][rows]]
    return rows[np.isin(ids, np.asarray(eligible, np.int64))]


def slices(
    data: DataLoader, user_id: int, tweet_ids: ArrayLike, *, trained_until: DataLoader
) -> pd.DataFrame:
    """What kind of answer each tweet is: one row a tweet, boolean columns.

    *in training*: somebody had engaged with it before `trained_until.now`; *warm*: somebody had before
    the snapshot's moment; *cold*: nobody had; *OON*: the user does not follow the author.
    """
    ids = np.atleast_1d(np.asarray(tweet_ids, np.int64))
    rows = data.tweet_rows(ids) if len(ids) else np.zeros(0, np.int64)
    warm = _engaged(data, rows)
    old = rows < len(trained_until.tweets)
    known = np.zeros(len(rows), bool)
    known[old] = _engaged(trained_until, rows[old])
    followed = np.isin(data.tweets["author"][rows], data.following.of(data.user_row(user_id)))
    return pd.DataFrame({"in training": known, "warm": warm, "cold": ~warm, "OON": ~followed})


def _later(data: DataLoader, hours: float) -> DataLoader:
    return data.as_of(data.now + round(hours * HOUR_MS))


def _engaged(data: DataLoader, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether anybody had engaged with each of some tweets, bool[n]."""
    return np.asarray(np.sum([data.counts(kind)[rows] for kind in ENGAGEMENTS], axis=0) > 0)

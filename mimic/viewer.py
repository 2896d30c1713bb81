"""What sources ask about the viewer: who counts for them, who is a stranger, what cannot be shown.

A source of one's own needs the same three answers as those of the product:

    listened_to(data, user)              the people whose word counts: retweets, social proof
    familiar(data, user)                 the authors that a search among strangers leaves out
    stranger_obstacle(data, user, tweet) what to say in `explain` before one's own reasons

Users and tweets are rows here, as everywhere behind the door.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mimic.columns import NONE, Array
from mimic.data_loader import WINDOW_HOURS, DataLoader
from mimic.history import language_shares

__all__ = [
    "avoided",
    "familiar",
    "handle",
    "ids_or_nan",
    "listened_to",
    "obstacle",
    "stranger_obstacle",
    "topical_obstacle",
]


def avoided(data: DataLoader, user: int) -> Array:
    """Whom a user mutes or blocks, and who blocks them, int[k]; one who is two of these stands there twice.

    Nobody of these speaks to the user: not as an author (filters see to that), nor as the one who
    retweeted or engaged.
    """
    return np.concatenate((data.muting.of(user), data.blocking.of(user), data.blocked_by.of(user)))


def listened_to(data: DataLoader, user: int) -> Array:
    """Whom a user follows and does not avoid, int[k], in the order of following."""
    followees: Array = data.following.of(user)
    others = avoided(data, user)
    return followees[~np.isin(followees, others)] if len(others) else followees


def familiar(data: DataLoader, user: int) -> NDArray[np.bool_]:
    """Who is no stranger to a user, bool[users]: the people they follow, and they themselves."""
    known = np.zeros(len(data.users), bool)
    known[data.following.of(user)] = True
    known[user] = True
    return known


def obstacle(data: DataLoader, user: int, tweet: int) -> str:
    """What no source could get around: a tweet of one's own, or one that is too old. Else ""."""
    if data.tweets["author"][tweet] == user:
        return "you wrote it"
    if tweet < data.since("tweets"):
        return f"older than {WINDOW_HOURS:.0f} hours"
    return ""


def stranger_obstacle(data: DataLoader, user: int, tweet: int) -> str:
    """What no source of strangers' tweets could get around: a followee's tweet, besides the above."""
    author = int(data.tweets["author"][tweet])
    if reason := obstacle(data, user, tweet):
        return reason
    if (data.following.of(user) == author).any():
        return f"you follow {handle(data, author)}: a tweet for the network's source"
    return ""


def topical_obstacle(data: DataLoader, user: int, tweet: int) -> str:
    """The same for sources that search by language."""
    if reason := stranger_obstacle(data, user, tweet):
        return reason
    unreadable = language_shares(data, user)[data.tweets["lang"][tweet]] == 0
    return "not in a language you read" if unreadable else ""


def handle(data: DataLoader, user: int) -> str:
    """How a user is spoken of, such as "@mara"."""
    return f"@{data.users.texts('handle', np.array([user]))[0]}"


def ids_or_nan(data: DataLoader, users: Array) -> NDArray[np.float64]:
    """User ids of rows, as floats so that NaN can say «nobody» where the row is −1."""
    ids: NDArray[np.float64] = np.where(users == NONE, np.nan, data.users["user_id"][users])
    return ids

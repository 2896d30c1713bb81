"""A time index: «the newest tweets by these authors», the question behind half of every feed.

Twitter's Earlybird keeps an inverted index whose posting lists run from new to old, so that a query
for the tweets of a thousand authors stops as soon as it has enough
(src/java/com/twitter/search/earlybird). In small, an inverted index over authors is a CSR: author →
what they posted in the last 48 hours, in order of time. Retweets are posts too, of somebody
else's tweet. The index itself knows one order, newest first, as X's Thunder does (home-mixer/thunder, 2026);
Earlybird puts a light ranker behind it (`mimic.retrieval.light_ranker`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mimic.columns import NONE
from mimic.csr import CSR
from mimic.data_loader import DataLoader
from mimic.schema import RESPONSES

__all__ = ["Posts", "TimeIndex"]


@dataclass(frozen=True, eq=False)
class Posts:
    """Distinct tweets, the newest post first."""

    tweets: NDArray[np.int64]
    """int64[n]: tweets (rows)."""
    retweeters: NDArray[np.int64]
    """int64[n]: who brought each by retweeting it (rows), −1 where the author is followed."""
    searched: int
    """Tweets by these authors and retweeters before the limit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TimeIndex:
    """Posts of the last 48 hours by author, as of one snapshot. Build with `TimeIndex.of(data)`."""

    by_user: CSR
    """For each user (row) their posts, oldest first, as positions in the arrays below."""
    tweet: NDArray[np.int64]
    """int64[posts]: the tweet (row)."""
    author: NDArray[np.int32]
    """int32[posts]: who wrote it (row); not who posted it, when it is a retweet."""
    retweeter: NDArray[np.int32]
    """int32[posts]: who retweeted it (row), −1 for an original."""

    @classmethod
    def of(cls, data: DataLoader) -> TimeIndex:
        """Index a snapshot: originals, replies, and retweets of tweets that are still in the window."""
        first, log = data.since("tweets"), data.since("interactions")
        tweets = np.arange(first, len(data.tweets))
        retweets = log + np.flatnonzero(data.interactions["kind"][log:] == RESPONSES.index("retweet"))
        retweets = retweets[data.interactions["tweet"][retweets] >= first]
        retweeters = data.interactions["user"][retweets]
        tweet = np.concatenate((tweets, data.interactions["tweet"][retweets]))
        at = np.concatenate((data.tweets["created_at"][first:], data.interactions["at"][retweets]))
        in_time = np.argsort(at, kind="stable")
        poster = np.concatenate((data.tweets["author"][first:], retweeters))
        retweeter = np.concatenate((np.full(len(tweets), NONE, np.int32), retweeters))
        return cls(
            by_user=CSR.group(poster[in_time], len(data.users)),
            tweet=tweet[in_time].astype(np.int64),
            author=data.tweets["author"][tweet[in_time]],
            retweeter=retweeter[in_time],
        )

    def newest(
        self, users: NDArray[Any], limit: int, *, not_retweeted_by: NDArray[Any] | None = None
    ) -> Posts:
        """The newest `limit` posts of some users (rows).

        A tweet counts once: where its author is among `users`, as the original, else as its newest
        retweet. Of `not_retweeted_by`, some of the users (rows), only originals count. Positions are in
        order of time, so the largest is the newest: no clock is read.
        """
        _, post = self.by_user.gather(users)
        followed = np.zeros(len(self.by_user), bool)
        followed[users] = True
        heard = followed.copy()
        if not_retweeted_by is not None:
            heard[not_retweeted_by] = False
        original = self.retweeter[post] == NONE
        post = post[original | (heard[self.retweeter[post]] & ~followed[self.author[post]])]
        post = np.sort(post)[::-1]
        _, first = np.unique(self.tweet[post], return_index=True)
        post = post[np.sort(first)]
        found = post[:limit]
        return Posts(self.tweet[found], self.retweeter[found].astype(np.int64), len(post))

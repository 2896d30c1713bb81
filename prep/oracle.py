"""The oracle: what is true of a world, for any user, tweet and moment.

Eligible tweets, value, feed value and best feeds are defined here, once, for tests, chapters and
benchmarks. Social proof and ties are as of the last tick, as they were when the log was made.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

from mimic.schema import RESPONSES
from mimic.scoring import VALUE_WEIGHTS
from prep.arrays import Floats, Ints, distinct, found_in
from prep.parameters import WINDOW, PrepError
from prep.showing import Showing, read_in_order
from prep.truth import HiddenWorld, load_truth

Which: TypeAlias = "int | np.integer | Ints | list[int] | pd.Series[int]"
"""One id or moment, or an array of them."""

WEIGHTS = np.array([VALUE_WEIGHTS[name] for name in RESPONSES])
"""What each response is worth, in the order of RESPONSES."""


class Oracle:
    """Answers questions about the truth of one data set. Open it with :meth:`open`."""

    def __init__(self, hidden: HiddenWorld) -> None:
        self._h = hidden
        """The hidden world, in rows instead of ids."""

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Oracle:
        """Read the hidden truth of a data set.

        Raises:
            PrepError: the folder has no truth/ (it may have been removed on purpose).
        """
        return cls(load_truth(Path(path)))

    # --- rows and ids --------------------------------------------------------------------------

    def _users(self, user_ids: Which) -> Ints:
        """Rows of users; PrepError where one is unknown."""
        return _rows(self._h.truth.people.user_id, user_ids, "user")

    def _tweets(self, tweet_ids: Which) -> Ints:
        """Rows of tweets; PrepError where one is unknown."""
        return _rows(self._h.tweet_id, tweet_ids, "tweet")

    # --- probabilities and value ---------------------------------------------------------------

    def probabilities(
        self,
        user_ids: Which,
        tweet_ids: Which,
        at: Which,
        position: Which = 0,
        author_seen: Which = 0,
        topic_seen: Which = 0,
    ) -> pd.DataFrame:
        """True probability of each response if the tweet were shown.

        Every argument is a scalar or an array of one length n.

        Args:
            user_ids: the viewers.
            tweet_ids: the tweets.
            at: when, ms.
            position: place in the feed, from 0.
            author_seen: tweets of the same author above in the session.
            topic_seen: tweets of the same true topic above in the session.

        Returns:
            float64[n, 10], one row a showing, one column a response.

        Raises:
            PrepError: an unknown user or tweet, or a tweet that is not written yet.
        """
        counts = [np.asarray(x, np.int64) for x in (position, author_seen, topic_seen)]
        if any((x < 0).any() for x in counts):
            raise PrepError("position, author_seen and topic_seen count from 0")
        arrays = np.broadcast_arrays(
            self._users(user_ids), self._tweets(tweet_ids), np.asarray(at, np.int64), *counts
        )
        showing = self._showing(*(np.atleast_1d(a) for a in arrays))
        return pd.DataFrame(self._h.truth.probabilities(showing), columns=list(RESPONSES))

    def logged(self) -> pd.DataFrame:
        """The true probabilities of every impression of the log, in file order: float32."""
        parts = [
            self._h.truth.probabilities(self._h.logged(rows)).astype(np.float32)
            for rows in np.array_split(np.arange(self._h.impressions), max(1, self._h.impressions // 200_000))
        ]
        return pd.DataFrame(np.concatenate(parts), columns=list(RESPONSES))

    def value(self, user_ids: Which, tweet_ids: Which, at: Which) -> Floats:
        """V(u, t, at): sum of weight times true probability at position 0, without fatigue: float64[n]."""
        p = self.probabilities(user_ids, tweet_ids, at)
        return np.asarray(p.to_numpy() @ WEIGHTS)

    # --- what could be shown -------------------------------------------------------------------

    def eligible(self, user_id: int, at: int) -> Ints:
        """E(u, at): ids of all tweets that may be shown, ascending: int64[n]."""
        return self._h.tweet_id[self._eligible(int(self._users(user_id)), at)]

    def _eligible(self, user: int, at: int) -> Ints:
        h, tweets = self._h, self._h.truth.tweets
        low, high = np.searchsorted(tweets.created_at, [at - WINDOW, at])
        rows = np.arange(low, high)
        keep = ~np.isin(tweets.author[rows], np.append(h.avoided(user, at), user))
        keep &= ~np.isin(rows, h.seen(user, at))
        keep &= ~np.isin(rows, h.with_muted_words(user, at))
        return rows[keep]

    def values_of_eligible(self, user_id: int, at: int) -> tuple[Ints, Floats]:
        """Ids of E(u, at) and the value of each: int64[n], float64[n]."""
        user = int(self._users(user_id))
        rows = self._eligible(user, at)
        return self._h.tweet_id[rows], self._values(user, rows, at)

    def best(self, user_id: int, at: int, n: int) -> Ints:
        """Ids of the n eligible tweets of greatest value, best first: int64[<= n]; n from 0."""
        if n < 0:
            raise PrepError(f"n must be 0 or more, got {n}")
        ids, value = self.values_of_eligible(user_id, at)
        return ids[np.lexsort((-ids, -value))[:n]]

    # --- feeds ---------------------------------------------------------------------------------

    def feed_value(self, user_id: int, tweet_ids: Which, at: int, *, fatigue: bool = True) -> float:
        """F(u, feed, at): expected value of reading a list of tweets in order.

        Args:
            user_id: the reader.
            tweet_ids: the feed from its top, each tweet once.
            at: when, ms.
            fatigue: whether an author's or a topic's second tweet counts for less.

        Raises:
            PrepError: unknown user or tweet, or a tweet that comes twice.
        """
        rows = self._distinct(tweet_ids)
        feed = self._showing_all(int(self._users(user_id)), rows, at)
        feed = read_in_order(feed, np.zeros_like(rows), np.arange(len(rows)), self._h.truth.tweets)
        if not fatigue:
            feed = dataclasses.replace(feed, author_seen=np.zeros_like(rows), topic_seen=np.zeros_like(rows))
        return float(self._h.truth.probabilities(feed).sum(axis=0) @ WEIGHTS)

    def best_order(
        self, user_id: int, tweet_ids: Which, at: int, size: int = 20, *, fatigue: bool = True
    ) -> Ints:
        """A feed of some tweets, chosen greedily by what each place adds: the best, or nearly.

        Of tweets worth having it misses a thousandth of the best feed's value; among tweets of
        negative value a greedy choice is not the best.

        Of more than fifteen times `size` tweets only those of greatest value are weighed: fatigue
        could not pull so many below the rest. Other arguments are those of `feed_value`.

        Returns:
            Tweet ids from the top: int64[size], or fewer where there are not so many.
        """
        if size < 0:
            raise PrepError(f"size must be 0 or more, got {size}")
        rows = self._distinct(tweet_ids)
        user = int(self._users(user_id))
        if len(rows) > 15 * size:
            rows = rows[np.lexsort((-rows, -self._values(user, rows, at)))[: 15 * size]]
        return self._h.tweet_id[self._greedy(user, rows, at, min(size, len(rows)), float(fatigue))]

    def _distinct(self, tweet_ids: Which) -> Ints:
        rows = np.atleast_1d(self._tweets(tweet_ids))
        if len(distinct(rows)) != len(rows):
            raise PrepError("a feed holds each tweet once")
        return rows

    def _greedy(self, user: int, rows: Ints, at: int, size: int, tiring: float) -> Ints:
        """Rows of the best feed; `tiring` is 1 where repetition tires, 0 where it does not."""
        tweets, truth = self._h.truth.tweets, self._h.truth
        base = self._showing_all(user, rows, at)
        common = truth.common(base)
        author, topic = tweets.author[rows], tweets.topic[rows]
        author_seen, topic_seen = np.zeros((2, len(rows)), np.int64)
        free, chosen = np.ones(len(rows), bool), np.zeros(size, np.int64)
        for place in range(size):
            z = common + truth.world.response.position * np.log1p(place)
            z = z + tiring * truth.fatigue(author_seen, topic_seen)
            value = np.where(free, truth.probabilities(base, z) @ WEIGHTS, -np.inf)
            best = int(np.lexsort((-rows, -value))[0])
            chosen[place], free[best] = best, False
            author_seen += author == author[best]
            topic_seen += topic == topic[best]
        return rows[chosen]

    def _values(self, user: int, rows: Ints, at: int) -> Floats:
        """V of some tweets for one user at one moment."""
        return np.asarray(self._h.truth.probabilities(self._showing_all(user, rows, at)) @ WEIGHTS)

    def _showing_all(self, user: int, rows: Ints, at: int) -> Showing:
        """Some tweets to one user at one moment, each at the top of a feed."""
        zero = np.zeros(len(rows), np.int64)
        return self._showing(np.full(len(rows), user), rows, np.full(len(rows), at), zero, zero, zero)

    def _showing(
        self, user: Ints, tweet: Ints, at: Ints, position: Ints, author_seen: Ints, topic_seen: Ints
    ) -> Showing:
        if (early := at < self._h.truth.tweets.created_at[tweet]).any():
            raise PrepError(f"tweet {self._h.tweet_id[tweet[early][0]]} is not written yet at {at[early][0]}")
        tick = self._h.tick(at)
        author = self._h.truth.tweets.author[tweet].astype(np.int64)
        return Showing(
            viewer=user.astype(np.int64),
            tweet=tweet.astype(np.int64),
            at=at.astype(np.int64),
            tie=self._h.ties(user, author, tick),
            proof=self._h.proof(user, tweet, tick),
            position=position.astype(np.int64),
            author_seen=author_seen.astype(np.int64),
            topic_seen=topic_seen.astype(np.int64),
        )


def _rows(ids: Ints, wanted: Which, what: str) -> Ints:
    given = np.asarray(wanted)
    if given.size and given.dtype.kind not in "iu":
        raise PrepError(f"{what} ids are whole numbers, got {given.dtype}")
    asked = given.astype(np.int64)
    there, at = found_in(ids, asked)
    if not there.all():
        raise PrepError(f"unknown {what}: {int(np.atleast_1d(asked)[~np.atleast_1d(there)][0])}")
    return at

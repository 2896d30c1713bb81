"""What the recommender sees: the platform's tables at one moment, and nothing after it.

A :class:`DataLoader` is a snapshot. It knows a moment, `now`, and answers every question as it
would have been answered then: who follows whom, which tweets exist, how many likes they have.
Because tables are in order of time (`mimic.columns`), a snapshot is one row number a table, so
`data.as_of(earlier)` costs microseconds and shares all columns with `data`.

Users and tweets are spoken of by *row*: `data.user_row(42)` is where user 42 stands in
`data.users`. Ids appear at the door only, in queries and in results.
"""

from __future__ import annotations

import json
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mimic.columns import NONE, TIME, Array, rows_of
from mimic.csr import CSR
from mimic.errors import MimicError, UnknownTweet, UnknownUser
from mimic.ids import is_whole, whole_ids
from mimic.integrity import Manifest, read_manifest, stamp, verify_files
from mimic.schema import LANGUAGES, RESPONSES
from mimic.store import Store, open_store
from mimic.tables import Table

__all__ = ["HOUR_MS", "WINDOW_HOURS", "DataLoader"]

HOUR_MS: Final = 3_600_000
"""Milliseconds in an hour."""

WINDOW_HOURS: Final = 48.0
"""Hours that a tweet can be recommended for (X, August 2026: age ≤ 48 h)."""


class DataLoader:
    """A snapshot of a data set: open one with `DataLoader.open(path)`, another with `data.as_of(t)`.

    Everything strictly before `now` is seen, nothing else: a tweet made at `now` does not exist
    yet. Columns are shared by all snapshots of a folder and must not be written to.
    """

    def __init__(self, store: Store, path: Path, now: int) -> None:
        self.path: Final = path
        self.now: Final = now
        """The moment, ms UTC."""
        self._store = store
        self.users = self._table("users")
        self.topics = self._table("topics")
        self.tweets = self._table("tweets")
        self.follows = self._table("follows")
        self.blocks = self._table("blocks")
        self.mutes = self._table("mutes")
        self.impressions = self._table("impressions")
        self.interactions = self._table("interactions")
        self.moderation = self._table("moderation")
        self._counts: dict[str, NDArray[np.int64]] = {}
        self._user_rows: dict[int, int] = {}

    @classmethod
    def open(cls, path: str | Path, *, verify: bool = False) -> DataLoader:
        """The snapshot of a data set folder as of its manifest's `now`; the same object each time.

        The first open checks every file and builds columns, later ones take milliseconds. With
        `verify=True` every file is read and checked again. Raises BadDataset with one clear line.
        """
        folder = Path(path).expanduser().resolve()
        manifest = read_manifest(folder)
        if verify:
            verify_files(folder, manifest)
        state = json.dumps([manifest.checksum, manifest.now, stamp(folder, manifest)])
        return _snapshot(_shared_store(folder, state), folder, manifest.now)

    def as_of(self, now: int) -> DataLoader:
        """The same data set at another moment (ms UTC) within its window. Costs next to nothing.

        Raises MimicError for a moment before the window or after it.
        """
        start, end = self.manifest.start, self.manifest.end
        if not start <= now <= end:
            window = f"{_utc(start)} to {_utc(end)} UTC, in ms {start} to {end}"
            raise MimicError(f"{self.path.name} lasts from {window}; asked for {now}")
        return _snapshot(self._store, self.path, int(now))

    @property
    def manifest(self) -> Manifest:
        """What the data set says about itself."""
        return self._store.manifest

    # Ids and rows

    def user_rows(self, user_ids: ArrayLike) -> NDArray[np.int64]:
        """Rows of user ids, int[n] to int64[n]. Raises UnknownUser, also for accounts made later."""
        wanted = whole_ids(user_ids, UnknownUser)
        rows, found = rows_of(self.users["user_id"], wanted)
        if len(self.users):
            found &= self.users["created_at"][rows] < self.now
        if not found.all():
            raise UnknownUser(f"no user {wanted[~found][0]} in {self.path.name}")
        return rows

    def user_row(self, user_id: int) -> int:
        """Row of one user id. Raises UnknownUser. Remembered: each component of a request asks for it."""
        if not is_whole(user_id) or user_id not in self._user_rows:  # 42.0 and 42 are one key of a dict
            self._user_rows[user_id] = int(self.user_rows(user_id)[0])
        return self._user_rows[user_id]

    def tweet_rows(self, tweet_ids: ArrayLike) -> NDArray[np.int64]:
        """Rows of tweet ids, int[n] to int64[n]. Raises UnknownTweet, also for later tweets."""
        wanted = whole_ids(tweet_ids, UnknownTweet)
        rows, found = rows_of(self.tweets["tweet_id"], wanted)
        if not found.all():
            raise UnknownTweet(
                f"no tweet {wanted[~found][0]} in {self.path.name} before {_utc(self.now)} UTC"
            )
        return rows

    def tweet_row(self, tweet_id: int) -> int:
        """Row of one tweet id. Raises UnknownTweet."""
        return int(self.tweet_rows(tweet_id)[0])

    # Time

    def since(self, table: str, hours: float = WINDOW_HOURS) -> int:
        """First row of a table that is at most `hours` old; the rows from there on are the recent ones."""
        return int(np.searchsorted(self._times(table), self.now - round(hours * HOUR_MS)))

    def age_hours(self, tweets: Array) -> NDArray[np.float32]:
        """Hours since each tweet (rows) was made, float32[n]."""
        return ((self.now - self.tweets["created_at"][tweets]) / HOUR_MS).astype(np.float32)

    # Who knows whom

    @cached_property
    def following(self) -> CSR:
        """For each user (row) the users that they follow, in the order of following."""
        return (
            self._store.groups("follows.by_follower").before(len(self.follows)).map(self.follows["followed"])
        )

    @cached_property
    def followers(self) -> CSR:
        """For each user (row) the users that follow them, in the order of following."""
        return (
            self._store.groups("follows.by_followed").before(len(self.follows)).map(self.follows["follower"])
        )

    @cached_property
    def blocking(self) -> CSR:
        """For each user (row) the users that they block."""
        return CSR.group(self.blocks["user"], len(self.users), self.blocks["blocked"])

    @cached_property
    def blocked_by(self) -> CSR:
        """For each user (row) the users that block them."""
        return CSR.group(self.blocks["blocked"], len(self.users), self.blocks["user"])

    @cached_property
    def muting(self) -> CSR:
        """For each user (row) the users that they mute."""
        authors = self.mutes["muted"] != NONE
        return CSR.group(self.mutes["user"][authors], len(self.users), self.mutes["muted"][authors])

    def muted_words(self, user: int) -> list[str]:
        """The words that a user (row) mutes, as typed."""
        rows = self._word_mutes.of(user)
        return [str(word) for word in self.mutes.texts("word", rows).to_pylist()] if len(rows) else []

    @cached_property
    def _word_mutes(self) -> CSR:
        rows = np.flatnonzero(self.mutes["muted"] == NONE)
        return CSR.group(self.mutes["user"][rows], len(self.users), rows)

    # Who did what

    def history(self, user: int) -> Array:
        """Rows of `interactions` by a user (row), oldest first."""
        return self._store.groups("interactions.by_user").between(user, 0, len(self.interactions))

    def written(self, user: int, hours: float = WINDOW_HOURS) -> Array:
        """Rows of the tweets that a user (row) wrote in the last `hours`, oldest first."""
        return self._store.groups("tweets.by_author").between(
            user, self.since("tweets", hours), len(self.tweets)
        )

    def seen(self, user: int, hours: float = WINDOW_HOURS) -> Array:
        """Rows of the tweets that were shown to a user (row) in the last `hours`, oldest first."""
        groups = self._store.groups("impressions.by_user")
        rows = groups.between(user, self.since("impressions", hours), len(self.impressions))
        tweets: Array = self.impressions["tweet"][rows]
        return tweets

    @cached_property
    def picked(self) -> CSR:
        """For each user (row) the topics (rows) that they picked at sign-up."""
        return self._store.groups("users.interests")

    def interests(self, user: int) -> Array:
        """Topics (rows) that a user (row) picked at sign-up."""
        return self.picked.of(user)

    # Counts and labels

    def counts(self, kind: str) -> NDArray[np.int64]:
        """How often the log shows each tweet ("impression") or answers it (a response), int64[tweets]."""
        if kind not in self._counts:
            tweets = self.impressions["tweet"] if kind == "impression" else self._of_kind(kind, "tweet")
            self._counts[kind] = np.bincount(tweets, minlength=len(self.tweets))
        return self._counts[kind]

    def reply_counts(self) -> NDArray[np.int64]:
        """How many tweets reply to each tweet, int64[tweets]; more than the replies in the log."""
        parents = self.tweets["reply_to"]
        return np.bincount(parents[parents != NONE], minlength=len(self.tweets))

    def responded(self, kind: str) -> NDArray[np.bool_]:
        """Whether each impression had been answered by `kind`, bool[impressions].

        A like that comes after `now` is not known yet, even when its impression is.
        """
        answered = np.zeros(len(self.impressions), bool)
        rows = self._of_kind(kind, "impression")
        answered[rows[rows != NONE]] = True
        return answered

    def _of_kind(self, kind: str, column: str) -> Array:
        if kind not in RESPONSES:
            raise MimicError(f"no response {kind!r}; one of {', '.join(RESPONSES)}")
        values: Array = self.interactions[column][self.interactions["kind"] == RESPONSES.index(kind)]
        return values

    # Words, for showing

    def text(self, tweets: Array) -> list[str]:
        """The texts of tweets (rows)."""
        return [str(text) for text in self.tweets.texts("text", tweets).to_pylist()]

    def profiles(self, users: Array) -> pd.DataFrame:
        """Profiles of users (rows): user_id, name, handle, bio, verified, lang."""
        codes = self.users["lang"][users]
        return pd.DataFrame(
            {
                "user_id": self.users["user_id"][users],
                **{name: self.users.texts(name, users).to_pylist() for name in ("name", "handle", "bio")},
                "verified": self.users["verified"][users],
                "lang": np.array(LANGUAGES)[codes],
            }
        )

    def __repr__(self) -> str:
        tables = (self.users, self.follows, self.tweets, self.impressions, self.interactions)
        sizes = ", ".join(f"{len(table):,} {table.name}" for table in tables)
        return f"<DataLoader {self.path.name} as of {_utc(self.now)} UTC: {sizes}>"

    def _repr_html_(self) -> str:
        from mimic.show import data_html

        return data_html(self)

    # How a moment becomes a row number

    def _times(self, table: str) -> Array:
        return self._store.array(f"{table}.{TIME[table]}")

    def _table(self, name: str) -> Table:
        if name not in TIME:
            return Table(self._store, name, self.manifest.rows[name])
        return Table(self._store, name, int(np.searchsorted(self._times(name), self.now)))


def _utc(moment: int) -> str:
    """A moment (ms) as people write it, to the minute."""
    return str(pd.Timestamp(moment, unit="ms").strftime("%Y-%m-%d %H:%M"))


@lru_cache(maxsize=4)
def _shared_store(folder: Path, state: str) -> Store:  # noqa: ARG001  the state is part of the cache's key
    """One store for a folder and a state of its files."""
    return open_store(folder, read_manifest(folder))


@lru_cache(maxsize=16)
def _snapshot(store: Store, path: Path, now: int) -> DataLoader:
    return DataLoader(store, path, now)

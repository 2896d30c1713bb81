"""The features of a model that is too good, under three clocks: chapter 3 finds what is wrong with them.

Each feature but three is a like rate so far, of the reader, the author, the tweet, the reader with
this author, and the reader with this topic. «So far» is where one goes wrong, so the clock is an
argument. The wrong clocks are here on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.columns import NONE
from mimic.csr import CSR, positions_in_runs
from mimic.data_loader import HOUR_MS, DataLoader
from mimic.point_in_time import count_before
from mimic.schema import RESPONSES

__all__ = ["FIFTHS", "Clock", "SuspectLog"]

Clock: TypeAlias = Literal["whole log", "other fifths", "as of the moment"]

FIFTHS: Final = 5
"""Parts of a random split."""
_SMOOTHING: Final = 20.0
"""Impressions at the average rate that each history begins with. Chosen by hand."""
_LIKE: Final = RESPONSES.index("like")


@dataclass(frozen=True, kw_only=True, eq=False)
class SuspectLog:
    """A sample of the impressions of a whole log, with features for the question: will it be liked?"""

    data: DataLoader
    """The snapshot that holds the log."""
    rows: NDArray[np.int64]
    """int64[n]: the sampled impressions (rows), ascending."""
    fifth_of_all: NDArray[np.int8]
    """int8[impressions]: a part from 0 to 4 for each impression of the log, by chance."""

    @classmethod
    def draw(cls, data: DataLoader, n: int, *, rng: np.random.Generator) -> SuspectLog:
        """Sample `n` impressions with equal chances (all of them where there are fewer)."""
        size = len(data.impressions)
        rows = np.sort(rng.choice(size, min(n, size), replace=False))
        return cls(data=data, rows=rows, fifth_of_all=rng.integers(0, FIFTHS, size, dtype=np.int8))

    @cached_property
    def liked(self) -> NDArray[np.bool_]:
        """bool[n]: whether each sampled impression was liked."""
        return self.data.responded("like")[self.rows]

    @property
    def user(self) -> NDArray[np.int32]:
        """int32[n]: who saw it (row)."""
        return np.asarray(self.data.impressions["user"][self.rows])

    @property
    def shown_at(self) -> NDArray[np.int64]:
        """int64[n]: when, ms."""
        return np.asarray(self.data.impressions["shown_at"][self.rows])

    @property
    def fifth(self) -> NDArray[np.int8]:
        """int8[n]: the part of the random split."""
        return self.fifth_of_all[self.rows]

    def features(self, clock: Clock, *, dwell: bool) -> pd.DataFrame:
        """One row a sampled impression: seven columns, and `dwell` if wanted.

        Args:
            clock: what the rates count: everything in the log; everything outside the impression's own
                fifth; or what came before it was shown.
            dwell: with the logarithm of the time that the tweet stayed on the screen.
        """
        seen = self.data.impressions
        age = (self.shown_at - self.data.tweets["created_at"][seen["tweet"][self.rows]]) / HOUR_MS
        columns = {"age": np.log1p(np.maximum(age, 0)), "follows": self._follows()}
        columns |= {f"{key} rate": self._rate(key, clock) for key in self._keys}
        if dwell:
            columns["dwell"] = np.log(np.maximum(seen["dwell_ms"][self.rows], 1))
        return pd.DataFrame(columns)

    def history(self, key: str, clock: Clock) -> pd.DataFrame:
        """Of impressions with the same reader, author, tweet, …: how many there are, and how many liked."""
        group, likes = self._groups[key], self._likes
        own, liked = group[self.rows], group[likes]
        if clock == "as of the moment":
            moments = self.data.interactions["at"][self._like_rows]
            so_far = count_before(liked, moments, own, self.shown_at)
            return pd.DataFrame({"shown": _place_in_group(group)[self.rows], "liked": so_far})
        counts = {"shown": np.bincount(group)[own], "liked": np.bincount(liked, minlength=len(group))[own]}
        if clock == "other fifths":
            part, fifth = group * FIFTHS + self.fifth_of_all, own * FIFTHS + self.fifth
            counts["shown"] -= np.bincount(part)[fifth]
            counts["liked"] -= np.bincount(part[likes], minlength=int(part.max()) + 1)[fifth]
        return pd.DataFrame(counts)

    def _rate(self, key: str, clock: Clock) -> NDArray[np.float64]:
        """Logarithm of the smoothed like rate."""
        counts = self.history(key, clock)
        mean = len(self._likes) / len(self.data.impressions)
        liked, shown = counts["liked"].to_numpy(), counts["shown"].to_numpy()
        return np.asarray(np.log((liked + _SMOOTHING * mean) / (shown + _SMOOTHING)))

    def _follows(self) -> NDArray[np.float64]:
        """1 where the reader followed the author when the tweet was shown."""
        edges, users = self.data.follows, len(self.data.users)
        pairs = edges["follower"].astype(np.int64) * users + edges["followed"]
        asked = self._keys["reader–author"][self.rows]
        return (count_before(pairs, edges["created_at"], asked, self.shown_at) > 0).astype(np.float64)

    @cached_property
    def _keys(self) -> dict[str, NDArray[np.int64]]:
        """What each kind of history is of, int64[impressions]."""
        data = self.data
        user, tweet = (data.impressions[name].astype(np.int64) for name in ("user", "tweet"))
        author, topic = (data.tweets[name][tweet] for name in ("author", "topic"))
        return {
            "reader": user,
            "author": author.astype(np.int64),
            "tweet": tweet,
            "reader–author": user * len(data.users) + author,
            "reader–topic": user * len(data.topics) + topic,
        }

    @cached_property
    def _groups(self) -> dict[str, NDArray[np.int64]]:
        """The same, numbered from 0 without gaps."""
        return {name: pd.factorize(key)[0].astype(np.int64) for name, key in self._keys.items()}

    @cached_property
    def _like_rows(self) -> NDArray[np.int64]:
        log = self.data.interactions
        return np.flatnonzero((log["kind"] == _LIKE) & (log["impression"] != NONE))

    @cached_property
    def _likes(self) -> NDArray[np.int32]:
        """The impressions (rows) that were liked, in the order of the likes."""
        return np.asarray(self.data.interactions["impression"][self._like_rows])


def _place_in_group(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many earlier rows belong to the same group, int64[n]."""
    runs = CSR.group(group, int(group.max(initial=-1)) + 1)
    place = np.empty(len(group), np.int64)
    place[runs.values] = positions_in_runs(runs.sizes)
    return place

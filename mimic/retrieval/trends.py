"""Trends: what the last hour talks about that other days do not.

A burst is what no history can know. When a storm breaks, nobody has liked a tweet about it, nobody's past
topics include it, and no community stands for it. What shows it is a count: tweets about a topic in the last
hour, against what is usual for it at that time of day.

    usual      share of the topic among earlier days' tweets × tweets of all topics at this time of day
    surprise   −log10 P(so many authors or more | usual)

A usual level that was estimated from few tweets is itself uncertain, so the number expected is not Poisson
with a known rate but with a rate from a Gamma distribution, which makes it negative binomial. Two more
things keep ordinary days quiet. A conversation is many tweets and one topic, so replies do not count; and
somebody who writes ten tweets is one voice, so authors are counted.

A topic is watched in each language and in all together: a burst in one country shows in its language first,
one that is everywhere shows in the sum long before it does in the small languages. Where the sum bursts, so
does each language that has more than its usual share of it.

How Twitter's own trends are found is not published. This engine is ours: a count and a threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betainc

from mimic.columns import NONE
from mimic.data_loader import HOUR_MS, DataLoader
from mimic.history import language_shares
from mimic.ordering import best_first
from mimic.schema import ENGAGEMENTS, LANGUAGES

__all__ = ["Trends", "TrendsConfig", "surprise"]

Floats = NDArray[np.float64]

_DAY_MS: Final = 24 * HOUR_MS
_LEAST: Final = 1e-300
"""Probabilities below this are as good as this."""
_ALL: Final = len(LANGUAGES)
"""Column of all languages together."""


@dataclass(frozen=True, kw_only=True)
class TrendsConfig:
    """When a topic bursts, and what is then shown."""

    windows: tuple[float, ...] = (1.0, 6.0)
    """Last hours that are counted: one to be quick, six to notice a storm that goes on, or a small one."""
    threshold: float = 6.0
    """Surprise from which on a cell bursts: one chance in a million. On the days 3 to 27 of the book's world,
    events aside, the largest of five authors or more at some 1,600 moments was 5.3; each of the three events
    passed 10 within its first hour."""
    voices: int = 5
    """Authors that a burst needs: at night three people on one topic would surprise."""
    smoothing: float = 20.0
    """Tweets at the topic's share in all languages that each language starts with, and at an equal share
    that each topic starts with."""
    window_hours: float = 12.0
    """Age up to which tweets of a bursting cell are found: what was written before is not about it."""
    half_life_hours: float = 6.0
    """In which a tweet's freshness halves."""


def surprise(counts: NDArray[Any], past: Floats, exposure: Floats) -> Floats:
    """−log10 of the chance of `counts` or more, where `past` were seen in `exposure` times as long.

    Negative binomial: Poisson with a rate that is Gamma distributed with shape `past` and rate `exposure`.
    All arrays have one shape. 0 where nothing was counted or nothing is known.
    """
    asked = (counts > 0) & (past > 0) & (exposure > 0)
    tail = betainc(np.where(asked, counts, 1), np.where(asked, past, 1.0), 1.0 / (1.0 + exposure))
    return np.where(asked, -np.log10(np.maximum(tail, _LEAST)), 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trends:
    """Counts of the last hour against the usual, and tweets of what bursts. Build with `Trends.of(data)`.

    T topics, L + 1 columns: the languages in order of LANGUAGES, then all together.
    """

    data: DataLoader
    hours: Floats
    """float64[T, L + 1]: how many last hours the next three are about: those that surprise most."""
    counts: NDArray[np.int64]
    """int64[T, L + 1]: authors of originals."""
    usual: Floats
    """float64[T, L + 1]: how many are usual."""
    surprise: Floats
    """float64[T, L + 1]."""
    bursting: NDArray[np.bool_]
    """bool[T, L]: which cells burst."""
    tweets: NDArray[np.int64]
    """int64[n]: tweets of bursting cells (rows), the newest last; empty at ordinary moments."""
    base: Floats
    """float64[n]: freshness × (1 + engagements so far) of each."""

    @classmethod
    def of(cls, data: DataLoader, config: TrendsConfig | None = None) -> Trends:
        """Count a snapshot. On a platform's first day nothing is usual, so nothing bursts."""
        config = config or TrendsConfig()
        seen = [_window(data, hours, config) for hours in config.windows]
        bursting = np.logical_or.reduce([_bursting(*one, config) for one in seen])
        counts, usual, surprising = (np.stack(part) for part in zip(*seen, strict=True))
        best = surprising.argmax(axis=0)[None]
        tweets = np.arange(data.since("tweets", config.window_hours), len(data.tweets))
        cell = data.tweets["topic"][tweets], data.tweets["lang"][tweets]
        tweets = tweets[bursting[cell]]
        engagements = np.sum([data.counts(kind)[tweets] for kind in ENGAGEMENTS], axis=0)
        fresh = np.exp2(-data.age_hours(tweets).astype(np.float64) / config.half_life_hours)
        return cls(
            data=data,
            hours=np.asarray(config.windows)[best[0]],
            counts=np.take_along_axis(counts, best, axis=0)[0],
            usual=np.take_along_axis(usual, best, axis=0)[0],
            surprise=np.take_along_axis(surprising, best, axis=0)[0],
            bursting=bursting,
            tweets=tweets,
            base=fresh * (1.0 + engagements),
        )

    def search(
        self, user: int, unwanted: NDArray[np.bool_], limit: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The best tweets of bursting cells in the languages that a user (row) reads.

        Args:
            user: row of the user.
            unwanted: bool[users], authors whose tweets are left out.
            limit: how many at most.

        Returns:
            Tweets (rows), best first by language share × freshness × engagements, and the topic (row) that
            brought each. Nothing at all when nothing bursts.
        """
        if not len(self.tweets):
            return self.tweets, self.tweets
        table = self.data.tweets
        score = self.base * language_shares(self.data, user)[table["lang"][self.tweets]]
        wanted = np.flatnonzero((score > 0) & ~unwanted[table["author"][self.tweets]])
        best = self.tweets[wanted[best_first(score[wanted], self.tweets[wanted], limit)]]
        return best, table["topic"][best].astype(np.int64)

    def table(self) -> pd.DataFrame:
        """One row a cell in which anything was written, the most surprising first.

        Columns: `topic`, `language` ("all" for all together), `hours` that are counted, `now`, `usual`,
        `surprise`, `bursting`.
        """
        topic, column = np.nonzero(self.counts)
        bursts = np.column_stack((self.bursting, self.bursting.any(axis=1)))
        frame = pd.DataFrame(
            {
                "topic": self.data.topics.texts("name", topic).to_pylist(),
                "language": np.array((*LANGUAGES, "all"))[column],
                "hours": self.hours[topic, column],
                "now": self.counts[topic, column],
                "usual": self.usual[topic, column],
                "surprise": self.surprise[topic, column],
                "bursting": bursts[topic, column],
            }
        )
        return frame.sort_values("surprise", ascending=False, kind="stable", ignore_index=True)


def _window(data: DataLoader, hours: float, config: TrendsConfig) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Counts of the last hours, how many are usual, and the surprise, [T, L + 1] each."""
    counts = _by_cell(data, _voices(data, hours))
    past, exposure = _past(data, hours, config.smoothing)
    usual = np.divide(past, exposure, out=np.zeros_like(past), where=exposure > 0)
    return counts, usual, surprise(counts, past, exposure)


def _bursting(
    counts: NDArray[np.int64], usual: Floats, surprising: Floats, config: TrendsConfig
) -> NDArray[np.bool_]:
    """Cells that burst by themselves, or have more than their usual share of a burst in all languages."""
    bursts = (surprising >= config.threshold) & (counts >= config.voices)
    return np.asarray((bursts | (bursts[:, [_ALL]] & (counts > usual)))[:, :_ALL])


def _originals(data: DataLoader, start: int, end: int) -> NDArray[np.int64]:
    """Tweets (rows) written from one moment until before another that answer no other tweet."""
    first, last = np.searchsorted(data.tweets["created_at"], (start, end))
    return np.asarray(first + np.flatnonzero(data.tweets["reply_to"][first:last] == NONE), np.int64)


def _by_cell(data: DataLoader, tweets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Tweets by topic and language, and by topic alone, int64[T, L + 1]."""
    cell = data.tweets["topic"][tweets].astype(np.int64) * _ALL + data.tweets["lang"][tweets]
    table = np.bincount(cell, minlength=len(data.topics) * _ALL).reshape(-1, _ALL)
    return np.column_stack((table, table.sum(axis=1)))


def _voices(data: DataLoader, hours: float) -> NDArray[np.int64]:
    """Originals of the last hours (rows), one for each author and topic."""
    tweets = _originals(data, data.now - round(hours * HOUR_MS), data.now)
    author, topic = data.tweets["author"][tweets].astype(np.int64), data.tweets["topic"][tweets]
    return tweets[np.unique(author * len(data.topics) + topic, return_index=True)[1]]


def _past(data: DataLoader, hours: float, smoothing: float) -> tuple[Floats, Floats]:
    """What was written until a day ago, float64[T, L + 1], and in how many times as long, float64[L + 1].

    «As long» is `hours` at this time of day: half a night's tweets at noon count as many noons
    as it would take to write them. 0 where nobody ever writes at this time.
    """
    span, start = round(hours * HOUR_MS), data.manifest.start
    table = _by_cell(data, _originals(data, start, data.now - _DAY_MS)).astype(np.float64)
    total, days = table.sum(axis=0), max((data.now - start - span) // _DAY_MS, 0)
    same_time = [data.now - day * _DAY_MS for day in range(1, days + 1)]
    then = [_by_cell(data, _originals(data, at - span, at)).sum(axis=0) for at in same_time]
    usual = np.sum([np.zeros(_ALL + 1), *then], axis=0) / max(days, 1)
    share = (table[:, [_ALL]] + smoothing / len(table)) / (total[_ALL] + smoothing)
    exposure = np.divide(total + smoothing, usual, out=np.zeros_like(total), where=usual > 0)
    return table + smoothing * share, exposure

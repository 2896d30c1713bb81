"""The light ranker: a first opinion on a thousand tweets, cheap enough to be asked about all of them.

Behind Earlybird's search stands a logistic regression over a few dozen features, each cut into bins
(src/python/twitter/deepbird/projects/timelines/scripts/models/earlybird). It sees the author's RealGraph
score, the tweet's age, counts and flags, and decides which few hundred the heavy ranker gets to see. It is
trained on what was shown, and judged by the heavy ranker: how many of its favourites does it let through?

Its rows are `mimic.retrieval.light_rows`: every count is as of its row's impression, the author's tie is
that of the morning before, and a request uses the counts and ties of its own moment.

One logit for everything: a row with an answer counts as often as its answers are worth, so the score grows
with value and is no probability of anything.

Differences, on purpose: no hashing of features; affinity beside the tie (see `mimic.retrieval.real_graph`);
and the viewer's share of the tweet's topic, which Twitter leaves to the heavy ranker.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mimic import history, point_in_time
from mimic.artifacts import artifact_key, ensure_artifact
from mimic.columns import rows_of
from mimic.data_loader import DataLoader
from mimic.errors import MimicError
from mimic.history import topic_shares, topic_shares_before
from mimic.models import logistic
from mimic.models.logistic import BinnedLogit
from mimic.retrieval import edge_log
from mimic.retrieval import light_rows as rows_of_both
from mimic.retrieval.edge_log import DAY_MS, candidate_pairs, followed_before, pair_keys
from mimic.retrieval.light_rows import (
    ANSWERED_WITHIN_MS,
    IMPORTANCE,
    LightRows,
    columns_of_tweets,
    counts_then,
    in_order,
    worth_of,
)
from mimic.retrieval.real_graph import RealGraph, TieModel
from mimic.schema import ENGAGEMENTS

__all__ = ["IMPORTANCE", "LIGHT_FEATURES", "LightRanker", "LightRankerConfig", "LightRows", "light_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LIGHT_FEATURES: Final = {
    "tie": "probability that the viewer interacts with the author within a day, from RealGraph",
    "affinity": "the same, given that something by the author is shown to the viewer",
    "topic_share": "share of the viewer's topic history that has the tweet's topic",
    "age_hours": "hours since the tweet was made",
    **{kind: f"answers of the kind {kind} that the tweet had" for kind in ENGAGEMENTS},
    "has_media": "it carries a picture or a video",
    "has_link": "it carries a link",
    "is_reply": "it answers another tweet",
    "own_language": "it is in the language of the viewer's interface",
    "verified": "the author has the badge",
}
"""Every column and its meaning."""

_MODULES: Final = (sys.modules[__name__], edge_log, history, rows_of_both, logistic, point_in_time)
_LIBRARIES: Final = ("numpy", "scipy")


@dataclass(frozen=True, kw_only=True)
class LightRankerConfig:
    """How the light ranker is trained."""

    days: int = 7
    """Days before the snapshot whose impressions are rows: a whole week, so that each weekday counts once."""
    rows: int = 300_000
    """Rows that are trained on at most."""
    quantiles: tuple[float, ...] = (*(k / 20 for k in range(1, 20)), 0.975, 0.99)
    """Where bins end: twentieths, and two more where likes are many."""
    seed: int = 0
    """Of the sample."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LightRanker:
    """Scores tweets for a viewer as of one snapshot. Build with `LightRanker.of(data, real_graph)`."""

    data: DataLoader
    real_graph: RealGraph
    model: BinnedLogit

    @classmethod
    def of(
        cls,
        data: DataLoader,
        real_graph: RealGraph,
        *,
        fitted: DataLoader | None = None,
        config: LightRankerConfig | None = None,
    ) -> LightRanker:
        """A ranker of `data`, trained on the week before the snapshot `fitted` (by default `data` itself).

        Args:
            data: the snapshot that requests come to.
            real_graph: ties as of it.
            fitted: the snapshot of the fit, early or late.
            config: how it is trained.

        Raises:
            MimicError: ties or fit are of a later moment than what they serve.
        """
        fitted, config = fitted or data, config or LightRankerConfig()
        model = real_graph.model
        if not (model.fitted_at <= fitted.now <= data.now and real_graph.now <= data.now):
            raise MimicError("a light ranker needs ties and a fit that are not later than what they serve")
        key = artifact_key(
            data.manifest.checksum,
            fitted.now,
            model.key,
            repr(config),
            modules=_MODULES,
            libraries=_LIBRARIES,
        )
        kept = ensure_artifact(
            data.path / "cache",
            "light_ranker",
            key,
            lambda: _train(fitted, model, config),
            why="a first opinion on the network's tweets",
        )
        return cls(data=data, real_graph=real_graph, model=BinnedLogit.from_arrays(kept.arrays))

    def score(self, user: int, tweets: NDArray[Any]) -> Floats:
        """How much each of some tweets (rows) is worth to a user (row), in log-odds: float64[n].

        For putting in order: the scale is that of weighted examples.
        """
        return self.model.log_odds(self.features(user, tweets))

    def features(self, user: int, tweets: NDArray[Any]) -> Floats:
        """The columns of LIGHT_FEATURES as of the snapshot, float64[n, F]."""
        data, authors = self.data, self.data.tweets["author"][tweets]
        columns = {
            **columns_of_tweets(data, np.full(len(tweets), user), tweets, np.full(len(tweets), data.now)),
            "tie": self.real_graph.ties(user, authors),
            "affinity": self.real_graph.affinities(user, authors),
            "topic_share": topic_shares(data, user)[data.tweets["topic"][tweets]],
            **{kind: data.counts(kind)[tweets] for kind in ENGAGEMENTS},
        }
        return in_order(columns, LIGHT_FEATURES)


def light_rows(data: DataLoader, model: TieModel, config: LightRankerConfig) -> LightRows:
    """The impressions of the network's tweets in the snapshot's last days, each with what was known then."""
    starts = [data.now - day * DAY_MS for day in range(1, config.days + 1)]
    days = [_day(data, model, data.as_of(at)) for at in starts if at >= data.manifest.start]
    days.append((np.zeros(0, np.int64), np.zeros(0), np.zeros(0)))  # a platform's first day has no yesterday
    rows, tie, affinity = (np.concatenate(part) for part in zip(*days, strict=True))
    chance = min(1.0, config.rows / max(len(rows), 1))
    keep = np.random.default_rng(config.seed).random(len(rows)) < chance
    rows, tie, affinity = rows[keep], tie[keep], affinity[keep]
    viewers, tweets, at = (data.impressions[name][rows] for name in ("user", "tweet", "shown_at"))
    columns = {
        **columns_of_tweets(data, viewers, tweets, at),
        **counts_then(data, tweets, at),
        "tie": tie,
        "affinity": affinity,
        "topic_share": topic_shares_before(data, viewers, data.tweets["topic"][tweets], at),
    }
    features, worth = in_order(columns, LIGHT_FEATURES), worth_of(data, rows)
    return LightRows(
        impression=rows, features=features, answered=worth > 0, weight=np.where(worth > 0, worth, 1.0)
    )


def _day(data: DataLoader, model: TieModel, then: DataLoader) -> tuple[Ints, Floats, Floats]:
    """Impressions of a day that begins at `then` whose viewer followed the author, with that morning's ties.

    Ties of the day's end would know what became of these very impressions.
    """
    log = data.impressions
    last = int(np.searchsorted(log["shown_at"], min(then.now + DAY_MS, data.now - ANSWERED_WITHIN_MS)))
    rows = np.arange(len(then.impressions), last)
    pairs = pair_keys(data, log["user"][rows], data.tweets["author"][log["tweet"][rows]])
    inside = followed_before(data, pairs, log["shown_at"][rows])
    rows, pairs = rows[inside], pairs[inside]
    known = candidate_pairs(then)
    asked = np.intersect1d(pairs, known)
    tie, affinity = model.predict(then, asked)
    place, there = rows_of(asked, pairs)
    found = np.tile([model.base_tie, model.base_affinity], (len(rows), 1))
    found[there, 0], found[there, 1] = tie[place[there]], affinity[place[there]]
    return rows, found[:, 0], found[:, 1]


def _train(data: DataLoader, model: TieModel, config: LightRankerConfig) -> dict[str, NDArray[Any]]:
    """The arrays of the regression."""
    rows = light_rows(data, model, config)
    if not len(rows.answered):
        return BinnedLogit.flat(len(LIGHT_FEATURES)).arrays()
    return BinnedLogit.fit(rows.features, rows.answered, rows.weight, config.quantiles).arrays()

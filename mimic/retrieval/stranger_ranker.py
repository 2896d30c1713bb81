"""The light ranker of strangers' tweets: which few hundred of the towers' thousand deserve a closer look?

Production has two light rankers, one behind the network's index and one for tweets of people whom the viewer
does not follow (`timelines_rectweet_replica`, home-mixer/.../ScoredTweetsParam.scala; features in
configs/rectweet_earlybird). This is the second. It is the same regression on the same kind of rows as the
first (`mimic.retrieval.light_ranker`), with other impressions and other columns: no tie, for there is none.

**A model's opinion as another's input.** The towers' score is the best single column. But towers that were
trained on a response remember it, and a ranker that learns from that same response would trust them far more
than they deserve on tweets of tomorrow. So the rows come from days that the towers of the *early* fit have
not seen, and those towers give the column. Requests get it from the *late* towers, which have not seen the
request's answers either: the column means the same, log-odds of strangers' unseen pairs, and is a little
better than it was in training. The early towers' score in serving finds 2 % less of the best hundred;
scaling the late one to the early one's spread, or mapping its ranks, changes nothing that could be measured.

Differences, on purpose: the towers' score, communities and topics, which Twitter leaves to the heavy ranker;
rates per showing, which Twitter's index does not keep.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mimic import history, point_in_time
from mimic.artifacts import artifact_key, ensure_artifact
from mimic.data_loader import DataLoader
from mimic.errors import MimicError
from mimic.models import logistic
from mimic.models.logistic import BinnedLogit
from mimic.retrieval import edge_log, interested_in, light_rows, simclusters, stranger_features
from mimic.retrieval.communities import Communities
from mimic.retrieval.edge_log import DAY_MS, followed_before, pair_keys
from mimic.retrieval.light_rows import ANSWERED_WITHIN_MS, LightRows, in_order, worth_of
from mimic.retrieval.stranger_features import STRANGER_FEATURES, Facts, Morning, columns_then
from mimic.retrieval.two_tower import TwoTower, TwoTowerConfig, log_odds_then, tower_key

__all__ = ["StrangerRanker", "StrangerRankerConfig", "stranger_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MODULES: Final = (
    sys.modules[__name__],
    edge_log,
    history,
    interested_in,
    light_rows,
    logistic,
    point_in_time,
    simclusters,
    stranger_features,
)
_LIBRARIES: Final = ("numpy", "scipy")


@dataclass(frozen=True, kw_only=True)
class StrangerRankerConfig:
    """How the light ranker of strangers' tweets is trained."""

    negatives: float = 0.2
    """Share of the rows without an answer that are kept, each for 1 / this of them (production: .08 in
    timelines/data_processing/ad_hoc/earlybird_ranking/training_data_generation)."""
    rows: int = 200_000
    """Rows that are trained on at most."""
    quantiles: tuple[float, ...] = (*(k / 20 for k in range(1, 20)), 0.975, 0.99)
    """Where bins end, as in the network's ranker."""
    seed: int = 0
    """Of the sample."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StrangerRanker:
    """Scores strangers' live tweets for a viewer as of one snapshot. Build with `StrangerRanker.of`."""

    data: DataLoader
    towers: TwoTower
    facts: Facts
    model: BinnedLogit

    @classmethod
    def of(
        cls,
        data: DataLoader,
        towers: TwoTower,
        *,
        early: DataLoader,
        fitted: DataLoader | None = None,
        config: StrangerRankerConfig | None = None,
    ) -> StrangerRanker:
        """A ranker of `data`, trained on what strangers' tweets got between two fits.

        Args:
            data: the snapshot that requests come to.
            towers: vectors as of it, of the late fit.
            early: the snapshot of the early fit, whose towers and communities the rows are told of.
            fitted: the snapshot at whose end the rows end: `data` itself by default or, from the data set's
                own moment on, the snapshot of that moment.
            config: how it is trained.

        Raises:
            MimicError: a fit is of a later moment than what it serves, or the towers are another moment's.
        """
        fitted = fitted or data.as_of(min(data.now, data.manifest.now))
        config = config or StrangerRankerConfig()
        if not early.now < fitted.now <= data.now:
            raise MimicError(
                f"rows lie between the early fit and the late one, not later than the request: "
                f"expected early < fitted <= data, got {early.now}, {fitted.now}, {data.now}"
            )
        if towers.data.now != data.now:
            raise MimicError(f"the towers' vectors are as of {towers.data.now}; build them as of {data.now}")
        communities = Communities.of(early)
        key = artifact_key(
            data.manifest.checksum,
            (early.now, fitted.now),
            (communities.key, tower_key(early, towers.config)),
            repr(config),
            modules=_MODULES,
            libraries=_LIBRARIES,
        )
        kept = ensure_artifact(
            data.path / "cache",
            "stranger_ranker",
            key,
            lambda: _train(stranger_rows(fitted, early, towers.config, config), config),
            why="a first opinion on strangers' tweets",
        )
        return cls(
            data=data,
            towers=towers,
            facts=Facts.of(data, communities),
            model=BinnedLogit.from_arrays(kept.arrays),
        )

    def score(self, user: int, tweets: NDArray[Any]) -> Floats:
        """How much each of some live tweets (rows) is worth to a user (row), in log-odds: float64[n].

        For putting in order: the scale is that of weighted examples.
        """
        return self.model.log_odds(self.features(user, tweets))

    def features(self, user: int, tweets: NDArray[Any]) -> Floats:
        """The columns of STRANGER_FEATURES as of the snapshot, float64[n, F]."""
        tweets = np.asarray(tweets, np.int64)
        columns = self.facts.columns(user, tweets)
        return in_order({**columns, "tower": self.towers.log_odds(user, tweets)}, STRANGER_FEATURES)


def stranger_rows(
    data: DataLoader, early: DataLoader, towers: TwoTowerConfig, config: StrangerRankerConfig
) -> LightRows:
    """The impressions of strangers' tweets since the early fit, each with what was known then.

    All that were answered and a share of the others, day by day, the first day first.
    """
    rows, worth, weight = _sample(data, early, config)
    viewers, tweets, at = (
        data.impressions[name][rows].astype(np.int64) for name in ("user", "tweet", "shown_at")
    )
    tower = log_odds_then(data, early, viewers, tweets, at, towers)
    communities, features = Communities.of(early), np.zeros((len(rows), len(STRANGER_FEATURES)))
    days = range(early.now, data.now, DAY_MS)
    for start in tqdm(days, "rows by day", file=sys.stderr, disable=None, leave=False):
        day = slice(*np.searchsorted(at, (start, start + DAY_MS)))
        morning = Morning.of(data.as_of(start), communities)
        columns = columns_then(data, morning, viewers[day], tweets[day], at[day])
        features[day] = in_order({**columns, "tower": tower[day]}, STRANGER_FEATURES)
    return LightRows(impression=rows, features=features, answered=worth > 0, weight=weight)


def _sample(data: DataLoader, early: DataLoader, config: StrangerRankerConfig) -> tuple[Ints, Floats, Floats]:
    """Rows of impressions, ascending, the worth of their answers, and how much each counts."""
    log = data.impressions
    last = int(np.searchsorted(log["shown_at"], data.now - ANSWERED_WITHIN_MS))
    rows = np.arange(len(early.impressions), max(last, len(early.impressions)))
    pairs = pair_keys(data, log["user"][rows], data.tweets["author"][log["tweet"][rows]])
    rows = rows[~followed_before(data, pairs, log["shown_at"][rows])]
    worth, rng = worth_of(data, rows), np.random.default_rng(config.seed)
    kept = (worth > 0) | (rng.random(len(rows)) < config.negatives)
    chance = min(1.0, config.rows / max(int(kept.sum()), 1))
    kept &= rng.random(len(rows)) < chance
    rows, worth = rows[kept], worth[kept]
    return rows, worth, np.where(worth > 0, worth, 1.0 / config.negatives)


def _train(rows: LightRows, config: StrangerRankerConfig) -> dict[str, NDArray[Any]]:
    """The arrays of the regression."""
    if not len(rows.answered):
        return BinnedLogit.flat(len(STRANGER_FEATURES)).arrays()
    return BinnedLogit.fit(rows.features, rows.answered, rows.weight, config.quantiles).arrays()

"""What the two towers learn from: pairs of user and tweet from the log, each as of its own moment.

A source of strangers' tweets trains on what it serves: on responses to strangers. Whom a user follows by
the end of the log is no stranger, even if they were one when they were liked: that follow is in the graph
that the towers are told of, and would give the answer away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mimic.columns import NONE, rows_of
from mimic.data_loader import DataLoader
from mimic.errors import MimicError
from mimic.history import WEIGHT_OF_KIND
from mimic.retrieval.ann import IndexConfig
from mimic.retrieval.edge_log import pair_keys
from mimic.retrieval.tower_features import TowerFeatures, word_hashes

if TYPE_CHECKING:  # torch takes seconds to import: only who trains or serves vectors shall wait for it
    from mimic.models.two_tower import TowerConfig, TowerRows

__all__ = ["TwoTowerConfig", "can_learn", "training_rows"]

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float32]

_FAR: Final = 10.0
"""An inverse propensity counts at most this many times the median one."""
_AT_ONCE: Final = 1_000
"""Responses that `can_learn` looks at together."""


def _towers() -> TowerConfig:
    from mimic.models.two_tower import TowerConfig

    return TowerConfig()


@dataclass(frozen=True, kw_only=True)
class TwoTowerConfig:
    """What to train on and how to serve."""

    positives: Literal["strangers", "all"] = "strangers"
    """Responses to whose tweets: "all" is for comparison."""
    rows: int = 200_000
    """Most pairs of user and tweet to train on; of more, a sample is drawn."""
    factors: int = 48
    """Length of the follow graph's factors."""
    propensity: float = 0.0
    """Rows count propensity ** −this: 0 trusts the log, 1 weighs tweets as if all were equally likely to be
    shown (inverse propensity scoring)."""
    aging: float = 0.5
    """Log-odds that a tweet loses with each unit of ln(1 + age / 6 h). In the log the share of strangers'
    tweets that are answered falls by .52 a unit; within one source of the logger by .05 to .36 only, for
    what is still shown when it is old was chosen for being good. More aging finds more of what the log's
    next hours hold, because the logger shows what is fresh, and less of what is worth showing."""
    index: IndexConfig | None = None
    """How vectors are searched; by default as suits their number (`mimic.retrieval.ann.suited`)."""
    towers: TowerConfig = field(default_factory=_towers)
    seed: int = 0


def training_rows(data: DataLoader, features: TowerFeatures, config: TwoTowerConfig) -> TowerRows:
    """Pairs of user and tweet from the log, each as of the moment at which the tweet was shown.

    A pair counts once, with the weight of the strongest response. Each has one uniform tweet beside it,
    drawn from all that were ever made, as of an age that is drawn from the ages of the true ones.
    """
    from mimic.models.two_tower import TowerRows

    rng = np.random.default_rng(config.seed)
    user, tweet, moment, weight = _positives(data, config, rng)
    age = rng.permutation(moment - data.tweets["created_at"][tweet])
    uniform = rng.integers(0, len(data.tweets), len(user))
    its_moment = np.minimum(data.tweets["created_at"][uniform] + age, data.now)
    tweets, moments = np.concatenate((tweet, uniform)), np.concatenate((moment, its_moment))
    return TowerRows(
        user=user,
        user_facts=features.users(user, moment),
        weight=weight,
        tweet=tweets,
        tweet_facts=features.tweets(tweets, moments),
        words=word_hashes(data, tweets, config.towers.words),
        sizes=(len(data.users), len(data.tweets)),
    )


def can_learn(data: DataLoader, config: TwoTowerConfig | None = None) -> bool:
    """Whether a snapshot's log has any response to train on.

    Looks at a thousand at a time, the latest first: nearly every log has one among them.
    """
    config, log = config or TwoTowerConfig(), data.interactions
    rows = np.flatnonzero(WEIGHT_OF_KIND[log["kind"]] > 0)[::-1]
    if config.positives == "all":
        return len(rows) > 0
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        place, followed = data.following.gather(log["user"][some])
        known = followed == data.tweets["author"][log["tweet"][some]][place]
        if len(np.unique(place[known])) < len(some):
            return True
    return False


def _positives(
    data: DataLoader, config: TwoTowerConfig, rng: np.random.Generator
) -> tuple[Ints, Ints, NDArray[np.int64], Floats]:
    """Users, tweets, moments of being shown, and weights."""
    log = data.interactions
    rows = np.flatnonzero(WEIGHT_OF_KIND[log["kind"]] > 0)
    if config.positives == "strangers":
        rows = rows[~_follows(data, log["user"][rows], data.tweets["author"][log["tweet"][rows]])]
    if not len(rows):
        raise MimicError(f"{data.path.name} has no response before {data.now} to train two towers on")
    by_weight = rows[np.argsort(-WEIGHT_OF_KIND[log["kind"][rows]], kind="stable")]
    pair = log["user"][by_weight].astype(np.int64) * len(data.tweets) + log["tweet"][by_weight]
    kept = by_weight[np.unique(pair, return_index=True)[1]]
    if len(kept) > config.rows:
        kept = kept[np.sort(rng.choice(len(kept), config.rows, replace=False))]
    shown = log["impression"][kept]
    known = shown != NONE
    moment, propensity = log["at"][kept].astype(np.int64), np.ones(len(kept))
    moment[known] = data.impressions["shown_at"][shown[known]]
    propensity[known] = data.impressions["propensity"][shown[known]]
    inverse = (propensity / np.median(propensity)) ** -config.propensity
    weight = WEIGHT_OF_KIND[log["kind"][kept]] * np.minimum(inverse, _FAR)
    return log["user"][kept], log["tweet"][kept], moment, weight.astype(np.float32)


def _follows(data: DataLoader, users: Ints, others: Ints) -> NDArray[np.bool_]:
    """Whether each user follows the other by now, bool[n]."""
    edges = np.unique(pair_keys(data, data.follows["follower"], data.follows["followed"]))
    return rows_of(edges, pair_keys(data, users, others))[1]

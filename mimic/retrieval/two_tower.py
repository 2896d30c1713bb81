"""The two-tower model as an engine: every user and every live tweet a vector, the nearest are found.

    log before the snapshot → rows as of their moments → towers (trained once, an artefact)
    snapshot → facts as of now → towers → vectors of users and of live tweets → index → search

A source of strangers' tweets trains on what it serves: on responses to strangers. Whom a user follows by
the end of the log is no stranger, even if they were one when they were liked: that follow is in the graph
that the towers are told of, and would give the answer away.

Old tweets are answered less. How much less cannot be learned from which tweets were answered, for the log
shows fresh ones far more often; so the uniform negatives are as old as the true tweets, age says nothing in
training, and freshness enters the search as one number in the open, `TwoTowerConfig.aging`. In the index
it is a 129th entry: the tweets have their loss by age there, and every user has a 1.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mimic import csr, history, point_in_time
from mimic.artifacts import Artifact, artifact_key, ensure_artifact
from mimic.columns import NONE, rows_of
from mimic.data_loader import DataLoader
from mimic.errors import MimicError
from mimic.history import WEIGHT_OF_KIND
from mimic.retrieval import tower_features
from mimic.retrieval.ann import IndexConfig, VectorIndex, suited
from mimic.retrieval.tower_features import TowerFeatures, follow_factors, freshness, word_hashes

if TYPE_CHECKING:  # torch takes seconds to import: only who trains or serves vectors shall wait for it
    from mimic.models.two_tower import TowerConfig, TowerRows

__all__ = ["TwoTower", "TwoTowerConfig", "can_learn", "trained_towers", "training_rows"]

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float32]

_FAR: Final = 10.0
"""An inverse propensity counts at most this many times the median one."""


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
    """Whether a snapshot's log has any response to train on."""
    return len(_answered(data, config or TwoTowerConfig())) > 0


def _answered(data: DataLoader, config: TwoTowerConfig) -> NDArray[np.int64]:
    """Rows of the responses to learn from, ascending."""
    log = data.interactions
    rows = np.flatnonzero(WEIGHT_OF_KIND[log["kind"]] > 0)
    if config.positives == "strangers":
        rows = rows[~_follows(data, log["user"][rows], data.tweets["author"][log["tweet"][rows]])]
    return rows


def _positives(
    data: DataLoader, config: TwoTowerConfig, rng: np.random.Generator
) -> tuple[Ints, Ints, NDArray[np.int64], Floats]:
    """Users, tweets, moments of being shown, and weights."""
    log, rows = data.interactions, _answered(data, config)
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
    size = len(data.users)
    edges = np.unique(data.follows["follower"].astype(np.int64) * size + data.follows["followed"])
    return rows_of(edges, users.astype(np.int64) * size + others)[1]


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoTower:
    """Vectors of a snapshot and the towers that made them. Build with `TwoTower.of(data)`."""

    key: str
    """Of the artefact: a part of the key of whatever is built from it."""
    data: DataLoader
    config: TwoTowerConfig
    first: int
    """Row of the first live tweet; all from there on have a vector."""
    users: Floats
    """float32[users, 128]: of length 1."""
    tweets: Floats
    """float32[live tweets, 128]: of length 1."""
    sharpness: float
    """1 / temperature, as learned."""
    loss: NDArray[np.float32]
    """float32[steps]: the loss in training."""
    loss_by_age: Floats
    """float32[live tweets]: what each loses in score by its age."""
    index: VectorIndex
    """Of the live tweets, with their loss by age as a last entry."""
    author: Ints
    """int[live tweets]: who wrote each (row)."""

    @classmethod
    def of(
        cls, data: DataLoader, config: TwoTowerConfig | None = None, *, trained_on: DataLoader | None = None
    ) -> TwoTower:
        """Vectors as of a snapshot, by towers that are trained first where they have not been.

        Args:
            data: the snapshot that is served.
            config: how.
            trained_on: an earlier snapshot whose log the towers learn from; by default `data` itself or, from
                the data set's own moment on, the snapshot of that moment.
        """
        config = config or TwoTowerConfig()
        fitted = trained_on or data.as_of(min(data.now, data.manifest.now))
        if fitted.now > data.now:
            raise MimicError(
                f"towers trained on the log until {fitted.now} would know the future of {data.now}"
            )
        artifact = trained_towers(fitted, config)
        if fitted.now == data.now:
            users, tweets = artifact["vectors.users"], artifact["vectors.tweets"]
        else:
            users, tweets = _vectors(data, artifact, config)
        first, sharpness = data.since("tweets"), float(np.exp(artifact["log_sharpness"][0]))
        stale = freshness(data.age_hours(np.arange(first, len(data.tweets))))
        loss_by_age = (-config.aging / sharpness * stale).astype(np.float32)
        return cls(
            key=artifact.key,
            data=data,
            config=config,
            first=first,
            users=users,
            tweets=tweets,
            sharpness=sharpness,
            loss=artifact["loss"],
            loss_by_age=loss_by_age,
            index=VectorIndex.of(np.column_stack((tweets, loss_by_age)), config.index or suited(len(tweets))),
            author=data.tweets["author"][first:],
        )

    def queries(self, users: Ints) -> Floats:
        """What users (rows) ask the index, float32[n, 129]."""
        return np.column_stack((self.users[users], np.ones(len(users), np.float32)))

    def search(
        self, user: int, unwanted: NDArray[np.bool_], limit: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The nearest live tweets of a user (row).

        Args:
            user: row of the user.
            unwanted: bool[users], authors whose tweets are left out.
            limit: how many at most.

        Returns:
            Tweets (rows), best first, and their scores: log-odds up to a number that is the user's own.
        """
        found, scores = self.index.search(
            self.queries(np.array([user])), limit, wanted=~unwanted[self.author]
        )
        there = found[0] >= 0
        return self.first + found[0][there], self.sharpness * scores[0][there]


def trained_towers(data: DataLoader, config: TwoTowerConfig) -> Artifact:
    """Towers and the vectors that they make of their own snapshot, as one artefact, trained where missing."""
    from mimic.models import negatives, training, two_tower

    # What only serving looks at is no part of the towers.
    learned = (config.positives, config.rows, config.factors, config.propensity, config.towers, config.seed)
    modules = (
        sys.modules[__name__],
        tower_features,
        history,
        point_in_time,
        csr,
        negatives,
        training,
        two_tower,
    )
    libraries = ("numpy", "scipy", "scikit-learn", "torch")
    key = artifact_key(data.manifest.checksum, data.now, learned, modules=modules, libraries=libraries)

    def build() -> dict[str, NDArray[Any]]:
        authors, readers = follow_factors(data, config.factors, config.seed)
        features = TowerFeatures(data=data, authors=authors, readers=readers)
        model, loss = two_tower.train_towers(training_rows(data, features, config), config.towers)
        arrays = {**model.arrays(), "loss": loss, "factors.authors": authors, "factors.readers": readers}
        users, tweets = _vectors(data, Artifact(name="two_tower", key=key, arrays=arrays), config)
        return {**arrays, "vectors.users": users, "vectors.tweets": tweets}

    why = "users and tweets as vectors"
    return ensure_artifact(data.path / "cache", "two_tower", key, build, why=why)


def _vectors(data: DataLoader, artifact: Artifact, config: TwoTowerConfig) -> tuple[Floats, Floats]:
    """Vectors of all users and of the live tweets, as of a snapshot."""
    from mimic.models.two_tower import TwoTowerModel

    model = TwoTowerModel.of(artifact.arrays, config.towers)
    features = TowerFeatures(
        data=data, authors=artifact["factors.authors"], readers=artifact["factors.readers"]
    )
    users, live = np.arange(len(data.users)), np.arange(data.since("tweets"), len(data.tweets))
    words = word_hashes(data, live, config.towers.words)
    return (
        model.user_vectors(features.users(users, np.full(len(users), data.now))),
        model.tweet_vectors(features.tweets(live, np.full(len(live), data.now)), words),
    )

"""The two-tower model as an engine: every user and every live tweet a vector, the nearest are found.

    log before the snapshot → rows as of their moments → towers (trained once, an artefact)
    snapshot → facts as of now → towers → vectors of users and of live tweets → index → search

What they learn from is in `mimic.retrieval.tower_rows`.

Old tweets are answered less. How much less cannot be learned from which tweets were answered, for the log
shows fresh ones far more often; so the uniform negatives are as old as the true tweets, age says nothing in
training, and freshness enters the search as one number in the open, `TwoTowerConfig.aging`. In the index
it is a 129th entry: the tweets have their loss by age there, and every user has a 1.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mimic import csr, history, point_in_time
from mimic.artifacts import Artifact, artifact_key, ensure_artifact
from mimic.data_loader import DataLoader
from mimic.errors import MimicError
from mimic.retrieval import edge_log, tower_features, tower_rows
from mimic.retrieval.ann import VectorIndex, suited
from mimic.retrieval.tower_features import TowerFeatures, follow_factors, freshness, word_hashes
from mimic.retrieval.tower_rows import TwoTowerConfig, training_rows

__all__ = ["TwoTower", "TwoTowerConfig", "log_odds_then", "tower_key", "trained_towers"]

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float32]


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
            users, tweets = _vectors(data, artifact, config, *_live(data))
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

    def log_odds(self, user: int, tweets: Ints) -> NDArray[np.float64]:
        """What the towers say of live tweets (rows) for a user (row), float64[n].

        Sharpness × cosine: log-odds up to a number that is the user's own, age aside.
        """
        return _said(self.sharpness, self.users[[user]], self.tweets[tweets - self.first])


def log_odds_then(
    data: DataLoader,
    fitted: DataLoader,
    users: Ints,
    tweets: Ints,
    moments: NDArray[np.int64],
    config: TwoTowerConfig | None = None,
) -> NDArray[np.float64]:
    """What the towers of an earlier snapshot said of pairs of user and tweet, each at a moment of its own.

    For whoever learns from the log what to make of the towers' opinion. Pairs that the towers learned from
    themselves would flatter them, so they must be trained on what came before all moments.

    Args:
        data: a snapshot that is not earlier than any of the moments.
        fitted: the snapshot whose log the towers learn from.
        users: int[n], rows.
        tweets: int[n], rows.
        moments: int64[n], ms UTC.
        config: of the towers.

    Returns:
        Sharpness × cosine, float64[n]: log-odds up to a number that is the user's own, age aside.
    """
    if not len(moments):
        return np.zeros(0)
    if fitted.now > moments.min():
        raise MimicError(f"towers that know the log until {fitted.now} know what became of {moments.min()}")
    config = config or TwoTowerConfig()
    artifact = trained_towers(fitted, config)
    of_users, of_tweets = _vectors(data, artifact, config, (users, moments), (tweets, moments))
    return _said(float(np.exp(artifact["log_sharpness"][0])), of_users, of_tweets)


def _said(sharpness: float, users: Floats, tweets: Floats) -> NDArray[np.float64]:
    """Sharpness × dot products, row by row (or of one row with all), always summed in the same order."""
    return np.asarray(sharpness * (users * tweets).sum(axis=1), np.float64)


def tower_key(data: DataLoader, config: TwoTowerConfig) -> str:
    """The key of the towers that learn from a snapshot: a part of the key of whatever learns from them."""
    from mimic.models import negatives, training, two_tower

    # What only serving looks at is no part of the towers.
    learned = (config.positives, config.rows, config.factors, config.propensity, config.towers, config.seed)
    modules = (
        sys.modules[__name__],
        tower_features,
        tower_rows,
        edge_log,
        history,
        point_in_time,
        csr,
        negatives,
        training,
        two_tower,
    )
    libraries = ("numpy", "scipy", "scikit-learn", "torch")
    return artifact_key(data.manifest.checksum, data.now, learned, modules=modules, libraries=libraries)


def trained_towers(data: DataLoader, config: TwoTowerConfig) -> Artifact:
    """Towers and the vectors that they make of their own snapshot, as one artefact."""
    key = tower_key(data, config)

    def build() -> dict[str, NDArray[Any]]:
        from mimic.models.two_tower import train_towers

        authors, readers = follow_factors(data, config.factors, config.seed)
        features = TowerFeatures(data=data, authors=authors, readers=readers)
        model, loss = train_towers(training_rows(data, features, config), config.towers)
        arrays = {**model.arrays(), "loss": loss, "factors.authors": authors, "factors.readers": readers}
        made = Artifact(name="two_tower", key=key, arrays=arrays)
        users, tweets = _vectors(data, made, config, *_live(data))
        return {**arrays, "vectors.users": users, "vectors.tweets": tweets}

    why = "users and tweets as vectors"
    return ensure_artifact(data.path / "cache", "two_tower", key, build, why=why)


def _live(data: DataLoader) -> tuple[tuple[Ints, NDArray[np.int64]], tuple[Ints, NDArray[np.int64]]]:
    """All users and the live tweets (rows) with the snapshot's moment for each."""
    users, live = np.arange(len(data.users)), np.arange(data.since("tweets"), len(data.tweets))
    return (users, np.full(len(users), data.now)), (live, np.full(len(live), data.now))


def _vectors(
    data: DataLoader,
    artifact: Artifact,
    config: TwoTowerConfig,
    users: tuple[Ints, NDArray[np.int64]],
    tweets: tuple[Ints, NDArray[np.int64]],
) -> tuple[Floats, Floats]:
    """Vectors of users and of tweets, each (rows) with the moments that they are as of."""
    from mimic.models.two_tower import TwoTowerModel

    model = TwoTowerModel.of(artifact.arrays, config.towers)
    features = TowerFeatures(
        data=data, authors=artifact["factors.authors"], readers=artifact["factors.readers"]
    )
    words = word_hashes(data, tweets[0], config.towers.words)
    return (
        model.user_vectors(features.users(*users)),
        model.tweet_vectors(features.tweets(*tweets), words),
    )

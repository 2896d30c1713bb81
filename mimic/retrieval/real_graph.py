"""RealGraph: with whom will you interact tomorrow?

Twitter's RealGraph gives each pair of people the probability that one interacts with the other on the next
day (src/scala/com/twitter/interaction_graph). In-network search ranks authors by it and the walk of
GraphJet starts from its strongest ties. One row a pair and morning, label «any interaction within a day»:

    morning, pair → eight columns and rollups as of that morning → interacted by the next one?

**Two questions in one.** To interact, two people must first meet: a tweet of one has to be shown to the
other. A single model, like Twitter's boosted trees, mixes both, and since hardly anybody meets on a given
day, it mostly learns who meets whom, which is the logging policy's doing as much as a matter of liking. Here

    P(interaction) = P(meet) · P(interaction | meet)       tie = meeting · affinity

has a logistic regression for each factor. The product foretells the log; the second factor is what to weigh
people by when the recommender is about to decide who meets.

Differences, on purpose: rollups are inputs, ids are not, edges with a block or mute are left out of training
only (as there), and the balance is undone afterwards, so that scores are probabilities.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mimic.artifacts import Artifact, artifact_key, ensure_artifact
from mimic.columns import rows_of
from mimic.data_loader import DataLoader
from mimic.errors import MimicError
from mimic.models import logistic
from mimic.models.logistic import HingedLogit, logit, sigmoid
from mimic.retrieval import edge_features, edge_log
from mimic.retrieval.edge_features import EDGE_FEATURES
from mimic.retrieval.edge_log import DAY_MS, candidate_pairs, next_day, shunned_pairs, split_pairs

__all__ = ["RealGraph", "RealGraphConfig", "TieModel", "held_out_sources"]

Keys = NDArray[np.int64]
Floats = NDArray[np.float64]

_MODULES: Final = (sys.modules[__name__], edge_features, edge_log, logistic)
_LIBRARIES: Final = ("numpy",)
_UNSEEN: Final = 0.1
"""Probability of meeting, and of an interaction then, where the log shows neither. Chosen by hand."""


@dataclass(frozen=True, kw_only=True)
class RealGraphConfig:
    """How the model is trained."""

    days: int = 7
    """Mornings that give rows: a whole week, so that each weekday counts once."""
    held_out: float = 0.1
    """Share of sources whose rows are never trained on (Twitter: fingerprint of the source mod 10)."""
    rows: int = 500_000
    """Rows that are trained on at most."""
    quantiles: tuple[float, ...] = (0.5, 0.9)
    """Where each feature's line may break."""
    seed: int = 0
    """Of the held-out sources and of the sample."""


def held_out_sources(data: DataLoader, config: RealGraphConfig | None = None) -> NDArray[np.bool_]:
    """Which users' rows the model never saw as a source, bool[users]; the same at every moment."""
    config = config or RealGraphConfig()
    draws = np.random.default_rng(config.seed).random(len(data.users))
    return np.asarray(draws < config.held_out)


@dataclass(frozen=True, kw_only=True, eq=False)
class TieModel:
    """Both regressions, and what is usual among people without any history. Fit with `TieModel.of(data)`."""

    key: str
    """Of the artefact that it was loaded from."""
    fitted_at: int
    """The moment of the snapshot that it was trained on, ms UTC."""
    meeting: HingedLogit
    """Will anything by the other be shown to the source within a day?"""
    answering: HingedLogit
    """And if so, will the source interact?"""
    base_tie: float
    """Probability of an interaction within a day between two people who are no candidates."""
    base_affinity: float
    """The same if they meet."""

    @classmethod
    def of(cls, data: DataLoader, config: RealGraphConfig | None = None) -> TieModel:
        """Trained on the snapshot's last week, once."""
        config = config or RealGraphConfig()
        key = artifact_key(
            data.manifest.checksum, data.now, repr(config), modules=_MODULES, libraries=_LIBRARIES
        )
        return cls.from_artifact(
            ensure_artifact(
                data.path / "cache",
                "tie_model",
                key,
                lambda: _train(data, config),
                why="who meets, who answers",
            )
        )

    @classmethod
    def from_artifact(cls, kept: Artifact) -> TieModel:
        """From its arrays."""
        return cls(
            key=kept.key,
            fitted_at=int(kept["fitted_at"][0]),
            meeting=HingedLogit.from_arrays(kept.arrays, "meeting"),
            answering=HingedLogit.from_arrays(kept.arrays, "answering"),
            base_tie=float(kept["base"][0]),
            base_affinity=float(kept["base"][1]),
        )

    def predict(self, data: DataLoader, pairs: Keys) -> tuple[Floats, Floats]:
        """Tie and affinity of ascending candidate pairs as of a snapshot, float64[E] each."""
        features = edge_features.edge_features(data, pairs)
        affinity = sigmoid(self.answering.log_odds(features))
        return sigmoid(self.meeting.log_odds(features)) * affinity, affinity


@dataclass(frozen=True, kw_only=True, eq=False)
class RealGraph:
    """Every user's ties as of one snapshot. U users, E candidate pairs. Build with `RealGraph.of(data)`."""

    now: int
    """The moment of the snapshot, ms UTC."""
    model: TieModel
    starts: NDArray[np.int64]
    """int64[U + 1]: user u (row) has the places starts[u] … starts[u + 1] − 1 below."""
    others: NDArray[np.int32]
    """int32[E]: the other (row), ascending for each user."""
    tie: NDArray[np.float32]
    """float32[E]: probability that the user interacts with the other within the next day."""
    affinity: NDArray[np.float32]
    """float32[E]: the same, given that something by the other is shown to them."""

    @classmethod
    def of(
        cls, data: DataLoader, *, fitted: DataLoader | None = None, config: RealGraphConfig | None = None
    ) -> RealGraph:
        """Ties as of `data`, by the model of the snapshot `fitted` (by default `data` itself), kept on disk.

        Weights are of the fit, state is of the moment: pass the early or the late snapshot as `fitted`.

        Raises:
            MimicError: `fitted` is later than `data`.
        """
        fitted = fitted or data
        if fitted.now > data.now:
            raise MimicError(f"a model fitted at {fitted.now} cannot serve the earlier moment {data.now}")
        model = TieModel.of(fitted, config)
        key = artifact_key(data.manifest.checksum, data.now, model.key)
        kept = ensure_artifact(
            data.path / "cache", "real_graph", key, lambda: _ties(data, model), why="ties between people"
        )
        arrays = {name: kept[name] for name in ("starts", "others", "tie", "affinity")}
        return cls(now=data.now, model=model, **arrays)

    def ties(self, user: int, others: NDArray[Any]) -> Floats:
        """Probability that a user (row) interacts with each of `others` (rows) within a day, float64[n].

        Pairs that are no candidates get `model.base_tie`.
        """
        return self._look_up(self.tie, user, others, self.model.base_tie)

    def affinities(self, user: int, others: NDArray[Any]) -> Floats:
        """The same, given that something by them is shown to the user; else `model.base_affinity`."""
        return self._look_up(self.affinity, user, others, self.model.base_affinity)

    def of_user(self, user: int) -> tuple[NDArray[np.int32], Floats]:
        """All candidates of a user (row), ascending, and their ties: int32[n], float64[n]."""
        run = slice(self.starts[user], self.starts[user + 1])
        return self.others[run], self.tie[run].astype(np.float64)

    def _look_up(self, values: NDArray[np.float32], user: int, others: NDArray[Any], base: float) -> Floats:
        run = slice(self.starts[user], self.starts[user + 1])
        place, there = rows_of(self.others[run], others)
        found = np.full(len(place), base)
        found[there] = values[run][place[there]]
        return found


def _ties(data: DataLoader, model: TieModel) -> dict[str, NDArray[Any]]:
    """The arrays of a RealGraph."""
    pairs = candidate_pairs(data)
    sources, others = split_pairs(data, pairs)
    tie, affinity = model.predict(data, pairs)
    return {
        "starts": np.searchsorted(sources, np.arange(len(data.users) + 1)),
        "others": others.astype(np.int32),
        "tie": tie.astype(np.float32),
        "affinity": affinity.astype(np.float32),
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class _Morning:
    """The candidates of one past moment and what became of them within a day. E pairs."""

    data: DataLoader
    """The snapshot of the moment: features can see nothing later."""
    pairs: Keys
    met: NDArray[np.bool_]
    interacted: NDArray[np.bool_]
    strangers: NDArray[np.int64]
    """How many pairs are no candidates, how many of these met, how many interacted."""

    @classmethod
    def of(cls, data: DataLoader, at: int, sources: NDArray[np.bool_]) -> _Morning:
        """The morning at `at`, of some sources (bool[users])."""
        then = data.as_of(at)
        pairs = np.setdiff1d(candidate_pairs(then), shunned_pairs(then), assume_unique=True)
        interacted, met = (
            keys[sources[keys // len(data.users)]] for keys in next_day(then, data.as_of(at + DAY_MS))
        )
        pairs = pairs[sources[pairs // len(data.users)]]
        (place, there), (answer, known) = rows_of(pairs, met), rows_of(pairs, interacted)
        happened = np.zeros((2, len(pairs)), bool)
        happened[0, place[there]] = True
        happened[1, answer[known]] = True
        everybody = int(sources.sum()) * (len(data.users) - 1)
        strangers = np.array([everybody - len(pairs), (~there).sum(), (~known).sum()])
        return cls(data=then, pairs=pairs, met=happened[0], interacted=happened[1], strangers=strangers)


def _train(data: DataLoader, config: RealGraphConfig) -> dict[str, NDArray[Any]]:
    """The arrays of a TieModel."""
    sources = ~held_out_sources(data, config)
    moments = [data.now - day * DAY_MS for day in range(1, config.days + 1)]
    mornings = [_Morning.of(data, at, sources) for at in moments if at >= data.manifest.start]
    meeting, answering = _fitted(mornings, config)
    strangers, met_outside, answered_outside = np.sum(
        [np.zeros(3), *(morning.strangers for morning in mornings)], axis=0
    )
    base = [(answered_outside + 0.5) / (strangers + 1.0), (answered_outside + 1.0) / (met_outside + 2.0)]
    parts = meeting.arrays("meeting") | answering.arrays("answering")
    return parts | {"base": np.array(base), "fitted_at": np.array([data.now])}


def _fitted(mornings: list[_Morning], config: RealGraphConfig) -> tuple[HingedLogit, HingedLogit]:
    """Both regressions; flat ones where no candidates ever met, as on a platform's first day."""
    nobody = HingedLogit.flat(len(EDGE_FEATURES), float(logit(np.array([_UNSEEN]))[0]))
    if not any(morning.met.any() for morning in mornings):
        return nobody, nobody
    features, met, interacted, odds = _balanced(mornings, config)
    if not met.any():
        return nobody, nobody
    meeting = HingedLogit.fit(features, met, np.ones(len(met)), config.quantiles)
    answering = HingedLogit.fit(features[met], interacted[met], np.ones(int(met.sum())), config.quantiles)
    return meeting.shifted(np.log(odds)), answering


def _balanced(
    mornings: list[_Morning], config: RealGraphConfig
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_], float]:
    """Features, met and interacted of about as many pairs that met as of others, and how to undo that.

    With π the share that met, others are kept with probability π and those who met with 1 − π, as in
    Twitter's query; both less where that is too much. The fourth number is π / (1 − π), by which the odds of
    meeting in the sample have to be multiplied to be those of all pairs.
    """
    rng = np.random.default_rng([config.seed, 1])
    total = sum(len(morning.pairs) for morning in mornings)
    met = sum(int(morning.met.sum()) for morning in mornings)
    share = min(max((met + 0.5) / (total + 1.0), 1e-6), 0.5)
    thinned = min(1.0, config.rows / max(2 * share * (1 - share) * total, 1.0))
    parts = []
    for morning in tqdm(mornings, desc="RealGraph", unit="day", disable=None, leave=False):
        chance = thinned * np.where(morning.met, 1 - share, share)
        keep = rng.random(len(morning.pairs)) < chance
        features = edge_features.edge_features(morning.data, morning.pairs[keep])
        parts.append((features, morning.met[keep], morning.interacted[keep]))
    columns = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return columns[0], columns[1], columns[2], share / (1 - share)

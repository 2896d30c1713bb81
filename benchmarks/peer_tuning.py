"""Settings for peers, chosen on days before `data.now`: small grids, the same chance for every method.

Each configuration is trained on the log until sixty hours before `data.now` and asked at four moments until
six hours before it, as far from its training as the test's moments are from `data.now`. No moment, no
engagement and no snapshot of the test is looked at. What is asked for is recall@200, once of everything and
once of strangers' tweets, and each goal has its own choice.

The freshness term is that of the two-tower: score − aging · ln(1 + age / 6 h). Scores of different methods
have different scales, so aging is in spreads: standard deviations of a user's scores over known tweets.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import peer_models
from numpy.typing import NDArray
from peer_models import Factors, PeerConfig

from mimic import DataLoader
from mimic.artifacts import artifact_key, ensure_artifact
from mimic.data_loader import HOUR_MS
from mimic.held_out import engaged_users, held_out
from mimic.models import two_tower as tower_model
from mimic.retrieval import tower_features, two_tower
from mimic.retrieval.tower_features import freshness
from mimic.retrieval.two_tower import TwoTower, TwoTowerConfig
from prep.oracle import Oracle

Array = NDArray[Any]
Goal: TypeAlias = Literal["all", "OON"]
Unknown: TypeAlias = Literal["last", "zero"]
Products: TypeAlias = Callable[[int, Array], tuple[Array, Array]]
"""Of a user and tweets (rows): their products, float64[n], and which tweets the method knows, bool[n]."""

LIMIT: Final = 200
FITTED: Final = 60
"""Hours before `data.now` at which methods are trained for tuning."""
ASKED: Final = (60, 42, 24, 6)
"""Hours before `data.now` at which they are asked; six more hours are the answers."""
USERS: Final = 150
"""Most users at each moment."""
AGINGS: Final = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""In spreads."""
UNKNOWN: Final[tuple[Unknown, ...]] = ("last", "zero")
"""Tweets that a method has no factors for come last, the freshest first, or count as a product of zero."""
GOALS: Final[tuple[Goal, ...]] = ("all", "OON")
_LAST: Final = 1e6
_TOWERS: Final = (two_tower, tower_features, tower_model)


class Serving(NamedTuple):
    """How products become scores."""

    aging: float
    """Of a spread."""
    unknown: Unknown
    spread: float


def score(products: Array, known: Array, stale: Array, serving: Serving) -> Array:
    """float64[n] from `Products` and ln(1 + age / 6 h)."""
    absent = 0.0 if serving.unknown == "zero" else -_LAST * max(serving.spread, 1.0)
    return np.where(known, products, absent) - serving.aging * serving.spread * stale


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A user who engages within six hours, and with what."""

    user: int
    rows: Array
    """int64[n]: eligible tweets (rows), ascending."""
    inside: Array
    """bool[n]: by authors whom the user follows."""
    stale: Array
    """float64[n]: ln(1 + age / 6 h)."""
    answers: Array
    """Places of the tweets that they engage with."""


def cases(oracle: Oracle, data: DataLoader, seed: int) -> dict[int, list[Case]]:
    """Of each tuning moment. Of the oracle only the rule of what may be shown is asked."""
    rng, found = np.random.default_rng([seed, 1]), {}
    for hours in ASKED:
        snapshot = data.as_of(data.now - hours * HOUR_MS)
        users = engaged_users(snapshot)
        users = np.sort(rng.choice(users, min(USERS, len(users)), replace=False))
        found[snapshot.now] = list(_cases(oracle, snapshot, users))
    return found


def _cases(oracle: Oracle, data: DataLoader, users: Array) -> Iterator[Case]:
    for user_id in users.tolist():
        ids = oracle.eligible(user_id, data.now)
        user, rows = data.user_row(user_id), data.tweet_rows(ids)
        yield Case(
            user=user,
            rows=rows,
            inside=np.isin(data.tweets["author"][rows], data.following.of(user)),
            stale=freshness(data.age_hours(rows)),
            answers=np.searchsorted(ids, held_out(data, user_id, ids)),
        )


class Recalls(NamedTuple):
    """What one configuration reaches on the tuning moments."""

    recall: Array
    """float64[goals, agings, unknown]."""
    spread: float


def recalls(asked: dict[int, list[Case]], products_at: Callable[[int], Products]) -> Recalls:
    """Recall@200 of a method with each aging and each treatment of unknown tweets."""
    methods = {at: products_at(at) for at in asked}
    spread = _spread(asked, methods)
    found = np.zeros((len(GOALS), len(AGINGS), len(UNKNOWN)))
    total = np.zeros(len(GOALS))
    for at, of in asked.items():
        for case in of:
            hits, answers = _hits(case, *methods[at](case.user, case.rows), spread)
            found += hits
            total += answers
    return Recalls(found / np.maximum(total, 1)[:, None, None], spread)


def _spread(asked: dict[int, list[Case]], methods: dict[int, Products]) -> float:
    deviations = []
    for at, of in asked.items():
        for case in of[:40]:
            products, known = methods[at](case.user, case.rows)
            deviations.append(products[known].std() if known.any() else 0.0)
    return float(np.mean(deviations))


def _hits(case: Case, products: Array, known: Array, spread: float) -> tuple[Array, Array]:
    """Answers found, [goals, agings, unknown], and how many there are, [goals]."""
    strange = ~case.inside[case.answers]
    hits = np.zeros((len(GOALS), len(AGINGS), len(UNKNOWN)))
    later = 1e-9 * np.arange(len(products))  # of equals the newer is first
    for a, aging in enumerate(AGINGS):
        for u, unknown in enumerate(UNKNOWN):
            said = score(products, known, case.stale, Serving(aging, unknown, spread)) + later
            for answer, oon in zip(case.answers, strange, strict=True):
                before = said > said[answer]
                hits[0, a, u] += np.count_nonzero(before) < LIMIT
                hits[1, a, u] += oon and np.count_nonzero(before & ~case.inside) < LIMIT
    return hits, np.array([len(strange), strange.sum()])


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The best setting of a method for one goal."""

    config: PeerConfig
    serving: Serving
    recall: float
    """On the tuning moments."""
    tried: int
    """Configurations, each with every aging and treatment of unknown tweets."""


class Tuning:
    """Tries configurations on the tuning moments and remembers what each reached, on disk too."""

    def __init__(self, oracle: Oracle, data: DataLoader, seed: int) -> None:
        self.data, self.seed = data, seed
        self.fitted = data.as_of(data.now - FITTED * HOUR_MS)
        self.asked = cases(oracle, data, seed)

    def reached(self, config: PeerConfig) -> Recalls:
        """What a configuration of a peer reaches."""

        def products_at() -> Callable[[int], Products]:
            factors = Factors.of(self.fitted, config)
            return lambda at: factors.at(self.data.as_of(at)).products

        return self._kept(config, products_at, ("implicit", "numpy", "scipy"))

    def reached_by_towers(self, config: TwoTowerConfig) -> Recalls:
        """What two towers reach; their own aging is not looked at."""

        def products_at() -> Callable[[int], Products]:
            return lambda at: _products(TwoTower.of(self.data.as_of(at), config, trained_on=self.fitted))

        return self._kept(replace(config, aging=0.0), products_at, ("numpy", "scipy", "torch"), _TOWERS)

    def _kept(
        self,
        config: object,
        products_at: Callable[[], Callable[[int], Products]],
        libraries: tuple[str, ...],
        modules: Sequence[ModuleType] = (),
    ) -> Recalls:
        manifest, here = self.data.manifest, sys.modules[__name__]
        modules = (here, peer_models, *modules)
        key = artifact_key(
            manifest.checksum, self.data.now, config, self.seed, modules=modules, libraries=libraries
        )

        def build() -> dict[str, Array]:
            found = recalls(self.asked, products_at())
            return {"recall": found.recall, "spread": np.array([found.spread])}

        kept = ensure_artifact(self.data.path / "cache", "peer_tuning", key, build, why=str(config))
        return Recalls(kept["recall"], float(kept["spread"][0]))

    def best(self, start: PeerConfig, knobs: Mapping[str, Sequence[Any]], goal: Goal) -> Chosen:
        """One knob at a time, in the order given: the value that reaches most, then the next knob."""
        chosen, tried = choice(self.reached(start), start, goal), 1
        for knob, values in knobs.items():
            for value in values:
                config = replace(chosen.config, **{knob: value})
                if config == chosen.config:
                    continue
                other, tried = choice(self.reached(config), config, goal), tried + 1
                chosen = max(chosen, other, key=lambda one: one.recall)
        return replace(chosen, tried=tried)


def choice(found: Recalls, config: PeerConfig, goal: Goal) -> Chosen:
    """The best aging and treatment of unknown tweets of one configuration."""
    of = found.recall[GOALS.index(goal)]
    a, u = np.unravel_index(of.argmax(), of.shape)
    serving = Serving(AGINGS[a], UNKNOWN[u], found.spread)
    return Chosen(config=config, serving=serving, recall=float(of[a, u]), tried=1)


def _products(towers: TwoTower) -> Products:
    def products(user: int, tweets: Array) -> tuple[Array, Array]:
        near = towers.tweets[tweets - towers.first] @ towers.users[user]
        return (towers.sharpness * near).astype(np.float64), np.ones(len(tweets), bool)

    return products

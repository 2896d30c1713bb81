"""Do vectors pay? `python benchmarks/two_tower.py --data DIR [--users 1000]`.

What each method finds of the next six hours' engagements, and what it finds of the truth. Columns about the
first count what the 200 best of everything eligible hold, except for *OON* columns, which are about the 200
best by authors whom the user does not follow: that is what an out-of-network source is asked for. *In E* is
the same slice among the 200 best of everything. Logged recall measures agreement with the logger too, so
the oracle's own stands beside it. `peers.py` holds a library's models against the same.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
import samples
import torch
from numpy.typing import NDArray
from samples import Bootstrap, Request, Table

from mimic import DataLoader
from mimic.held_out import engaged_users, held_out, slices
from mimic.history import language_shares, topic_shares
from mimic.retrieval.baselines import Baselines
from mimic.retrieval.tower_features import freshness
from mimic.retrieval.two_tower import TwoTower, TwoTowerConfig
from prep.oracle import Oracle

Array = NDArray[Any]

LIMIT: Final = 200
SIZES: Final = (200, 500, 1000)
ENGAGED: Final = 5
"""Users with an engagement to be found, for each user of the sample: answers are few."""
TOPICAL: Final = "topic history × freshness × popularity"
SHARES: Final = {f"coverage@{size}": "" for size in SIZES} | {f"value@{size}": "best" for size in SIZES}
"""Columns about the truth, each with what it is divided by. Coverage is of the oracle's hundred best."""
TOWERS: Final = {
    "two towers": TwoTowerConfig(),
    "two towers, aging 2": replace(TwoTowerConfig(), aging=2.0),
    "two towers, aging 4": replace(TwoTowerConfig(), aging=4.0),
    "two towers, all positives": TwoTowerConfig(positives="all"),
    "two towers, 1/√√propensity": TwoTowerConfig(propensity=0.25),
}


class Scores(Protocol):
    """What is compared: whoever can score every eligible tweet of a request."""

    def scores(self, r: Request) -> dict[str, Array]:
        """float64[n] of each method."""


class Methods:
    """What plain rules, two towers and the oracle think of the tweets of a snapshot's window."""

    def __init__(self, data: DataLoader, towers: Mapping[str, TwoTowerConfig] = TOWERS) -> None:
        self.data, self.first = data, data.since("tweets")
        self.rules = Baselines.of(data)
        self.random = np.random.default_rng(data.now).random(len(data.tweets) - self.first)
        distinct = {replace(config, aging=0.0) for config in towers.values()}
        vectors = {config: TwoTower.of(data, config) for config in distinct}
        self.towers = {
            name: (vectors[replace(config, aging=0.0)], config.aging) for name, config in towers.items()
        }

    def scores(self, r: Request) -> dict[str, Array]:
        """float[n] of each method: its score of every eligible tweet."""
        w, rules, tweets = r.rows - self.first, self.rules, self.data.tweets
        engaged = rules.engagements[w]
        readable = language_shares(self.data, r.user)[tweets["lang"][r.rows]]
        topical = topic_shares(self.data, r.user)[tweets["topic"][r.rows]]
        newest = np.arange(len(w), dtype=float)
        found = {
            "random": self.random[w],
            "newest": newest,
            "newest in one's languages": np.where(readable > 0.05, newest + 1.0, 0.0),
            "newest in-network": np.where(r.inside, newest, -np.inf),
            "popular": readable * rules.fresh[w] * engaged,
            TOPICAL: readable * rules.fresh[w] * (1 + engaged) * topical,
        }
        stale = freshness(self.data.age_hours(r.rows))
        for name, (towers, aging) in self.towers.items():
            near = (towers.tweets @ towers.users[r.user])[w]
            found[name] = towers.sharpness * near - aging * stale
        return {**found, "the oracle": r.value}


def best(score: Array, limit: int, among: Array | None = None) -> Array:
    """Places of the best scores that are finite, best first."""
    score = score if among is None else np.where(among, score, -np.inf)
    places = samples.best_places(score, limit)
    return np.asarray(places[np.isfinite(score[places])])


def answers(r: Request, methods: Scores, late: DataLoader) -> dict[str, float]:
    """How many held-out engagements of each kind there are, and how many each method finds."""
    ids = held_out(r.data, r.user_id, r.ids)
    kind = {
        str(name): is_.to_numpy() for name, is_ in slices(r.data, r.user_id, ids, trained_until=late).items()
    }
    kinds = {"all": np.ones(len(ids), bool)} | {name: kind[name] for name in ("in training", "warm", "cold")}
    for name, of in {
        "": kind["OON"],
        " warm": kind["OON"] & kind["warm"],
        " cold": kind["OON"] & kind["cold"],
    }.items():
        kinds |= {f"OON{name}": of, f"OON{name} in E": of}
    row: dict[str, float] = {"user": r.user, **{f"n of {name}": is_.sum() for name, is_ in kinds.items()}}
    for method, score in methods.scores(r).items():
        found = {
            False: np.isin(ids, r.ids[best(score, LIMIT)]),
            True: np.isin(ids, r.ids[best(score, LIMIT, ~r.inside)]),
        }
        for name, is_ in kinds.items():
            row[f"{name} of {method}"] = (is_ & found[strangers_only(name)]).sum()
    return row


def strangers_only(column: str) -> bool:
    """Whether a column is about the best of strangers' tweets."""
    return column.startswith("OON") and not column.endswith("in E")


def truth(r: Request, methods: Scores) -> dict[str, float]:
    """What each method's best strangers, and its best of everything, hold of the hundred most valuable."""
    row: dict[str, float] = {"user": r.user, "best": r.value[r.best].sum()}
    for method, score in methods.scores(r).items():
        ranked, every = best(score, max(SIZES), ~r.inside), best(score, LIMIT)
        lists = {f"@{size}": ranked[:size] for size in SIZES} | {f"@{LIMIT} in E": every}
        for name, places in lists.items():
            row[f"coverage{name} of {method}"] = np.isin(r.best, places).sum() / 100
            row[f"value{name} of {method}"] = np.sort(r.value[places])[::-1][:100].sum()
    return row


def ask(
    oracle: Oracle,
    data: DataLoader,
    users: int,
    seed: int,
    methods_at: Callable[[DataLoader], Scores] = Methods,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row a request: for users who engage soon, and for active users."""
    found: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
    rng, sample = np.random.default_rng(seed), samples.active_users(data, users, seed)
    with samples.progress(sum((1 + ENGAGED) * len(drawn) for _, drawn in sample)) as bar:
        for at, drawn in sample:
            snapshot = data.as_of(at)
            methods, some = methods_at(snapshot), snapshot.user_rows(engaged_users(snapshot))
            some = np.sort(rng.choice(some, min(ENGAGED * len(drawn), len(some)), replace=False))
            found[0].extend(answers(r, methods, data) for r in samples.requests(oracle, snapshot, some, bar))
            found[1].extend(truth(r, methods) for r in samples.requests(oracle, snapshot, drawn, bar))
    return pd.DataFrame(found[0]), pd.DataFrame(found[1])


def recall_table(rows: pd.DataFrame, seed: int) -> Table:
    """Recall by method and kind of answer; n counts answers."""
    kinds = recall_columns(rows)
    result = table(rows, seed, {kind: f"n of {kind}" for kind in kinds})
    for figures in result.values():
        for kind, figure in figures.items():
            figure["n"] = int(rows[f"n of {kind}"].sum())
    return result


def recall_columns(rows: pd.DataFrame) -> list[str]:
    """The kinds of answers."""
    return [str(name).removeprefix("n of ") for name in rows if str(name).startswith("n of ")]


def table(rows: pd.DataFrame, seed: int, bottoms: Mapping[str, str]) -> Table:
    """Ratios of sums by method and column, with the column that each is divided by."""
    draws = Bootstrap.of(rows["user"].to_numpy(), seed)
    result: Table = {}
    for name in rows:
        column, _, method = str(name).partition(" of ")
        if column in bottoms:
            bottom = rows[bottoms[column]].to_numpy(float) if bottoms[column] else None
            result.setdefault(method, {})[column] = draws.mean(rows[name].to_numpy(float), bottom)
    return result


def ratios(rows: pd.DataFrame, methods: Iterable[str], against: Mapping[str, str], seed: int) -> Table:
    """Methods' columns ÷ those of another, whole users drawn again for both.

    Args:
        rows: one a request.
        methods: what stands above.
        against: column to the method that stands below; a column in which it found nothing is left out.
        seed: of the draws.
    """
    draws = Bootstrap.of(rows["user"].to_numpy(), seed)
    result: Table = {}
    for method in methods:
        for column, other in against.items():
            above, below = (rows[f"{column} of {name}"].to_numpy(float) for name in (method, other))
            if below.sum() > 0:
                result.setdefault(method, {})[column] = draws.mean(above, below)
    return result


def main() -> int:
    """Print the tables and write them."""
    torch.set_num_threads(1)
    options = samples.options(str(__doc__).splitlines()[0])
    oracle, data = Oracle.open(options.data), DataLoader.open(options.data)
    engaged, active = ask(oracle, data, options.users, options.seed)
    kinds = recall_columns(engaged)
    tables = {
        "recall@200 of held-out engagements": recall_table(engaged, options.seed),
        "the same ÷ newest": ratios(engaged, TOWERS, {"OON cold": "newest"}, options.seed),
        "the same ÷ the baseline": ratios(engaged, TOWERS, dict.fromkeys(kinds, TOPICAL), options.seed),
        "strangers' tweets against the truth": table(active, options.seed, SHARES),
        "the same ÷ the baseline's": ratios(active, TOWERS, dict.fromkeys(SHARES, TOPICAL), options.seed),
    }
    samples.publish(options, data, "two_tower", tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())

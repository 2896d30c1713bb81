"""Do vectors pay? `python benchmarks/two_tower.py --data DIR [--users 1000]`.

Four tables: what each method finds of the next six hours' engagements, what it finds of the truth, TwHIN's
ranks, and the indexes. In the first, *all* and *in training* are about the 200 best of everything
eligible, *OON* columns about the 200 best by authors whom the user does not follow: that is what an
out-of-network source is asked for. Logged recall measures agreement with the logger too, so the
oracle's own stands beside it.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
import samples
import torch
from numpy.typing import NDArray
from samples import Bootstrap, Request, Table

from mimic import DataLoader
from mimic.held_out import engaged_users, held_out, slices
from mimic.history import language_shares, topic_shares
from mimic.retrieval.ann import compare
from mimic.retrieval.baselines import Baselines
from mimic.retrieval.link_prediction import link_table
from mimic.retrieval.two_tower import TwoTower, TwoTowerConfig
from prep.oracle import Oracle

Array = NDArray[Any]

LIMIT: Final = 200
SIZES: Final = (200, 500, 1000)
ENGAGED: Final = 3
"""Users with an engagement to be found, for each user of the sample: answers are few."""
TOWERS: Final = {
    "two towers": TwoTowerConfig(),
    "two towers, aging 2": replace(TwoTowerConfig(), aging=2.0),
    "two towers, aging 4": replace(TwoTowerConfig(), aging=4.0),
    "two towers, all positives": TwoTowerConfig(positives="all"),
    "two towers, 1/√√propensity": TwoTowerConfig(propensity=0.25),
}


class Methods:
    """What every method thinks of the tweets of a snapshot's window."""

    def __init__(self, data: DataLoader) -> None:
        self.data, self.first = data, data.since("tweets")
        self.rules = Baselines.of(data)
        self.towers = {name: TwoTower.of(data, config) for name, config in TOWERS.items()}

    def scores(self, r: Request) -> dict[str, Array]:
        """float[n] of each method: its score of every eligible tweet."""
        w, rules, tweets = r.rows - self.first, self.rules, self.data.tweets
        engaged = rules.engagements[w]
        readable = language_shares(self.data, r.user)[tweets["lang"][r.rows]]
        topical = topic_shares(self.data, r.user)[tweets["topic"][r.rows]]
        found = {
            "newest": np.arange(len(w), dtype=float),
            "newest in one's languages": np.where(readable > 0.05, np.arange(len(w)) + 1.0, 0.0),
            "popular": readable * rules.fresh[w] * engaged,
            "topic history × freshness × popularity": readable * rules.fresh[w] * (1 + engaged) * topical,
        }
        for name, towers in self.towers.items():
            stale = np.log1p(self.data.age_hours(r.rows) / 6.0)
            near = towers.tweets[w] @ towers.users[r.user]
            found[name] = towers.sharpness * near - towers.config.aging * stale
        return {**found, "the oracle": r.value}


def best(score: Array, limit: int, among: Array | None = None) -> Array:
    """Places of the best scores that are finite, best first."""
    score = score if among is None else np.where(among, score, -np.inf)
    places = samples.best_places(score, limit)
    return np.asarray(places[np.isfinite(score[places])])


def answers(r: Request, methods: Methods, late: DataLoader) -> dict[str, float]:
    """How many held-out engagements of each kind there are, and how many each method finds."""
    ids = held_out(r.data, r.user_id, r.ids)
    kind = slices(r.data, r.user_id, ids, trained_until=late)
    oon = kind["OON"].to_numpy()
    kinds = {"all": np.ones(len(ids), bool), "in training": kind["in training"].to_numpy(), "OON": oon}
    kinds |= {f"OON {name}": oon & kind[name].to_numpy() for name in ("warm", "cold")}
    row: dict[str, float] = {"user": r.user, **{f"n of {name}": is_.sum() for name, is_ in kinds.items()}}
    for method, score in methods.scores(r).items():
        found = {
            False: np.isin(ids, r.ids[best(score, LIMIT)]),
            True: np.isin(ids, r.ids[best(score, LIMIT, ~r.inside)]),
        }
        for name, is_ in kinds.items():
            row[f"{name} of {method}"] = (is_ & found[name.startswith("OON")]).sum()
    return row


def truth(r: Request, methods: Methods) -> dict[str, float]:
    """What each method's best strangers hold of the hundred most valuable tweets."""
    row: dict[str, float] = {"user": r.user, "best": r.value[r.best].sum()}
    for method, score in methods.scores(r).items():
        ranked = best(score, max(SIZES), ~r.inside)
        for size in SIZES:
            row[f"coverage@{size} of {method}"] = np.isin(r.best, ranked[:size]).sum() / 100
            row[f"value@{size} of {method}"] = np.sort(r.value[ranked[:size]])[::-1][:100].sum()
    return row


def ask(oracle: Oracle, data: DataLoader, users: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row a request: for users who engage soon, and for active users."""
    found: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
    rng, sample = np.random.default_rng(seed), samples.active_users(data, users, seed)
    with samples.progress(sum((1 + ENGAGED) * len(drawn) for _, drawn in sample)) as bar:
        for at, drawn in sample:
            snapshot = data.as_of(at)
            methods, some = Methods(snapshot), snapshot.user_rows(engaged_users(snapshot))
            some = np.sort(rng.choice(some, min(ENGAGED * len(drawn), len(some)), replace=False))
            found[0].extend(answers(r, methods, data) for r in samples.requests(oracle, snapshot, some, bar))
            found[1].extend(truth(r, methods) for r in samples.requests(oracle, snapshot, drawn, bar))
    return pd.DataFrame(found[0]), pd.DataFrame(found[1])


def table(rows: pd.DataFrame, seed: int, bottoms: dict[str, str]) -> Table:
    """Ratios of sums by method and column, with the column that each is divided by."""
    draws = Bootstrap.of(rows["user"].to_numpy(), seed)
    result: Table = {}
    for name in rows:
        column, _, method = str(name).partition(" of ")
        if column in bottoms:
            bottom = rows[bottoms[column]].to_numpy(float) if bottoms[column] else None
            result.setdefault(method, {})[column] = draws.mean(rows[name].to_numpy(float), bottom)
    return result


def ratios(rows: pd.DataFrame, columns: tuple[str, ...], against: str, seed: int) -> Table:
    """Each method's columns ÷ those of one of them, whole users drawn again for both."""
    draws = Bootstrap.of(rows["user"].to_numpy(), seed)
    return {
        f"{method} ÷ {against}": {
            column: draws.mean(
                rows[f"{column} of {method}"].to_numpy(float), rows[f"{column} of {against}"].to_numpy(float)
            )
            for column in columns
        }
        for method in TOWERS
    }


def plain(frame: pd.DataFrame) -> Table:
    """A table of numbers as figures."""
    return {
        str(row): {column: {"value": round(float(x), 4), "n": 1.0} for column, x in values.items()}
        for row, values in frame.to_dict(orient="index").items()
    }


def main() -> int:
    """Print the tables and write them."""
    torch.set_num_threads(1)
    options = samples.options(str(__doc__).splitlines()[0])
    oracle, data = Oracle.open(options.data), DataLoader.open(options.data)
    engaged, active = ask(oracle, data, options.users, options.seed)
    kinds = ("all", "in training", "OON", "OON warm", "OON cold")
    shares = {f"coverage@{size}": "" for size in SIZES} | {f"value@{size}": "best" for size in SIZES}
    topical = "topic history × freshness × popularity"
    towers = TwoTower.of(data)
    queries = towers.queries(np.random.default_rng(options.seed).permutation(len(data.users))[:500])
    near = np.column_stack((towers.tweets, towers.loss_by_age))
    tables = {
        "recall@200 of held-out engagements": table(engaged, options.seed, {k: f"n of {k}" for k in kinds}),
        "the same, against newest": ratios(engaged, ("OON cold",), "newest", options.seed),
        "the same, against the baseline": ratios(engaged, kinds, topical, options.seed),
        "strangers' tweets against the truth": table(active, options.seed, shares),
        "the same, against it": ratios(active, tuple(shares), topical, options.seed),
        "TwHIN": plain(link_table(data, rng=np.random.default_rng(options.seed))),
        "indexes": plain(compare(near, queries)),
    }
    samples.publish(options, data, "two_tower", tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())

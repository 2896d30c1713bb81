"""Do two towers find more than matrix factorisation? `python benchmarks/peers.py --data DIR [--users 1000]`.

A library's ALS and BPR (implicit; `make bench` has it), on users × tweets and on users × authors, as trained
and folded in at the moment, each tuned on earlier days for everything and for strangers' tweets, with the
two-tower's freshness term (`peer_models.py`, `peer_tuning.py`). The towers stand there with the freshness
that the product serves with, and with one that was chosen in the same way as the peers'. Test moments and
measures are those of `two_tower.py`.

*Best peer* is the one that turns out best in a column of the test itself: it has that luck, ours has not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, Final

import pandas as pd
import samples
import torch
from numpy.typing import NDArray
from peer_models import Factors, PeerConfig
from peer_tuning import GOALS, Chosen, Tuning, choice, score
from samples import Figure, Request, Table
from tqdm import tqdm
from two_tower import LIMIT, TOPICAL, Methods, ask, ratios, recall_columns, recall_table, table

from mimic import DataLoader
from mimic.retrieval.tower_features import freshness
from mimic.retrieval.two_tower import TwoTowerConfig
from prep.oracle import Oracle

Array = NDArray[Any]

_FEEDBACK: Final[Mapping[str, tuple[Any, ...]]] = {
    "clicks": ("no", "half"),
    "positives": ("all", "strangers"),
}
KNOBS: Final[Mapping[str, Mapping[str, tuple[Any, ...]]]] = {
    "ALS": {
        **_FEEDBACK,
        "alpha": (1.0, 3.0, 10.0, 40.0, 100.0, 400.0),
        "regularization": (0.01, 0.1, 1.0, 10.0, 100.0),
        "factors": (8, 16, 32, 64, 128),
    },
    "BPR": {
        "fold": ("continued", "solved"),
        "further": (10, 30, 100),
        **_FEEDBACK,
        "regularization": (0.003, 0.01, 0.03),
        "learning_rate": (0.02, 0.05, 0.1),
        "factors": (32, 64, 128),
        "iterations": (50, 100, 200),
    },
}
"""What is tried of each model, one knob after the other."""
START: Final = {
    "ALS": PeerConfig(model="ALS", items="tweet", fold="solved"),
    "BPR": PeerConfig(model="BPR", items="tweet", fold="continued", regularization=0.01, iterations=100),
}
PLAIN: Final = {"two towers": TwoTowerConfig(), "two towers, all positives": TwoTowerConfig(positives="all")}
BETWEEN: Final = {"two towers, aging 1": TwoTowerConfig(aging=1.0)}
"""Shows what aging buys and costs on the way to what agrees best with the log."""
ORACLE: Final = "the oracle"
"""Stands in the tables of ratios too: whoever finds more than it agrees with the logger, not with people."""


def tuned(tuning: Tuning) -> dict[str, Chosen]:
    """Every peer with the settings that reached most on the earlier days, for each goal.

    What is tuned is the peer that is folded in. As trained it has the same settings but for aging.
    """
    chosen = {}
    for items, model in tqdm([(i, m) for i in ("author", "tweet") for m in KNOBS], unit="peer"):
        for goal in GOALS:
            best = tuning.best(replace(START[model], items=items), KNOBS[model], goal)
            plain = replace(best.config, fold="no")
            as_trained = choice(tuning.reached(plain), plain, goal)
            chosen[f"{model} user–{items}, for {goal}"] = replace(as_trained, tried=best.tried)
            chosen[f"{model} user–{items}, folded in, for {goal}"] = best
    return chosen


def tuned_towers(tuning: Tuning) -> tuple[dict[str, TwoTowerConfig], Table]:
    """Both towers with the aging that reached most on the earlier days, for each goal."""
    towers: dict[str, TwoTowerConfig] = {}
    settings: Table = {}
    for name, config in PLAIN.items():
        found = tuning.reached_by_towers(config)
        for goal in GOALS:
            best = choice(found, START["ALS"], goal)
            aging = round(best.serving.aging * best.serving.spread, 2)
            towers[f"{name}, aged for {goal}"] = replace(config, aging=aging)
            settings[f"{name}, aged for {goal}"] = {"recall then": exact(best.recall), "aging": exact(aging)}
    return towers, settings


def exact(value: float) -> Figure:
    """A figure without an interval."""
    return {"value": round(float(value), 5), "n": 1}


def settings(chosen: Mapping[str, Chosen]) -> Table:
    """What was chosen for each peer."""
    rows: Table = {}
    for name, one in chosen.items():
        config, serving = one.config, one.serving
        rows[name] = {
            "recall then": exact(one.recall),
            "tried": exact(one.tried),
            "aging": exact(serving.aging * serving.spread),
            "aging in spreads": exact(serving.aging),
            "unknown last": exact(serving.unknown == "last"),
            "clicks": exact(config.clicks == "half"),
            "strangers only": exact(config.positives == "strangers"),
            "continued": exact(config.fold == "continued"),
            **{knob: exact(getattr(config, knob)) for knob in ("factors", "regularization", "iterations")},
            **({"alpha": exact(config.alpha)} if config.model == "ALS" or config.fold == "solved" else {}),
            **({"learning rate": exact(config.learning_rate)} if config.model == "BPR" else {}),
            **({"further": exact(config.further)} if config.fold == "continued" else {}),
        }
    return rows


class WithPeers:
    """The methods of `two_tower.py` and the peers, at one snapshot."""

    def __init__(
        self,
        data: DataLoader,
        towers: Mapping[str, TwoTowerConfig],
        factors: Mapping[str, tuple[Chosen, Factors]],
    ) -> None:
        self.data = data
        self.methods = Methods(data, towers)
        self.peers = {name: (chosen.serving, fit.at(data)) for name, (chosen, fit) in factors.items()}

    def scores(self, r: Request) -> dict[str, Array]:
        """float64[n] of each method: its score of every eligible tweet."""
        stale = freshness(self.data.age_hours(r.rows))
        found = {}
        for name, (serving, peer) in self.peers.items():
            w = r.rows - peer.first
            found[name] = score((peer.tweets @ peer.users[r.user])[w], peer.known[w], stale, serving)
        return self.methods.scores(r) | found


def winners(rows: pd.DataFrame, names: Iterable[str]) -> dict[str, str]:
    """The method that finds most in each column."""
    return {
        column: max(names, key=lambda name: rows[f"{column} of {name}"].sum())
        for column in recall_columns(rows)
    }


def against(rows: pd.DataFrame, ours: Iterable[str], peers: list[str], seed: int) -> dict[str, Table]:
    """Ratios of ours and of the oracle to the best peers and to newest, and who these best are."""
    groups = {"best peer": peers, "best user–tweet peer": [name for name in peers if "user–tweet" in name]}
    tables: dict[str, Table] = {}
    for title, names in groups.items():
        best = winners(rows, names)
        tables[f"recall ÷ that of the {title}"] = ratios(rows, ours, best, seed)
        found = recall_table(rows, seed)
        tables[f"the {title}"] = {
            name: {column: found[name][column] for column in best if best[column] == name}
            for name in dict.fromkeys(best.values())
        }
    everything = dict.fromkeys(recall_columns(rows), "newest")
    tables["recall ÷ that of newest"] = ratios(rows, ours, everything, seed)
    return tables


def main() -> int:
    """Print the tables and write them."""
    options = samples.options(str(__doc__).splitlines()[0])
    if find_spec("implicit") is None:
        print("peers.py compares with the library implicit, which `make bench` installs", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    oracle, data = Oracle.open(options.data), DataLoader.open(options.data)
    tuning = Tuning(oracle, data, options.seed)
    towers, aged = tuned_towers(tuning)
    towers = PLAIN | BETWEEN | towers
    chosen = tuned(tuning)
    distinct = {one.config: Factors.of(data, one.config) for one in chosen.values()}
    factors = {name: (one, distinct[one.config]) for name, one in chosen.items()}
    engaged, active = ask(
        oracle, data, options.users, options.seed, lambda snapshot: WithPeers(snapshot, towers, factors)
    )
    found = recall_table(engaged, options.seed)
    truth = {f"coverage@{LIMIT}": "", f"value@{LIMIT}": "best"}
    truth |= {f"{column} in E": bottom for column, bottom in truth.items()}
    true = table(active, options.seed, truth)
    tables = {
        f"recall@{LIMIT} of held-out engagements": found,
        f"the {LIMIT} best against the truth: coverage of the hundred most valuable, value coverage": true,
        **against(engaged, [*towers, ORACLE], list(chosen), options.seed),
        "the truth ÷ the baseline's": ratios(active, towers, dict.fromkeys(truth, TOPICAL), options.seed),
        "settings of the peers, chosen on earlier days": settings(chosen),
        "aging of the towers, chosen on earlier days": aged,
    }
    samples.publish(options, data, "peers", tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())

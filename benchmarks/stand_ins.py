"""Does each source pay? `python benchmarks/stand_ins.py --data DIR [--users 1000]`.

Before the real sources exist, quick stand-ins (`sources.py`) say whether a world gives each of them
something to find: what it brings alone, beyond others, and net, which is the five hundred with it
minus the five hundred with as many extra candidates of the others in its place. All judged by the
true values. The five hundred are in-network up to 200, the graph, then towers, topic history and
SimClusters in turn.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np
import pandas as pd
import samples
import sources
import torch
from numpy.typing import NDArray
from samples import Bootstrap, Figure, Request, Table
from sklearn.metrics import normalized_mutual_info_score
from sources import Moment, SimClusters
from towers import TwoTower

from mimic import DataLoader
from prep.oracle import Oracle

Array = NDArray[Any]

BUDGET: Final = 500
KINDS: Final = ("coverage", "value", "feed")
MANY: Final = 1_000_000
GROUPS: Final = {
    "all": (0, MANY),
    "under 15 follows": (0, 15),
    "15 to 29 follows": (15, 30),
    "30 follows or more": (30, MANY),
    "60 follows or more": (60, MANY),
}
"""Users by how many accounts they follow: from, to below."""
NETS: Final = {
    "graph ≤ 100": ("graph 100", "no graph"),
    "graph thinned to 30": ("all sources", "no graph"),
    "SimClusters": ("all sources", "no SimClusters"),
    "towers": ("all sources", "no towers"),
    "topic history": ("all sources", "no topic history"),
}
"""Which five hundred is compared with which. «All sources» holds the thinned graph."""


def in_turn(*lists: Array) -> Array:
    """Places from several lists by round robin, each once."""
    every = np.concatenate(lists)
    turn = np.concatenate([np.arange(len(found)) for found in lists])
    every = every[np.argsort(turn, kind="stable")]
    _, first = np.unique(every, return_index=True)
    return np.asarray(every[np.sort(first)])


def after(*parts: Array) -> Array:
    """Places from lists one after the other, each once, cut to the budget."""
    every = np.concatenate(parts)
    _, first = np.unique(every, return_index=True)
    return np.asarray(every[np.sort(first)][:BUDGET])


class StandIns:
    """All sources, fitted once; asked at a moment for what each brings to a request."""

    def __init__(self, data: DataLoader) -> None:
        self.clusters, self.towers = SimClusters(data), TwoTower(data)

    def open(self, data: DataLoader) -> None:
        """Move to a snapshot."""
        self.moment = Moment(data)
        self._tweets = self.clusters.tweets(self.moment)
        self._vectors = self.towers.at(self.moment)

    def lists(self, r: Request) -> dict[str, Array]:
        """What each source finds: places, best first."""
        return {
            "in-network": np.flatnonzero(r.inside)[::-1][:200],
            "graph 100": sources.graph(self.moment, r, 100),
            "graph 30": sources.graph(self.moment, r, 100, thinned=30),
            "towers": self.towers.search(self._vectors, self.moment, r, 1000),
            "topic history": sources.topic_popular(self.moment, r, BUDGET),
            "SimClusters": self.clusters.search(self._tweets, self.moment, r, BUDGET),
        }


def five_hundreds(found: dict[str, Array]) -> dict[str, Array]:
    """The budget filled with all sources, and without each of them in turn."""
    inside, thin = found["in-network"], found["graph 30"]
    towers, topics, clusters = found["towers"], found["topic history"], found["SimClusters"]
    return {
        "all sources": after(inside, thin, in_turn(towers, topics, clusters)),
        "graph 100": after(inside, found["graph 100"], in_turn(towers, topics, clusters)),
        "no graph": after(inside, in_turn(towers, topics, clusters)),
        "no SimClusters": after(inside, thin, in_turn(towers, topics)),
        "no towers": after(inside, thin, in_turn(topics, clusters)),
        "no topic history": after(inside, thin, in_turn(towers, clusters)),
    }


def compared(r: Request, found: dict[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    """What is judged by coverage: single sources, baselines, and the best that strangers could add."""
    count = len(r.rows)
    strangers = samples.best_places(np.where(r.inside, -np.inf, r.value), BUDGET)
    return {
        **{name: found[name] for name in ("in-network", "graph 100", "graph 30")},
        **{name: found[name][:200] for name in ("towers", "topic history", "SimClusters")},
        "towers 400": found["towers"][:400],
        "towers 1000": found["towers"],
        "topic history 500": found["topic history"],
        "random 500": rng.choice(count, min(BUDGET, count), replace=False),
        "newest 500": np.arange(count)[-BUDGET:],
        "in-network + best strangers": after(found["in-network"], strangers),
    }


def best_feed(oracle: Oracle, r: Request, places: Array) -> float:
    """Value of the best order of twenty, among the best hundred of some places."""
    places = places[samples.best_places(r.value[places], 100)]
    if not len(places):
        return 0.0
    return oracle.feed_value(r.user_id, oracle.best_order(r.user_id, r.ids[places], r.data.now), r.data.now)


def marginal(good: Array, found: dict[str, Array]) -> dict[str, float]:
    """Share of the best hundred that a source finds and others do not."""
    row = {}
    for name in ("graph 100", "graph 30", "towers", "topic history", "SimClusters"):
        graph = set() if "graph" in name else {"graph 100"}
        rest = {"in-network", "towers", "topic history", "SimClusters", *graph}
        beyond = {
            "others": rest,
            "towers": {"in-network", "towers"},
            "topic": {"in-network", "topic history"},
        }
        for short, others in beyond.items():
            if short != "others" and name in others:
                continue
            held = np.concatenate([found[other] for other in others - {name}])
            row[f"beyond {short} of {name}"] = good[np.setdiff1d(found[name], held)].sum() / 100
    return row


def makeup(oracle: Oracle, r: Request, sets: dict[str, Array]) -> dict[str, float]:
    """Share of tweets that are inside one of the user's communities, and in a language the user reads."""
    people, tweets = oracle._h.truth.people, oracle._h.truth.tweets
    inside = people.inside(np.full(len(r.rows), r.user), tweets.scene[r.rows])
    reads = people.reads[r.user, tweets.lang[r.rows]]
    row = {}
    for name, places in sets.items():
        row[f"inside of {name}"] = inside[places].mean() if len(places) else np.nan
        row[f"readable of {name}"] = reads[places].mean() if len(places) else np.nan
    return row


def measure(
    oracle: Oracle, r: Request, found: dict[str, Array], rng: np.random.Generator
) -> dict[str, float]:
    """Everything that is averaged later, for one request."""
    good = np.zeros(len(r.rows), bool)
    good[r.best] = True
    sets = {"eligible": np.arange(len(r.rows)), "best 100": r.best, **compared(r, found, rng)}
    full = five_hundreds(found)
    row = {"user": r.user, "follows": len(r.data.following.of(r.user)), "best": r.value[r.best].sum()}
    for name, places in {**sets, **{f"500: {name}": places for name, places in full.items()}}.items():
        row[f"size of {name}"] = len(places)
        row[f"coverage of {name}"] = good[places].sum() / 100
        row[f"value of {name}"] = np.sort(r.value[places])[::-1][:100].sum()
    for name in ("eligible", "in-network"):
        row[f"feed of {name}"] = best_feed(oracle, r, sets[name])
    for name, places in full.items():
        row[f"feed of 500: {name}"] = best_feed(oracle, r, places)
    newest = r.ids[sets["in-network"][:20]]
    row["feed of chronological"] = oracle.feed_value(r.user_id, newest, r.data.now) if len(newest) else 0.0
    return row | marginal(good, sets) | makeup(oracle, r, sets)


def singles(rows: pd.DataFrame, draws: Bootstrap) -> Table:
    """What each set of candidates holds, over all users."""
    table: Table = {}
    columns = [str(column) for column in rows]
    for name in (column.removeprefix("size of ") for column in columns if column.startswith("size of ")):
        held = {kind: rows[f"{kind} of {name}"].to_numpy(float) for kind in ("size", "coverage", "value")}
        table[name] = {kind: draws.mean(held[kind]) for kind in ("size", "coverage")}
        table[name]["value coverage"] = draws.mean(held["value"], rows["best"].to_numpy())
        for kind in ("feed", *(c.split(" of ")[0] for c in columns if c.endswith(f" of {name}"))):
            if kind not in held and f"{kind} of {name}" in columns:
                found = rows[f"{kind} of {name}"].to_numpy(float)
                if not np.isnan(found).all():
                    table[name][kind] = draws.mean(found, among=~np.isnan(found))
    return table


def nets(rows: pd.DataFrame, draws: Bootstrap) -> Table:
    """With a source minus without it: coverage, value coverage, feed value, by group of users."""
    table: Table = {}
    for source, (with_it, without) in NETS.items():
        gained = {
            k: (rows[f"{k} of 500: {with_it}"] - rows[f"{k} of 500: {without}"]).to_numpy() for k in KINDS
        }
        for group, (low, high) in GROUPS.items():
            among = ((rows["follows"] >= low) & (rows["follows"] < high)).to_numpy()
            if among.any():
                table[f"{source}, {group}"] = {
                    "coverage": draws.mean(gained["coverage"], among=among),
                    "value coverage": draws.mean(gained["value"], rows["best"].to_numpy(), among),
                    "feed value": draws.mean(gained["feed"], among=among),
                }
    return table


def ratios(rows: pd.DataFrame, draws: Bootstrap) -> Table:
    """Ratios of means."""
    own = "500: all sources"
    pairs = {
        "towers ÷ topic history, coverage": ("coverage of towers", "coverage of topic history"),
        "towers ÷ topic history, value": ("value of towers", "value of topic history"),
        "SimClusters ÷ topic history, coverage": ("coverage of SimClusters", "coverage of topic history"),
        "best order of the five hundred ÷ chronological": (f"feed of {own}", "feed of chronological"),
        "best order of the five hundred ÷ the oracle's": (f"feed of {own}", "feed of eligible"),
    }
    return {
        label: {"ratio": draws.mean(rows[top].to_numpy(float), rows[bottom].to_numpy(float))}
        for label, (top, bottom) in pairs.items()
    }


def community_table(oracle: Oracle, clusters: SimClusters) -> Table:
    """How well communities of producers match the planted primary ones, by resolution."""
    planted = oracle._h.truth.people.memberships[clusters.producers]
    groups = {"NMI, all producers": planted[:, 0] >= 0, "NMI, those with one community": planted[:, 1] < 0}
    table: Table = {}
    for resolution in (1.0, 2.0, 4.0, 8.0, 16.0):
        found = clusters.communities(resolution)
        row: dict[str, Figure] = {"communities": {"value": float(found.max() + 1), "n": len(found)}}
        for name, who in groups.items():
            nmi = float(normalized_mutual_info_score(planted[who, 0], found[who]))
            row[name] = {"value": round(nmi, 4), "n": int(who.sum())}
        table[f"resolution {resolution:g}"] = row
    return table


def ask(oracle: Oracle, data: DataLoader, stand_ins: StandIns, users: int, seed: int) -> pd.DataFrame:
    """One row a request."""
    rng, rows = np.random.default_rng(seed), []
    sample = samples.active_users(data, users, seed)
    with samples.progress(sum(len(drawn) for _, drawn in sample)) as bar:
        for at, drawn in sample:
            snapshot = data.as_of(at)
            stand_ins.open(snapshot)
            for request in samples.requests(oracle, snapshot, drawn, bar):
                rows += [measure(oracle, request, stand_ins.lists(request), rng)]
    return pd.DataFrame(rows)


def main() -> int:
    """Print the tables and write them."""
    torch.set_num_threads(1)
    options = samples.options("Does each source pay?")
    oracle, data = Oracle.open(options.data), DataLoader.open(options.data)
    stand_ins = StandIns(data)
    rows = ask(oracle, data, stand_ins, options.users, options.seed)
    draws = Bootstrap.of(rows["user"].to_numpy(), options.seed)
    tables = {
        "communities": community_table(oracle, stand_ins.clusters),
        "candidates": singles(rows, draws),
        "net of a source": nets(rows, draws),
        "ratios": ratios(rows, draws),
    }
    samples.publish(options, data, "stand_ins", tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())

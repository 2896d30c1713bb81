"""How is a budget of 500 best spent? `python benchmarks/five_hundred.py --data DIR [--users 1000]`.

Every engine's list, what the light ranker of strangers' tweets makes of it, and several ways to fill the
five hundred, held against the true values. The net of a source is the five hundred with it minus the five
hundred in which the others fill its places. More tables: users with little history and tweets that nobody has
engaged with, and the moments at which a topic bursts. All lists hold eligible tweets only.

The first table is of eight moments before `data.now`, from day 26 on, with early fits and a ranker whose rows
end on day 25. Columns and mix were looked at there and, by other users, at the later moments too; what trends
may place and whose towers serve could only be settled at the later ones. So no table here is of a world that
nobody had looked at.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

import numpy as np
import pandas as pd
import samples
from five_hundred_tables import MANY, NETS, cold_start, nets, ratios, sets_table
from numpy.typing import NDArray
from samples import Bootstrap, Request
from stand_ins import after, in_turn

from mimic import DataLoader
from mimic.history import language_shares, topic_shares
from mimic.ordering import best_first
from mimic.retrieval.communities import Communities
from mimic.retrieval.graph_jet import EngagementGraph
from mimic.retrieval.interested_in import InterestedIn
from mimic.retrieval.light_ranker import LightRanker
from mimic.retrieval.real_graph import RealGraph
from mimic.retrieval.simclusters import SimClusters
from mimic.retrieval.stranger_ranker import StrangerRanker
from mimic.retrieval.topic_popular import TopicPopular
from mimic.retrieval.trends import Trends
from mimic.retrieval.two_tower import TwoTower
from mimic.schema import ENGAGEMENTS
from mimic.viewer import familiar
from prep.oracle import Oracle

Array = NDArray[Any]

EARLY_DAYS: Final = 12
"""Days of the early fit."""
BEFORE_DAYS: Final = 25
"""Days before the moments at which the mix was chosen."""
SUPPLY: Final = {
    "in-network": 200,
    "graph": 100,
    "towers": 1000,
    "SimClusters": 500,
    "topics": 500,
    "trends": 100,
}
"""Eligible tweets that each engine may offer."""
FRONT: Final = {"graph": 30, "trends": 10}
"""Tweets that the ranker leaves of these two, which go before the ranked rest."""
SHARE: Final = {**FRONT, "SimClusters": 60, "topics": 120}
"""Tweets that it leaves of each engine where engines take turns; the towers fill what remains."""
STRANGERS: Final = ("towers", "SimClusters", "topics")
SPARE: Final = 1.3
"""Lists are asked for this many times as many, because some of what is found is not eligible."""


class Engines:
    """All engines; fitted once, opened at a moment."""

    def __init__(self, late: DataLoader, early: DataLoader, rows_end: DataLoader) -> None:
        self.late, self.early, self.rows_end = late, early, rows_end

    def open(self, data: DataLoader) -> None:
        """Move to a snapshot."""
        self.data = data
        communities = Communities.of(self.late)
        towers = TwoTower.of(data, trained_on=self.late)
        self.engines: dict[str, Any] = {
            "towers": towers,
            "SimClusters": SimClusters.of(data, InterestedIn.of(data, communities)),
            "trends": Trends.of(data),
        }
        self.topics, self.graph = TopicPopular.of(data), EngagementGraph.of(data)
        self.network = LightRanker.of(data, RealGraph.of(data, fitted=self.late), fitted=self.late)
        self.ranker = StrangerRanker.of(data, towers, early=self.early, fitted=self.rows_end)

    def lists(self, r: Request) -> dict[str, Array]:
        """Eligible tweets (rows) of each engine, best first by its own rule."""
        data, unwanted = self.data, familiar(self.data, r.user)
        inside = r.rows[r.inside]
        topics = topic_shares(data, r.user), language_shares(data, r.user)
        reached = self.graph.from_follows(data, r.user)
        strangers = ~unwanted[data.tweets["author"][reached.tweets]]
        weight, tweets = reached.weights[strangers], reached.tweets[strangers]
        found = {
            "in-network": inside[best_first(self.network.score(r.user, inside), inside)],
            "graph": tweets[best_first(weight, tweets)],
            "topics": self.topics.search(*topics, unwanted, round(SPARE * SUPPLY["topics"])),
        }
        for name, engine in self.engines.items():
            found[name] = engine.search(r.user, unwanted, round(SPARE * SUPPLY[name]))[0]
        return {name: rows[np.isin(rows, r.rows)][: SUPPLY[name]] for name, rows in found.items()}


class Found:
    """What the engines brought for one request, and what the ranker of strangers makes of it."""

    def __init__(self, engines: Engines, r: Request) -> None:
        self.raw = engines.lists(r)
        strangers = np.unique(
            np.concatenate([rows for name, rows in self.raw.items() if name != "in-network"])
        )
        score = engines.ranker.score(r.user, strangers)
        self.union = strangers[best_first(score, strangers)]
        self.ranked = {name: self.union[np.isin(self.union, rows)] for name, rows in self.raw.items()}

    def front(self, without: str = "") -> list[Array]:
        """In-network, then what the graph and trends may place before the rest."""
        kept = {name: self.ranked[name][: size if name != without else 0] for name, size in FRONT.items()}
        return [self.raw["in-network"], kept["graph"], kept["trends"]]

    def mix(self, without: str = "") -> Array:
        """The product's five hundred: the front, then one ranked list; or the same without one source."""
        rest = np.concatenate([self.raw[name] for name in STRANGERS if name != without])
        return after(*self.front(without), self.union[np.isin(self.union, rest)])

    def turns(self, without: str = "") -> Array:
        """Nothing ranks strangers: engines take turns in their own order."""
        lists = [self.raw[name] for name in STRANGERS if name != without]
        graph = self.raw["graph"][: FRONT["graph"] if without != "graph" else 0]
        return after(self.raw["in-network"], graph, in_turn(*lists))

    def ways(self) -> dict[str, Array]:
        """Other ways to spend the same budget."""
        raw, ranked = self.raw, self.ranked
        in_shares = in_turn(*(ranked[name][: SHARE.get(name, MANY)] for name in STRANGERS))
        return {
            "engines in turn, unranked": self.turns(),
            "the towers' own order": after(*self.front(), raw["towers"]),
            "ranked engines in turn": after(*self.front(), in_turn(*(ranked[name] for name in STRANGERS))),
            "ranked engines in turn, by shares": after(*self.front(), in_shares, ranked["towers"]),
            "the towers ranked": after(*self.front(), ranked["towers"]),
            "the mix, graph at 100": after(raw["in-network"], raw["graph"], self.mix()),
            "the mix, nothing in front": after(raw["in-network"], self.union),
        }


def judged(r: Request, rows: Array, cold: Array, burst: Array) -> dict[str, float]:
    """Size, coverage, and value of the best hundred of some eligible tweets (rows).

    Of the best hundred some are `cold`, some of a bursting cell: `burst`; how many of these are held.
    """
    held = np.isin(r.rows[r.best], rows)
    value = np.sort(r.value[np.searchsorted(r.rows, rows)])[::-1][:100].sum()
    return {
        "size": len(rows),
        "coverage": held.sum() / 100,
        "value": value,
        "cold": (held & cold).sum(),
        "burst": (held & burst).sum(),
    }


def measure(engines: Engines, r: Request, rng: np.random.Generator) -> dict[str, float]:
    """Everything that is averaged later, for one request."""
    data, found = r.data, Found(engines, r)
    best = r.rows[r.best]
    cold = np.sum([data.counts(kind)[best] for kind in ENGAGEMENTS], axis=0) == 0
    cells = engines.engines["trends"].bursting
    burst = cells[data.tweets["topic"][best], data.tweets["lang"][best]]
    towers = found.raw["towers"]
    by_truth = towers[best_first(r.value[np.searchsorted(r.rows, towers)], towers)]
    sets: dict[str, Array] = {"500: the mix": found.mix()}
    sets |= {f"500: {name}": rows for name, rows in found.ways().items()}
    sets |= {f"500: without {name}": found.mix(name) for name in NETS}
    sets |= {f"500: in turn without {name}": found.turns(name) for name in ("", "graph", "SimClusters")}
    sets["500: random"] = rng.choice(r.rows, min(500, len(r.rows)), replace=False)
    sets["500: newest"] = r.rows[-500:]
    sets |= dict(found.raw)
    for size in (100, 200, 300):
        sets[f"towers' order {size}"] = towers[:size]
        sets[f"topic history {size}"] = found.raw["topics"][:size]
        sets[f"ranker over the towers' thousand {size}"] = found.ranked["towers"][:size]
        sets[f"ranker over all engines {size}"] = found.union[:size]
        sets[f"oracle over the towers' thousand {size}"] = by_truth[:size]
    row: dict[str, float] = {
        "user": r.user,
        "follows": len(data.following.of(r.user)),
        "answers": len(data.history(r.user)),
        "days": (data.now - data.users["created_at"][r.user]) / samples.DAY_MS,
        "best": r.value[r.best].sum(),
        "best cold": cold.sum(),
        "best burst": burst.sum(),
        "bursts": float(cells.any()),
    }
    for name, rows in sets.items():
        row |= {f"{kind} of {name}": x for kind, x in judged(r, rows, cold, burst).items()}
    return row | marginal(best, found.raw)


def marginal(best: Array, raw: dict[str, Array]) -> dict[str, float]:
    """Share of the best hundred that only one engine brings, and how much of an engine others bring too."""
    row = {}
    for name, rows in raw.items():
        others = np.concatenate([found for other, found in raw.items() if other != name])
        row[f"alone of {name}"] = np.isin(best, np.setdiff1d(rows, others)).sum() / 100
        row[f"also of {name}"] = np.isin(rows, others).sum()
    return row


def ask(oracle: Oracle, engines: Engines, start: DataLoader, asked: argparse.Namespace) -> pd.DataFrame:
    """One row a request, at moments from `start` on; before `data.now` where it begins there."""
    rng, rows = np.random.default_rng(asked.seed), []
    end = start.manifest.now if start.now < start.manifest.now else start.manifest.end
    sample = [(at, users) for at, users in samples.active_users(start, asked.users, asked.seed) if at < end]
    with samples.progress(sum(len(drawn) for _, drawn in sample)) as bar:
        for at, drawn in sample:
            snapshot = start.as_of(at)
            engines.open(snapshot)
            rows += [measure(engines, r, rng) for r in samples.requests(oracle, snapshot, drawn, bar)]
    return pd.DataFrame(rows)


def main() -> int:
    """Print the tables and write them."""
    asked = samples.options(str(__doc__).splitlines()[0])
    oracle, data = Oracle.open(asked.data), DataLoader.open(asked.data)
    days = (data.as_of(data.manifest.start + day * samples.DAY_MS) for day in (EARLY_DAYS, BEFORE_DAYS))
    early, before = days
    chosen = ask(oracle, Engines(early, early, before), before, asked)
    rows = ask(oracle, Engines(data, early, data), data, asked)
    draws = Bootstrap.of(rows["user"].to_numpy(), asked.seed)
    tables = {
        "before data.now, with early fits": sets_table(
            chosen, Bootstrap.of(chosen["user"].to_numpy(), asked.seed)
        ),
        "candidates": sets_table(rows, draws),
        "ratios": ratios(rows, draws),
        "net of a source": nets(rows, draws),
        "cold start": cold_start(rows, draws, SUPPLY),
    }
    bursts = rows["bursts"].to_numpy() > 0
    if bursts.any():
        tables["while a topic bursts"] = sets_table(rows, draws, bursts)
    samples.publish(asked, data, "five_hundred", tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())

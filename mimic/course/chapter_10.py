"""Chapter 10: what each source found, ways to spend a budget, a ranker's sum, an event; an exercise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.batch import Query
from mimic.candidates import InNetworkSource, OutOfNetworkSource
from mimic.course.benched import tables_of
from mimic.course.climb import Truth
from mimic.course.exercise import Exercise, close_to, number, number_from
from mimic.data_loader import HOUR_MS, DataLoader
from mimic.engines import round_robin
from mimic.errors import MimicError
from mimic.ordering import best_first
from mimic.pipeline import MixerPipeline
from mimic.retrieval.edge_log import followed_before, pair_keys
from mimic.retrieval.light_rows import worth_of
from mimic.retrieval.stranger_features import STRANGER_FEATURES
from mimic.retrieval.stranger_ranker import StrangerRanker
from mimic.retrieval.trends import Trends, TrendsConfig
from mimic.retrieval.two_tower import TwoTower
from mimic.schema import ENGAGEMENTS

__all__ = ["FOUND_ONCE", "NAMES", "OUTSIDE", "Found", "Remembered", "benchmark_table", "bursts_at"]
__all__ += ["cold", "found_by", "in_turn", "mix", "opened", "per_hour", "remembered_answers", "summed_up"]
__all__ += ["voices_of"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NAMES: Final = {
    "in_network": "in-network",
    "graph": "graph",
    "two_tower": "towers",
    "topics": "topics",
    "simclusters": "SimClusters",
    "trends": "trends",
}
"""What the page calls each source and engine, by its name in the product, in the order of asking."""
OUTSIDE: Final = ("towers", "topics", "SimClusters")
"""Engines whose tweets the light ranker puts in order."""
_NETWORK: Final = 0.4
"""Share of a budget that in-network tweets may take: 200 of 500."""
_GRAPH: Final = 0.06
"""Share that the graph may take before the ranked rest: 30 of 500."""


# ---------------------------------------------------------------- the truth, asked once


@dataclass(frozen=True)
class Remembered:
    """An oracle that values all tweets of a reader once, however often it is asked."""

    truth: Truth
    known: dict[tuple[int, int], tuple[Ints, Floats]] = field(default_factory=dict)

    def values_of_eligible(self, user_id: int, at: int) -> tuple[Ints, Floats]:
        """Ids of all tweets that may be shown, ascending, and what each is worth."""
        key = int(user_id), at
        if key not in self.known:
            self.known[key] = self.truth.values_of_eligible(*key)
        return self.known[key]

    def eligible(self, user_id: int, at: int) -> Ints:
        """All tweets that may be shown, ascending."""
        return self.values_of_eligible(user_id, at)[0]

    def best(self, user_id: int, at: int, n: int) -> Ints:
        """The n eligible tweets of greatest value."""
        ids, value = self.values_of_eligible(user_id, at)
        best: Ints = ids[best_first(value, ids, n)]
        return best

    def best_order(self, user_id: int, tweet_ids: Any, at: int, size: int = 20) -> Ints:
        """The best feed that some tweets can make."""
        return self.truth.best_order(user_id, tweet_ids, at, size)

    def feed_value(self, user_id: int, tweet_ids: Any, at: int) -> float:
        """What a feed is worth."""
        return self.truth.feed_value(user_id, tweet_ids, at)


# ---------------------------------------------------------------- what every source found


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What every source found for one reader, and what it is worth. Tweets are rows."""

    user: int
    """Row of the reader."""
    user_id: int
    lists: Mapping[str, Ints]
    """By the names of the page: what may be shown of each list, best first by the source's own order."""
    ranked: Ints
    """All that the engines found, best first by the light ranker."""
    eligible: Ints
    """All that may be shown, ascending, so the newest is the last."""
    value: Floats
    """True value of each of them."""
    best: Ints
    """The hundred most valuable, best first."""

    def held(self, tweets: Ints) -> int:
        """How many of the best hundred are among some tweets."""
        return int(np.isin(self.best, tweets).sum())

    def worth(self, tweets: Ints) -> float:
        """Summed value of the best hundred of some eligible tweets."""
        values = self.value[np.searchsorted(self.eligible, tweets)]
        return float(np.sort(values)[::-1][:100].sum())

    @property
    def most(self) -> float:
        """Summed value of the best hundred."""
        return self.worth(self.best)


def opened(data: DataLoader, truth: Truth, machine: MixerPipeline, users: Iterable[int]) -> list[Found]:
    """Ask every source of the product for some users (ids), and the truth about everything.

    Args:
        data: the snapshot.
        truth: an oracle of the same data set.
        machine: the product of chapter 10.
        users: ids.
    """
    network, walk, strangers = (part.source for part in machine.sources)
    if not isinstance(network, InNetworkSource) or not isinstance(strangers, OutOfNetworkSource):
        raise MimicError("the product of chapter 10 has an in-network source first and engines last")
    network = replace(network, limit=2 * network.limit)  # enough for a budget of 1,000
    found = []
    for user_id in map(int, users):
        query, user = Query(user_id=user_id), data.user_row(user_id)
        ids, value = truth.values_of_eligible(user_id, data.now)
        eligible = np.asarray(data.tweet_rows(ids), np.int64)
        lists = {"in_network": network.fetch(query).rows, "graph": walk.fetch(query).rows}
        lists |= {engine.name: engine.find(user).tweets for engine in strangers.engines}
        shown = {NAMES[name]: rows[np.isin(rows, eligible)] for name, rows in lists.items()}
        engines = [shown.get(name, np.zeros(0, np.int64)) for name in (*OUTSIDE, "trends")]
        union = np.unique(np.concatenate(engines))
        score = strangers.ranker.score(user, union) if strangers.ranker else np.zeros(len(union))
        found.append(
            Found(
                user=user,
                user_id=user_id,
                lists={name: shown.get(name, np.zeros(0, np.int64)) for name in NAMES.values()},
                ranked=union[best_first(score, union, len(union))],
                eligible=eligible,
                value=value,
                best=eligible[best_first(value, ids, 100)],
            )
        )
    return found


def _distinct(parts: Sequence[Ints], budget: int) -> Ints:
    """The first so many tweets of several lists, one list after the other, none twice."""
    tweets = np.concatenate(parts)
    _, first = np.unique(tweets, return_index=True)
    return tweets[np.sort(first)[:budget]]


def mix(found: Found, budget: int = 500, without: str = "") -> Ints:
    """The product's way: in-network, graph, ten of what trends, then all engines by the light ranker.

    Args:
        found: for a reader.
        budget: tweets in all; in-network may take 40 % of it, the graph 6 %, as 200 and 30 of 500.
        without: a source that is left out; the others fill its places.
    """
    lists = {name: rows for name, rows in found.lists.items() if name != without}
    nothing = np.zeros(0, np.int64)
    burst = found.ranked[np.isin(found.ranked, lists.get("trends", nothing))]
    rest = np.concatenate([nothing, *(lists[name] for name in OUTSIDE if name in lists)])
    return _distinct(
        [
            lists.get("in-network", nothing)[: round(_NETWORK * budget)],
            lists.get("graph", nothing)[: round(_GRAPH * budget)],
            burst[: budget // 50],
            found.ranked[np.isin(found.ranked, np.append(rest, burst))],
        ],
        budget,
    )


def in_turn(found: Found, budget: int = 500, without: str = "", engines: Sequence[str] = OUTSIDE) -> Ints:
    """The same without a ranker of strangers' tweets: engines take turns, each in its own order."""
    lists = {name: rows for name, rows in found.lists.items() if name != without}
    nothing = np.zeros(0, np.int64)
    turns = [lists[name] for name in engines if name in lists]
    return _distinct(
        [
            lists.get("in-network", nothing)[: round(_NETWORK * budget)],
            lists.get("graph", nothing)[: round(_GRAPH * budget)],
            round_robin(turns, sum(map(len, turns))),
        ],
        budget,
    )


def found_by(found: Found, tweets: Ints | None = None) -> Ints:
    """How many sources found each of some tweets, by default of the best hundred: int64[n]."""
    asked = found.best if tweets is None else tweets
    counted: Ints = np.sum([np.isin(asked, rows) for rows in found.lists.values()], axis=0, dtype=np.int64)
    return counted


def cold(data: DataLoader, tweets: Ints) -> NDArray[np.bool_]:
    """Which tweets (rows) nobody has liked, answered, retweeted or quoted yet: bool[n]."""
    return np.asarray(np.sum([data.counts(kind)[tweets] for kind in ENGAGEMENTS], axis=0) == 0)


# ---------------------------------------------------------------- what the benchmark says


def benchmark_table(folder: Path, data: DataLoader, table: str) -> pd.DataFrame:
    """A table of the benchmark of the five hundred, if it was made on this very data set; else no rows.

    Args:
        folder: of the results.
        data: whose checksum the file must name.
        table: its name in the file.

    Returns:
        One row a line of the table; value, low and high in columns of two levels.
    """
    for path in sorted(folder.glob("five_hundred-*.json")):
        tables = tables_of(path, data)
        if tables is not None and table in tables:
            rows = {
                name: {
                    (column, part): figure[part]
                    for column, figure in row.items()
                    for part in ("value", "low", "high")
                }
                for name, row in tables[table].items()
            }
            return pd.DataFrame.from_dict(rows, orient="index")
    return pd.DataFrame()


# ---------------------------------------------------------------- the light ranker of strangers' tweets


def summed_up(ranker: StrangerRanker, user: int, tweet: int, *, most: int = 8) -> pd.DataFrame:
    """One tweet's score as an addition: the features that say most, all others together, and the start.

    Args:
        ranker: the product's.
        user: row.
        tweet: row.
        most: features with a line of their own, those of largest weight.

    Returns:
        Columns value and weight; the last line, "score", is the sum of the others.
    """
    row, model = ranker.features(user, np.array([tweet]))[0], ranker.model
    lines: dict[str, float] = {}
    for f, x in enumerate(row):
        first, last = int(model.starts[f]), int(model.starts[f + 1])
        place = int(np.searchsorted(model.edges[first:last], x))
        lines[list(STRANGER_FEATURES)[f]] = float(model.weights[first + f + place])
    value = dict(zip(STRANGER_FEATURES, row.tolist(), strict=True))
    first_ones = sorted(lines, key=lambda name: -abs(lines[name]))[:most]
    table = {name: {"value": f"{value[name]:.3g}", "weight": lines[name]} for name in first_ones}
    if others := [weight for name, weight in lines.items() if name not in first_ones]:
        table[f"the other {len(others)}"] = {"value": "", "weight": sum(others)}
    table["everybody starts with"] = {"value": "", "weight": model.intercept}
    table["score"] = {"value": "", "weight": model.intercept + sum(lines.values())}
    return pd.DataFrame.from_dict(table, orient="index")


def remembered_answers(
    data: DataLoader, towers: Mapping[str, TwoTower], start: int, end: int
) -> pd.DataFrame:
    """What towers say of strangers' tweets that were shown in some time, and whether these were answered.

    Args:
        data: a snapshot not earlier than `end`.
        towers: by name, all as of one moment; their opinion is asked of tweets that were alive then.
        start: from this moment, ms.
        end: until before this one, ms.

    Returns:
        One row an impression: `user` (row), `answered`, and a column a name: log-odds up to a number.
    """
    log, some = data.impressions, next(iter(towers.values()))
    rows = np.arange(*np.searchsorted(log["shown_at"], (start, end)))
    user, tweet = log["user"][rows].astype(np.int64), log["tweet"][rows].astype(np.int64)
    pairs = pair_keys(data, user, data.tweets["author"][tweet])
    alive = (tweet >= some.first) & (tweet < some.first + len(some.tweets)) & (user < len(some.users))
    kept = alive & ~followed_before(data, pairs, log["shown_at"][rows])
    user, tweet = user[kept], tweet[kept] - some.first
    columns: dict[str, NDArray[Any]] = {"user": user, "answered": worth_of(data, rows[kept]) > 0}
    for name, one in towers.items():
        products = (one.users[user] * one.tweets[tweet]).sum(axis=1)
        columns[name] = one.sharpness * products.astype(np.float64)
    return pd.DataFrame(columns)


# ---------------------------------------------------------------- an event


def voices_of(data: DataLoader, topic: int, start: int, end: int) -> pd.DataFrame:
    """Tweets about a topic (row) written in some time that answer no other: columns tweet (row) and at."""
    made = data.tweets["created_at"]
    rows = np.arange(*np.searchsorted(made, (start, end)))
    rows = rows[(data.tweets["topic"][rows] == topic) & (data.tweets["reply_to"][rows] < 0)]
    return pd.DataFrame({"tweet": rows, "at": made[rows]})


def per_hour(data: DataLoader, topic: int, start: int, hours: int) -> Ints:
    """How many tweets about a topic (row), answers aside, were written in each hour from `start` on."""
    written = voices_of(data, topic, start, start + hours * HOUR_MS)["at"].to_numpy()
    return np.bincount((written - start) // HOUR_MS, minlength=hours)


def bursts_at(
    data: DataLoader, moments: Iterable[int], config: TrendsConfig | None = None
) -> list[tuple[int, Trends]]:
    """The trends engine at some moments (ms)."""
    return [(int(at), Trends.of(data.as_of(int(at)), config)) for at in moments]


# ---------------------------------------------------------------- warm-up: how many are found once?


def _counted(wanted: Callable[[Ints], NDArray[np.bool_]]) -> Callable[[Found], float]:
    return lambda found: float(wanted(found_by(found)).sum())


def _all_found_once(found: Found) -> float:
    everything = np.unique(np.concatenate(list(found.lists.values())))
    return float((found_by(found, everything) == 1).sum())


FOUND_ONCE: Final[Exercise[Found]] = Exercise(
    solve=_counted(lambda by: by == 1),
    read=number,
    agrees=close_to(0.0),
    misconceptions=(
        number_from(
            _all_found_once,
            "So many candidates were found by one source only, good or not. Asked is how many of the best "
            "hundred were.",
        ),
        number_from(
            _counted(lambda by: by >= 1),
            "So many were found at all. Those that several sources found are among them.",
        ),
        number_from(_counted(lambda by: by > 1), "These were found by several sources; asked is the rest."),
        number_from(_counted(lambda by: by == 0), "These were found by nobody."),
    ),
    praise="Without the one source that brings it, each of these would be lost.",
    hint="Not this one. found_by(reader) counts the finders of each of the best hundred.",
)
"""How many of a reader's best hundred exactly one source found."""

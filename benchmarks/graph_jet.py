"""What does the graph bring? `python benchmarks/graph_jet.py --data DIR [--users 300]`.

Rules for thinning, and how long co-engagement should remember, are chosen on the log before `data.now`.
Then the truth, for active users after it: what each way of asking the graph holds of the hundred best, and
what the five hundred gain from it against as many more candidates of the two towers and of topic history.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any, Final

import numpy as np
import pandas as pd
import samples
import torch
from numpy.typing import NDArray
from samples import Bootstrap, Figure, Request, Table
from stand_ins import after, in_turn

from mimic import DataLoader
from mimic.data_loader import HOUR_MS
from mimic.history import language_shares, ties, topic_shares
from mimic.ordering import best_first
from mimic.retrieval.co_engagement import CoEngagement, CoEngagementConfig
from mimic.retrieval.graph_jet import SegmentConfig, UserTweetGraph
from mimic.retrieval.light_ranker import LightRanker
from mimic.retrieval.real_graph import RealGraph
from mimic.retrieval.social_proof import Reached
from mimic.retrieval.topic_popular import TopicPopular
from mimic.retrieval.two_tower import TwoTower
from mimic.retrieval.uteg import Uteg, UtegConfig, plain_worth, thin
from mimic.schema import ENGAGEMENTS, RESPONSES
from mimic.viewer import familiar, listened_to
from prep.oracle import Oracle

Array = NDArray[Any]

KEPT: Final = UtegConfig().kept
WITHIN_HOURS: Final = 6.0
DAYS: Final = (14, 26)
"""Days of the log that settings are chosen on: after the early fit, before the late one's moment."""
MANY: Final = 1_000_000
GROUPS: Final = {"all": (0, MANY), "under 30 follows": (0, 30), "30 follows or more": (30, MANY)}
WEEKS: Final = {f"{days} d": SegmentConfig(hours=24, closed=days) for days in (2, 7, 14, 21)}
_ENGAGED: Final = np.array([RESPONSES.index(kind) for kind in ENGAGEMENTS])


def rules(uteg: Uteg, user: int, found: Reached) -> dict[str, Array]:
    """What each way of thinning thinks of some tweets: float[n] each."""
    data, weight = uteg.data, found.weights
    topic = topic_shares(data, user)[data.tweets["topic"][found.tweets]] + 0.01
    age = data.age_hours(found.tweets).astype(float)
    light = uteg.ranker.score(user, found.tweets) if uteg.ranker else np.zeros(len(found))
    return {
        "weight": weight,
        "people": found.counts + 1e-6 * weight,
        "newest": -age,
        "weight × √topic × freshness": np.log(weight * np.sqrt(topic)) - 0.45 * np.log1p(age / 6),
        "plain rule": plain_worth(data, user, found),
        "light": light,
        "light + weight, as Home": light + weight,
        "light + ln weight": light + np.log(weight),
    }


class Sources:
    """Everything that is asked at one moment, fitted on what came before `fitted.now`."""

    def __init__(self, data: DataLoader, fitted: DataLoader) -> None:
        self.data = data
        graph = RealGraph.of(data, fitted=fitted)
        ranker = LightRanker.of(data, graph, fitted=fitted)
        self.uteg = Uteg.of(data, graph, ranker=ranker)

    def unwanted(self, user: int) -> Array:
        """bool[users]: authors that a search among strangers leaves out."""
        return familiar(self.data, user)


def past_moments(data: DataLoader) -> list[int]:
    """A moment a day, at different times of day."""
    start = data.manifest.start
    return [start + (24 * day + 7 * k % 24) * HOUR_MS for k, day in enumerate(range(*DAYS))]


def shown(data: DataLoader, at: int) -> tuple[Array, Array, Array]:
    """Users, tweets (rows) of the impressions of the next hours, and whether each was engaged with."""
    later = data.as_of(at + round((WITHIN_HOURS + 1) * HOUR_MS))  # an hour more for answers
    first, last = np.searchsorted(later.impressions["shown_at"], [at, at + round(WITHIN_HOURS * HOUR_MS)])
    log = later.interactions
    answered = log["impression"][np.isin(log["kind"], _ENGAGED)]
    engaged = np.zeros(last - first, bool)
    engaged[answered[(answered >= first) & (answered < last)] - first] = True
    return later.impressions["user"][first:last], later.impressions["tweet"][first:last], engaged


def chosen_on_the_log(data: DataLoader) -> tuple[Table, Table]:
    """For thinning, the AUC among shown tweets of one list; for co-engagement, the recall of engagements."""
    early = data.as_of(data.manifest.start + 12 * 24 * HOUR_MS)
    pairs: dict[str, list[float]] = {}
    recalled: dict[str, list[tuple[int, int]]] = {}
    for at in past_moments(data):
        then = data.as_of(at)
        sources, (viewer, tweet, engaged) = Sources(then, early), shown(data, at)
        co = {name: CoEngagement.of(then, CoEngagementConfig(segments=s)) for name, s in WEEKS.items()}
        known = tweet < len(then.tweets)
        for user in np.unique(viewer[engaged & known]).tolist():
            mine = known & (viewer == user)
            fate = pd.Series(engaged[mine], tweet[mine]).groupby(level=0).max()
            _compare(sources, user, fate, pairs)
            wanted = fate.index[fate].to_numpy()
            wanted = wanted[~sources.unwanted(user)[then.tweets["author"][wanted]]]
            for name, searched in co.items():
                found = searched.search(user, sources.unwanted(user), 100)[0]
                recalled.setdefault(name, []).append((int(np.isin(wanted, found).sum()), len(wanted)))
    thinning: Table = {
        rule: {"AUC": {"value": round(float(np.mean(won)), 4), "n": len(won)}} for rule, won in pairs.items()
    }
    memory: Table = {}
    for name, counts in recalled.items():
        found, all_of_them = np.sum(counts, axis=0).tolist()
        memory[name] = {"recall@100": {"value": round(found / all_of_them, 4), "n": all_of_them}}
    return thinning, memory


def _compare(sources: Sources, user: int, fate: pd.Series[bool], pairs: dict[str, list[float]]) -> None:
    """Add, for each rule, who wins in each pair of an answered and an unanswered tweet of one list."""
    heaviest = sources.uteg.heaviest(user, sources.unwanted(user))
    of_list = heaviest.take(np.isin(heaviest.tweets, fate.index))
    answered = fate.loc[of_list.tweets].to_numpy()
    for rule, score in rules(sources.uteg, user, of_list).items():
        more = score[answered][:, None] - score[~answered][None, :]
        pairs.setdefault(rule, []).extend(((np.sign(more) + 1) / 2).ravel().tolist())


def variants(s: Sources, co: dict[str, CoEngagement], user: int) -> dict[str, Array]:
    """What each way of asking the graph finds: tweets (rows), best first."""
    data, unwanted, people = s.data, s.unwanted(user), listened_to(s.data, user)

    def heaviest(reached: Reached, weights: Array) -> Array:
        wanted = np.flatnonzero(~unwanted[data.tweets["author"][reached.tweets]])
        return reached.tweets[wanted[best_first(weights[wanted], reached.tweets[wanted], 100)]]

    walk, looked_at = s.uteg.reached(user), s.uteg.heaviest(user, unwanted)
    by_ties = s.uteg.graph.from_seeds(people, 1 + np.log1p(ties(data, user, people)))
    likes = replace(s.uteg, config=UtegConfig(kinds=("like",))).reached(user)
    today = walk.take(data.age_hours(walk.tweets) < 24)
    found = {
        "everything reached": walk.tweets[~unwanted[data.tweets["author"][walk.tweets]]],
        "graph 100": looked_at.tweets,
        "graph 100, by ties": heaviest(by_ties, by_ties.weights),
        "graph 100, as published": heaviest(walk, walk.weights_as_published()),
        "graph 100, likes only": heaviest(likes, likes.weights),
        "graph 100, of 24 h": heaviest(today, today.weights),
    }
    for rule, worth in rules(s.uteg, user, looked_at).items():
        found[f"graph {KEPT}, {rule}"] = thin(looked_at, worth, KEPT).tweets
    for name, searched in co.items():
        found[f"co-engagement, {name}"] = searched.search(user, unwanted, 100)[0]
    return found


FIVE_HUNDREDS: Final = {
    "without": (None, False),
    "graph 100": ("graph 100", False),
    "graph 30, plain rule": (f"graph {KEPT}, plain rule", False),
    "graph 30, light + ln weight": (f"graph {KEPT}, light + ln weight", False),
    "co-engagement 30": ("co-engagement, 14 d", False),
    "co-engagement as an engine": (None, True),
}
"""Name: what stands behind the network's tweets, and whether co-engagement takes turns with the others."""


def measured(s: Sources, engines: list[Array], r: Request, found: dict[str, Array]) -> dict[str, float]:
    """Coverage and value of every list, and of the five hundreds."""
    good = np.zeros(len(r.rows), bool)
    good[r.best] = True
    inside = np.flatnonzero(r.inside)[::-1][:200]
    places = {name: r.place(s.data.tweets["tweet_id"][tweets]) for name, tweets in found.items()}
    others = [r.place(s.data.tweets["tweet_id"][tweets]) for tweets in engines]
    for name, (extra, turn) in FIVE_HUNDREDS.items():
        added = places[extra][: None if extra == "graph 100" else KEPT] if extra else inside[:0]
        taking_turns = [*others, places["co-engagement, 14 d"]] if turn else others
        places[f"500: {name}"] = after(inside, added, in_turn(*taking_turns))
    row: dict[str, float] = {"user": r.user, "follows": len(s.data.following.of(r.user))}
    row["best"] = r.value[r.best].sum()
    for name, at in places.items():
        row[f"size of {name}"] = len(at)
        row[f"coverage of {name}"] = good[at].sum() / 100
        row[f"value of {name}"] = np.sort(r.value[at])[::-1][:100].sum()
    walk = s.uteg.reached(r.user)
    walk = walk.take(~s.unwanted(r.user)[s.data.tweets["author"][walk.tweets]])
    row["reached"], row["doubled"] = len(walk), (walk.weights_as_published() > walk.weights).sum()
    row["changed"] = len(np.setdiff1d(found["graph 100, as published"], found["graph 100"]))
    return row


def ask(oracle: Oracle, late: DataLoader, users: int, seed: int) -> tuple[pd.DataFrame, Table]:
    """One row a request, and what it takes: build times in ms, medians of requests in ms."""
    rows, times = [], pd.DataFrame(columns=["build graph", "build co-engagement", "graph", "thinned", "co"])
    taken: dict[str, list[float]] = {name: [] for name in times}
    sample = samples.active_users(late, users, seed)
    with samples.progress(sum(len(drawn) for _, drawn in sample)) as bar:
        for at, drawn in sample:
            data = late.as_of(at)
            s, towers, topics = Sources(data, late), TwoTower.of(data, trained_on=late), TopicPopular.of(data)
            clock(taken["build graph"], lambda data=data: UserTweetGraph.of(data))
            co = {n: CoEngagement.of(data, CoEngagementConfig(segments=c)) for n, c in WEEKS.items()}
            clock(taken["build co-engagement"], lambda data=data: CoEngagement.of(data))
            for r in samples.requests(oracle, data, drawn, bar):
                unwanted = s.unwanted(r.user)
                clock(taken["graph"], lambda s=s, r=r: s.uteg.reached(r.user))
                clock(taken["thinned"], lambda s=s, r=r, un=unwanted: s.uteg.search(r.user, un))
                clock(taken["co"], lambda co=co, r=r, un=unwanted: co["14 d"].search(r.user, un, 100))
                shares = topic_shares(data, r.user), language_shares(data, r.user)
                engines = [towers.search(r.user, unwanted, 1000)[0], topics.search(*shares, unwanted, 500)]
                rows.append(measured(s, engines, r, variants(s, co, r.user)))
    spent: Table = {
        name: {"ms": {"value": round(1e3 * float(np.median(took)), 3), "n": len(took)}}
        for name, took in taken.items()
    }
    return pd.DataFrame(rows), spent


def clock(times: list[float], what: Callable[[], object]) -> None:
    """Add how long something takes, in seconds."""
    begun = perf_counter()
    what()
    times.append(perf_counter() - begun)


def singles(rows: pd.DataFrame, draws: Bootstrap) -> Table:
    """What each list holds of the hundred best."""
    table: Table = {}
    for column in rows.columns[rows.columns.str.startswith("size of ")]:
        name = column.removeprefix("size of ")
        held = {kind: rows[f"{kind} of {name}"].to_numpy(float) for kind in ("size", "coverage", "value")}
        value = draws.mean(held.pop("value"), rows["best"].to_numpy())
        table[name] = {kind: draws.mean(of) for kind, of in held.items()} | {"value coverage": value}
    return table


def nets(rows: pd.DataFrame, draws: Bootstrap) -> Table:
    """The five hundred with a source, less those with as many more of the others."""
    table: Table = {}
    for name in list(FIVE_HUNDREDS)[1:]:
        more = {k: rows[f"{k} of 500: {name}"] - rows[f"{k} of 500: without"] for k in ("coverage", "value")}
        for group, (low, high) in GROUPS.items():
            among = ((rows["follows"] >= low) & (rows["follows"] < high)).to_numpy()
            table[f"{name}, {group}"] = {
                "coverage": draws.mean(more["coverage"].to_numpy(), among=among),
                "value coverage": draws.mean(more["value"].to_numpy(), rows["best"].to_numpy(), among),
            }
    return table


def doubled(rows: pd.DataFrame) -> Table:
    """How much counting a person once per kind of action changes."""

    def share(of: float, n: float) -> dict[str, Figure]:
        return {"share": {"value": round(float(of / n), 4), "n": float(n)}}

    return {
        "tweets with a person counted twice": share(rows["doubled"].sum(), rows["reached"].sum()),
        "lists that hold one": share((rows["doubled"] > 0).sum(), len(rows)),
        "lists of 100 with other tweets in them": share((rows["changed"] > 0).sum(), len(rows)),
    }


def main() -> int:
    """Print the tables and write them."""
    torch.set_num_threads(1)
    options = samples.options(str(__doc__).splitlines()[0])
    oracle, data = Oracle.open(options.data), DataLoader.open(options.data)
    thinning, memory = chosen_on_the_log(data)
    rows, times = ask(oracle, data, options.users, options.seed)
    draws = Bootstrap.of(rows["user"].to_numpy(), options.seed)
    tables = {
        "on the log, days 14 to 26: rules for thinning": thinning,
        "on the log: how long co-engagement remembers": memory,
        "of the hundred best": singles(rows, draws),
        "net": nets(rows, draws),
        "a person counted once per kind of action": doubled(rows),
        "times": times,
    }
    samples.publish(options, data, "graph_jet", tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())

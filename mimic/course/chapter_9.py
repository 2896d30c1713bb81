"""Chapter 9: what the graph brings in place of others, whose tweets were strangers', and an exercise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.batch import Query
from mimic.candidates import InNetworkSource
from mimic.course.exercise import Exercise, close_to, number, number_from
from mimic.data_loader import DataLoader
from mimic.engines import round_robin
from mimic.fits import late
from mimic.history import language_shares, topic_shares
from mimic.ordering import best_first
from mimic.retrieval.co_engagement import CoEngagement
from mimic.retrieval.earlybird import TimeIndex
from mimic.retrieval.graph_jet import UserTweetGraph
from mimic.retrieval.light_ranker import LightRanker
from mimic.retrieval.real_graph import RealGraph
from mimic.retrieval.social_proof import Reached
from mimic.retrieval.topic_popular import TopicPopular
from mimic.retrieval.two_tower import TwoTower
from mimic.retrieval.uteg import Uteg
from mimic.viewer import familiar

__all__ = ["ENGAGED_TWICE", "OTHERS", "Searches", "Values", "measured", "strangers"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

OTHERS: Final = ("two towers", "topic-popular")
"""The engines that fill the five hundred when a source leaves room."""
SIZES: Final = (30, 100)
"""How much of a list is looked at."""
BUDGET: Final = 500
"""Candidates of a request."""


class Values(Protocol):
    """What an oracle is asked here."""

    def values_of_eligible(self, user_id: int, at: int) -> tuple[Any, Any]:
        """Ids of what may be shown, ascending, and the value of each."""
        ...

    def value(self, user_ids: Any, tweet_ids: Any, at: Any) -> Any:
        """The values of some tweets."""
        ...


def strangers(data: DataLoader, rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Of some impressions (rows): whether the viewer did not follow the author *when it was shown*.

    A follow that the impression itself led to does not count: it is younger.
    """
    seen, follows, users = data.impressions, data.follows, len(data.users)
    pair = seen["user"][rows].astype(np.int64) * users + data.tweets["author"][seen["tweet"][rows]]
    edges = follows["follower"].astype(np.int64) * users + follows["followed"]
    order = np.argsort(edges)
    place = np.minimum(np.searchsorted(edges, pair, sorter=order), max(len(edges) - 1, 0))
    edge = order[place]
    followed: NDArray[np.bool_] = edges[edge] == pair
    stranger: NDArray[np.bool_] = ~(followed & (follows["created_at"][edge] < seen["shown_at"][rows]))
    return stranger


@dataclass(frozen=True, kw_only=True, eq=False)
class Searches:
    """All that is asked about a reader in this chapter, for one snapshot. Build with `Searches.of(data)`."""

    data: DataLoader
    uteg: Uteg
    co: CoEngagement
    towers: TwoTower
    topics: TopicPopular
    network: InNetworkSource

    @classmethod
    def of(cls, data: DataLoader) -> Searches:
        """With the models of the late fit."""
        fitted = late(data)
        ties = RealGraph.of(data, fitted=fitted)
        ranker = LightRanker.of(data, ties, fitted=fitted)
        return cls(
            data=data,
            uteg=Uteg.of(data, ties, ranker=ranker),
            co=CoEngagement.of(data),
            towers=TwoTower.of(data),
            topics=TopicPopular.of(data),
            network=InNetworkSource(data=data, index=TimeIndex.of(data), ranker=ranker),
        )

    def reached(self, user: int) -> Reached:
        """Strangers' tweets that the walk from a user (row) leads to."""
        reached = self.uteg.reached(user)
        return reached.take(~familiar(self.data, user)[self.data.tweets["author"][reached.tweets]])

    def lists(self, user: int) -> dict[str, Ints]:
        """What each way of searching finds for a user (row): tweets (rows), best first."""
        data, unwanted, found = self.data, familiar(self.data, user), self.reached(user)

        def heaviest(weights: NDArray[Any]) -> Ints:
            return found.tweets[best_first(weights, found.tweets, self.uteg.config.limit)]

        return {
            "in-network": self.network.fetch(Query(user_id=int(data.users["user_id"][user]))).rows,
            "newest engaged": heaviest(-data.age_hours(found.tweets)),
            "by weight": heaviest(found.weights),
            "as published": heaviest(found.weights_as_published()),
            "thinned": self.uteg.search(user, unwanted).tweets,
            "co-engagement": self.co.search(user, unwanted, 100)[0],
            "two towers": self.towers.search(user, unwanted, 1000)[0],
            "topic-popular": self.topics.search(
                topic_shares(data, user), language_shares(data, user), unwanted, BUDGET
            ),
        }

    @staticmethod
    def five_hundred(
        lists: dict[str, Ints], extra: str = "", size: int = 100, *, turns: Sequence[str] = ()
    ) -> Ints:
        """The network's first 200, the first `size` of the list `extra`, then the others in turns.

        Lists named in `turns` take turns with the others instead of standing before them.
        """
        mixed = round_robin([lists[name] for name in (*OTHERS, *turns)], 2 * BUDGET)
        inside = lists["in-network"]
        every = np.concatenate([inside, lists[extra][:size] if extra else inside[:0], mixed])
        first = np.unique(every, return_index=True)[1]
        return np.asarray(every[np.sort(first)][:BUDGET], np.int64)


FIVE_HUNDREDS: Final[dict[str, dict[str, Any]]] = {
    "without": {},
    "newest 30": {"extra": "newest engaged", "size": 30},
    "heaviest 100": {"extra": "by weight"},
    "best 30": {"extra": "thinned"},
    "co-engagement": {"turns": ("co-engagement",)},
}
"""Name to how a five hundred is made."""


def measured(
    searches: Searches, truth: Values, unsigned: Values, user_ids: NDArray[Any], *, best: int = 100
) -> pd.DataFrame:
    """What each list holds of the readers' best hundred tweets, and what five hundreds with them are worth.

    Args:
        searches: made for the moment that is asked about.
        truth: knows the values.
        unsigned: knows them when no card names anybody.
        user_ids: the readers.
        best: how many tweets are the best.

    Returns:
        One row a reader: user_id, at, and `best`, the value of the best hundred. For the first 30 and the
        first 100 of each list `coverage@30 of …` (share of the best hundred, %), `value@30 of …` (sum) and
        `unsigned@30 of …` (the same sum when nobody is named); for each five hundred `coverage of …`, `value
        of …` and `unsigned of …`, of its own best hundred. Of the walk, how many tweets it `reached`, in how
        many of them the published weights count somebody twice (`doubled`), and whether that `changed` the
        list. Of co-engagement, how many tweets it `brought` into the five hundred and what a tweet was worth
        that came or had to go, summed: `value brought`, `value pushed out`.
    """
    table = [_reader(searches, truth, unsigned, user_id, best) for user_id in user_ids.tolist()]
    return pd.DataFrame(table)


def _reader(searches: Searches, truth: Values, unsigned: Values, user_id: int, best: int) -> dict[str, float]:
    data, user = searches.data, searches.data.user_row(user_id)
    ids, value = truth.values_of_eligible(user_id, data.now)
    rows, top = data.tweet_rows(ids), np.argsort(-value, kind="stable")[:best]
    lists = searches.lists(user)
    mixes = {name: searches.five_hundred(lists, **how) for name, how in FIVE_HUNDREDS.items()}
    lists["the oracle's best"] = rows[top]
    cut = {f"@{size} of {name}": found[:size] for name, found in lists.items() for size in SIZES}
    cut |= {f" of {name}": found for name, found in mixes.items()}
    places = {name: _places(rows, tweets) for name, tweets in cut.items()}
    asked = np.unique(np.concatenate([*places.values(), top[:1]]))
    plain = np.full(len(rows), np.nan)
    plain[asked] = unsigned.value(user_id, ids[asked], data.now)
    row: dict[str, float] = {"user_id": user_id, "at": data.now, "best": value[top].sum()}
    for name, at in places.items():
        row[f"coverage{name}"] = 100 * np.isin(top, at).sum() / best
        row[f"value{name}"] = np.sort(value[at])[::-1][:best].sum()
        row[f"unsigned{name}"] = np.sort(plain[at])[::-1][:best].sum()
    came = np.setdiff1d(places[" of co-engagement"], places[" of without"])
    gone = np.setdiff1d(places[" of without"], places[" of co-engagement"])
    row |= {"brought": len(came), "value brought": value[came].sum()}
    row |= {"pushed out": len(gone), "value pushed out": value[gone].sum()}
    return row | _doubled(searches, user, lists)


def _places(rows: Ints, tweets: Ints) -> Ints:
    """Places of those tweets that are among `rows`, which ascend."""
    at = np.minimum(np.searchsorted(rows, tweets), max(len(rows) - 1, 0))
    return at[rows[at] == tweets] if len(rows) else at[:0]


def _doubled(searches: Searches, user: int, lists: dict[str, Ints]) -> dict[str, float]:
    found = searches.reached(user)
    return {
        "reached": len(found),
        "doubled": int((found.by_action().sum(axis=1) > found.counts).sum()),
        "changed": float(len(np.setdiff1d(lists["as published"], lists["by weight"])) > 0),
    }


# ---------------------------------------------------------------- warm-up: who counts twice?


def _pairs(graph: UserTweetGraph) -> tuple[Ints, Ints]:
    """Every person and tweet as one number, and how many edges join them."""
    key = graph.user.astype(np.int64) * (int(graph.tweet.max(initial=0)) + 1) + graph.tweet
    pair, count = np.unique(key, return_counts=True)
    return pair, count


def _tweets_of_pairs(graph: UserTweetGraph) -> float:
    pair, count = _pairs(graph)
    return float(len(np.unique(pair[count > 1] % (int(graph.tweet.max(initial=0)) + 1))))


def _people_of_pairs(graph: UserTweetGraph) -> float:
    pair, count = _pairs(graph)
    return float(len(np.unique(pair[count > 1] // (int(graph.tweet.max(initial=0)) + 1))))


ENGAGED_TWICE: Final[Exercise[UserTweetGraph]] = Exercise(
    solve=lambda graph: float((_pairs(graph)[1] > 1).sum()),
    read=number,
    agrees=close_to(0.0),
    misconceptions=(
        number_from(
            lambda graph: float(len(_pairs(graph)[0])),
            "These are all pairs of a person and a tweet. How many of them have more than one edge?",
        ),
        number_from(
            lambda graph: float(len(graph)),
            "These are all edges of the graph. A pair that is counted twice has at least two of them.",
        ),
        number_from(
            lambda graph: float((_pairs(graph)[1] - 1).sum()),
            "These are the edges beyond the first of each pair. Who likes, retweets and quotes has two of "
            "them, and is one pair.",
        ),
        number_from(
            lambda graph: float(_pairs(graph)[1][_pairs(graph)[1] > 1].sum()),
            "These are the edges of such pairs. The question is how many pairs there are.",
        ),
        number_from(
            _tweets_of_pairs,
            "These are the tweets to which it happened. Two people can do it to one, and are two pairs.",
        ),
        number_from(
            _people_of_pairs,
            "These are the people who did it. Who did it to five tweets is in five pairs.",
        ),
    ),
    praise="In each of these the published weights would take one person for two or more.",
    hint="Not this one. Put `graph.user` and `graph.tweet` together into one number an edge; which numbers "
    "come more than once?",
)
"""How many pairs of a person and a tweet are joined by more than one edge."""

"""Chapter 6, second half: what SimClusters finds beside other sources, measured for many readers.

The truth comes in from outside, as something that values tweets. An exercise is at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.batch import Query
from mimic.course.exercise import Exercise, close_to, number, number_from
from mimic.course.stages import product_at
from mimic.data_loader import DataLoader
from mimic.engines import TopicEngine, round_robin
from mimic.pipeline import MixerPipeline
from mimic.retrieval.interested_in import InterestedIn
from mimic.retrieval.producer_graph import Follows
from mimic.retrieval.simclusters import SimClusters
from mimic.retrieval.topic_popular import TopicPopular
from mimic.schema import RESPONSES
from mimic.viewer import familiar

__all__ = ["BUDGET", "LISTS", "NO_COMMUNITY", "Measure", "Truth", "vouching"]

Rows = NDArray[np.int64]
Kind = Callable[[int, Rows], NDArray[np.bool_]]
"""From a user and tweets (rows) to whether each tweet is of the kind for this user."""

BUDGET: Final = 500
"""Candidates of a request."""
LISTS: Final = ("random", "newest", "topic-popular", "partial score", "true cosine")
"""What is compared: strangers' tweets, as many of each."""


_LIKE: Final = RESPONSES.index("like")


class Truth(Protocol):
    """What an oracle is asked."""

    def eligible(self, user_id: int, at: int) -> NDArray[np.int64]:
        """Ids of all tweets that may be shown, ascending."""
        ...

    def value(self, user_ids: Any, tweet_ids: Any, at: Any) -> NDArray[np.float64]:
        """What tweets are worth."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Measure:
    """What SimClusters and plain rules find for readers. Build with `Measure.of(data, truth, index)`."""

    data: DataLoader
    truth: Truth
    index: SimClusters
    topics: TopicEngine
    before: MixerPipeline
    """The product without SimClusters: topic-popular tweets have its places."""
    after: MixerPipeline
    """The product with it."""
    limit: int = 200
    """Tweets of each list."""
    kinds: Mapping[str, Kind]
    """Kinds of tweets to be told apart among strangers' best ones."""
    seed: int = 0
    """Of the random list."""

    @classmethod
    def of(
        cls,
        data: DataLoader,
        truth: Truth,
        index: SimClusters,
        *,
        kinds: Mapping[str, Kind] | None = None,
        seed: int = 0,
    ) -> Measure:
        """For one snapshot, with the products of chapters 5 and 6."""
        return cls(
            data=data,
            truth=truth,
            index=index,
            topics=TopicEngine(data=data, index=TopicPopular.of(data), limit=BUDGET),
            before=product_at(data, chapter=5),
            after=product_at(data, chapter=6),
            kinds=kinds or {},
            seed=seed,
        )

    def lists(self, user: int) -> dict[str, Rows]:
        """What each way finds among strangers' tweets for a user (row): rows, best first."""
        data, index, unwanted = self.data, self.index, familiar(self.data, user)
        window = np.arange(index.first, len(data.tweets))
        strangers = window[~unwanted[data.tweets["author"][window]]]
        rng = np.random.default_rng((self.seed, user))
        return {
            "random": rng.permutation(strangers)[: self.limit],
            "newest": strangers[::-1][: self.limit],
            "topic-popular": self.topics.find(user).tweets[: self.limit],
            "partial score": index.search(user, unwanted, self.limit, by="partial")[0],
            "true cosine": index.search(user, unwanted, self.limit)[0],
        }

    def readers(self, user_ids: Sequence[int] | NDArray[np.int64]) -> pd.DataFrame:
        """One row a reader: user_id, at, and what `reader` measures."""
        ids = np.asarray(user_ids, np.int64).tolist()
        return pd.DataFrame([self.reader(user_id) for user_id in ids])

    def reader(self, user_id: int) -> dict[str, float]:
        """Everything about one reader.

        follows, communities, home (producers of the strongest community); for each of `LISTS` its coverage
        of the oracle's best hundred, in per cent; `beyond`, what the true cosine adds to in-network and 500
        topic-popular tweets; `liked`, how many of the hundred somebody with communities has liked, and
        `liked, <list>`, how many of these each list holds; the same for each kind. `best`, `with` and
        `without`: the value of the best hundred there are, and of the best hundred of the five hundred that
        the product fetches with SimClusters, and with topic-popular tweets in its places; `with, no graph`
        and `without, no graph`: the same of five hundred without the graph's. `graph too`: of the best ones
        that SimClusters holds, the share that the graph holds as well, in per cent of the hundred.
        """
        data, first, user = self.data, self.index.first, self.data.user_row(user_id)
        worth, best = self._worth(user_id), self.best(user_id)

        def hundred(rows: Rows) -> float:
            values = np.sort(worth[np.unique(rows) - first])[::-1][:100]
            return float(values[np.isfinite(values)].sum())

        def held(rows: Rows) -> float:
            return 100.0 * float(np.isin(best, rows).mean()) if len(best) else 0.0

        lists = self.lists(user)
        without, found = self._fetched(self.before, user_id)
        network, topical = found["in_network"], self.topics.find(user).tweets
        others, room = np.union1d(network, topical), BUDGET - len(network)
        mine = self.index.interests.of_user(user)[0]
        row: dict[str, float] = {"user_id": user_id, "at": data.now}
        row |= {"follows": len(data.following.of(user)), "communities": len(mine)}
        row["home"] = float(self._sizes[mine[0]]) if len(mine) else 0.0
        row |= {name: held(found) for name, found in lists.items()}
        row["beyond"] = held(np.setdiff1d(lists["true cosine"], others))
        strange = ~np.isin(data.tweets["author"][best], data.following.of(user))
        kinds = {"liked": np.diff(self.index.embeddings.indptr)[best - first] > 0}
        kinds |= {name: kind(user, best) & strange for name, kind in self.kinds.items()}
        for name, there in kinds.items():
            row[name] = float(there.sum())
            row |= {f"{name}, {of}": float(np.isin(best[there], lists[of]).sum()) for of in LISTS}
        row["best"], row["without"] = hundred(best), hundred(without)
        row["with"] = hundred(self._fetched(self.after, user_id)[0])
        mixed = round_robin([topical, lists["true cosine"]], room)
        row["with, no graph"] = hundred(np.concatenate([network, mixed]))
        row["without, no graph"] = hundred(np.concatenate([network, topical[:room]]))
        row["graph too"] = held(np.intersect1d(lists["true cosine"], found["graph"]))
        return row

    def best(self, user_id: int, most: int = 100) -> Rows:
        """The oracle's best tweets (rows) for a user, best first."""
        worth = self._worth(user_id)
        best = np.argsort(-worth, kind="stable")[:most]
        return self.index.first + best[np.isfinite(worth[best])]

    def _worth(self, user_id: int) -> NDArray[np.float64]:
        """Value of each tweet of the window, −∞ for what must not be shown; kept for later."""
        if user_id not in self._known:
            ids = self.truth.eligible(user_id, self.data.now)
            worth = np.full(len(self.index.author), -np.inf)
            rows = self.data.tweet_rows(ids) - self.index.first
            worth[rows] = self.truth.value(user_id, ids, self.data.now)
            self._known[user_id] = worth
        return self._known[user_id]

    @cached_property
    def _known(self) -> dict[int, NDArray[np.float64]]:
        return {}

    def _fetched(self, machine: MixerPipeline, user_id: int) -> tuple[Rows, dict[str, Rows]]:
        """What a product fetches within its budget, and what two of its sources do: rows."""
        batch = machine.run(Query(user_id=user_id)).candidates
        rows = self.data.tweet_rows(batch.tweet_ids)
        by = {
            name: rows[batch.found_by(name)] if name in batch.finders else rows[:0]
            for name in ("in_network", "graph")
        }
        return rows[batch["fate"] != "over budget"], by

    @cached_property
    def _sizes(self) -> Rows:
        """Producers of each community."""
        community = self.index.interests.communities.community
        return np.bincount(community[community >= 0], minlength=1)


def vouching(data: DataLoader, interests: InterestedIn, user: int) -> pd.DataFrame:
    """Why a user (row) is interested in what: a row a community of theirs, the strongest first.

    Columns: follows, producers followed in it; liked, producers of it who were liked; interest, float.
    """
    communities = interests.communities
    label, weight = interests.of_user(user)
    known = np.full(len(data.users), -1, np.int64)
    known[communities.producers] = communities.community
    likes = data.history(user)
    likes = likes[data.interactions["kind"][likes] == _LIKE]
    authors = np.unique(data.tweets["author"][data.interactions["tweet"][likes]])
    followed = known[data.following.of(user)]
    liked = known[authors]
    return pd.DataFrame(
        {
            "follows": [(followed == one).sum() for one in label],
            "liked": [(liked == one).sum() for one in label],
            "interest": weight,
        },
        index=label,
    )


# ---------------------------------------------------------------- warm-up: who gets nothing?


def _without(interests: InterestedIn) -> float:
    return float((np.diff(interests.matrix.indptr) == 0).sum())


NO_COMMUNITY: Final[Exercise[tuple[DataLoader, InterestedIn]]] = Exercise(
    solve=lambda world: _without(world[1]),
    read=number,
    agrees=close_to(0.0),
    misconceptions=(
        number_from(
            lambda world: world[1].matrix.shape[0] - _without(world[1]),
            "These are the users who have a community. The question is about the others.",
        ),
        number_from(
            lambda world: float((world[0].following.sizes == 0).sum()),
            "These are the users who follow nobody. Others, too, have nobody or only one producer to vouch "
            "for a community; and some who follow nobody like enough.",
        ),
        number_from(
            lambda world: float(world[0].following.sizes.size - _following_producers(*world)),
            "These are the users who follow no producer. One is not enough either, and likes count, too.",
        ),
        number_from(
            lambda world: float((world[1].communities.community < 0).sum()),
            "These are producers who are in no community. The question is about readers.",
        ),
        number_from(
            lambda world: _without(world[1]) / world[1].matrix.shape[0],
            "This is their share. The question is how many they are.",
        ),
    ),
    praise="For them SimClusters finds nothing at all, and another source has to.",
    hint="Not this one. How many rows of `interests.matrix` are empty? `np.diff(interests.matrix.indptr)` "
    "says how many entries each row has.",
)
"""How many users have no community."""


def _following_producers(data: DataLoader, interests: InterestedIn) -> int:
    return len(np.unique(Follows.of(data, interests.communities.producers).follower))

"""What a look at a tweet costs, with few tweets together and with all, in arrays and one after another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import numpy as np
import pandas as pd

from mimic.batch import Candidates, Query
from mimic.course.chapter_1 import scored
from mimic.data_loader import WINDOW_HOURS, DataLoader
from mimic.feed import Feed
from mimic.history import language_shares, topic_shares
from mimic.pipeline import MixerPipeline
from mimic.product import for_you
from mimic.retrieval.topic_popular import TopicPopular
from mimic.scoring import HeuristicScorer

__all__ = ["EverythingSource", "cost_per_tweet", "fetching_everything", "one_by_one"]


@dataclass(frozen=True, kw_only=True)
class EverythingSource:
    """Every tweet of the last 48 hours: what a machine would fetch that could afford a close look at all."""

    data: DataLoader
    limit: int | None = None
    """Tweets at most; None means all of them."""
    name: str = "everything"

    def fetch(self, query: Query) -> Candidates:
        """Newest first."""
        rows = np.arange(self.data.since("tweets"), len(self.data.tweets))[::-1][: self.limit]
        return Candidates(data=self.data, rows=rows, searched=len(rows))

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why the tweet is not among them."""
        if self.data.tweet_row(tweet_id) < self.data.since("tweets"):
            return f"older than {WINDOW_HOURS:.0f} hours"
        return f"beyond the newest {self.limit}"


def fetching_everything(data: DataLoader, limit: int | None = None) -> MixerPipeline:
    """The first product with all tweets as candidates, or the newest `limit`, and room for all of them."""
    everything = EverythingSource(data=data, limit=limit)
    return for_you(data, sources=[everything], backfill=(), budget=len(data.tweets), strict=True)


# ---------------------------------------------------------------- what a look costs

_REPEATS: Final = 9
"""Timings of which the shortest counts: whatever else the computer does can only add to it."""


def cost_per_tweet(data: DataLoader, query: Query, sizes: Sequence[int]) -> pd.DataFrame:
    """Nanoseconds a tweet of four ways to look at tweets, in batches of several sizes.

    A source's glance (the search by topic); a close look (all facts and scores); the hand-made score
    alone; and the same score in plain Python, one tweet after the other, from facts looked up before.
    Each batch holds the newest tweets. Index: the way. Columns: `500 together, ns` and so on.
    """
    columns = {f"{size:,} together, ns": _costs(data, query, size) for size in sizes}
    return pd.DataFrame(columns).round().astype(int)


def _costs(data: DataLoader, query: Query, size: int) -> dict[str, float]:
    machine, scorer = fetching_everything(data, size), HeuristicScorer()
    close = [_hydrate_and_score_ms(machine.run(query)) for _ in range(_REPEATS)]
    batch = scored(machine.run(query))
    facts, glance = _facts(batch), _glance(data, query, size)
    return {
        "a source's glance": _ns(glance, size),
        "a close look: facts and scores": 1e6 * min(close) / len(batch),
        "the hand-made score alone": _ns(lambda: scorer.score(query, batch), len(batch)),
        "the same, one after the other": _ns(lambda: one_by_one(scorer, facts), len(batch)),
    }


def _glance(data: DataLoader, query: Query, size: int) -> Callable[[], object]:
    """A search by topic among the newest `size` tweets."""
    user, index = data.user_row(query.user_id), _thinned(TopicPopular.of(data), size)
    shares, nobody = (topic_shares(data, user), language_shares(data, user)), np.zeros(len(data.users), bool)
    return lambda: index.search(*shares, nobody, 500)


def _hydrate_and_score_ms(feed: Feed) -> float:
    return sum(step.ms for step in feed.trace.steps if step.stage in ("hydrate", "score"))


def _ns(work: Callable[[], object], tweets: int) -> float:
    times = []
    for _ in range(_REPEATS):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return 1e9 * min(times) / tweets


def _thinned(index: TopicPopular, size: int) -> TopicPopular:
    """An index of `size` of its tweets, the newest, topic by topic as before."""
    kept = np.sort(np.argsort(-index.tweet, kind="stable")[:size])
    return TopicPopular(
        starts=np.searchsorted(kept, index.starts).astype(np.int64),
        tweet=index.tweet[kept],
        base=index.base[kept],
        lang=index.lang[kept],
        author=index.author[kept],
    )


def _facts(batch: Candidates) -> list[dict[str, float]]:
    """What the hand-made score asks of each candidate, as plain numbers."""
    names = ("in_network", "tie", "topic_share", "author_rate", "proof_weight", "age_hours")
    columns = [batch[name].astype(np.float64).tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def one_by_one(scorer: HeuristicScorer, facts: Sequence[Mapping[str, float]]) -> list[float]:
    """The hand-made score as one would first write it: tweet after tweet, without arrays."""
    scores = []
    for one in facts:
        known = one["in_network"]
        network = (scorer.network_lift if known else 1.0) * (1.0 + scorer.tie_lift * math.log1p(one["tie"]))
        topic = 1.0 + scorer.topic_lift * one["topic_share"]
        proof = 1.0 if known else 1.0 + scorer.proof_lift * math.log1p(one["proof_weight"])
        freshness = 2.0 ** (-one["age_hours"] / scorer.half_life_hours)
        scores.append(one["author_rate"] * network * topic * proof * freshness)
    return scores

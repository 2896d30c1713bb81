"""The rows that stand in every table of retrieval: plain rules that a clever method must beat.

    newest in-network      the newest tweets of the people you follow
    followees engaged      what they liked, answered, retweeted or quoted, by strangers
    popular                freshness × engagements, in your languages
    topic-popular          topic history × freshness × popularity, in your languages, by anybody

Every list is cut from the tweets that may be shown, so that all methods choose from the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mimic.data_loader import DataLoader
from mimic.history import language_shares, topic_shares
from mimic.ordering import best_first
from mimic.retrieval.graph_jet import EngagementGraph
from mimic.retrieval.topic_popular import HALF_LIFE_HOURS
from mimic.schema import ENGAGEMENTS

__all__ = ["Baselines"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Baselines:
    """What the rules need to know of the last 48 hours. Build with `Baselines.of(data)`."""

    data: DataLoader
    graph: EngagementGraph
    fresh: NDArray[np.float64]
    """float64[window]: 2^(−age / half-life) of each tweet since `data.since("tweets")`."""
    engagements: NDArray[np.int64]
    """int64[window]: likes, replies, retweets and quotes of each so far."""

    @classmethod
    def of(cls, data: DataLoader, half_life_hours: float = HALF_LIFE_HOURS) -> Baselines:
        """For one snapshot."""
        window = np.arange(data.since("tweets"), len(data.tweets))
        return cls(
            data=data,
            graph=EngagementGraph.of(data),
            fresh=np.exp2(-data.age_hours(window).astype(np.float64) / half_life_hours),
            engagements=np.sum([data.counts(kind)[window] for kind in ENGAGEMENTS], axis=0),
        )

    def lists(self, user_id: int, eligible: ArrayLike, limit: int = 200) -> dict[str, NDArray[np.int64]]:
        """What each rule finds among the `eligible` tweets (ids): ids, best first, at most `limit`.

        What is older than 48 hours is passed over.
        """
        data, user = self.data, self.data.user_row(user_id)
        rows = data.tweet_rows(eligible)
        rows = rows[rows >= data.since("tweets")]
        place = rows - data.since("tweets")
        author, topic, lang = (data.tweets[name][rows] for name in ("author", "topic", "lang"))
        followed = np.isin(author, data.following.of(user))
        readable = language_shares(data, user)[lang] * self.fresh[place]
        engaged = self.engagements[place]
        scores = {
            "newest in-network": np.where(followed, rows + 1.0, 0.0),
            "followees engaged": np.where(followed, 0.0, self._reached(user)[place] * self.fresh[place]),
            "popular": readable * engaged,
            "topic-popular": readable * (1 + engaged) * topic_shares(data, user)[topic],
        }
        return {name: self._best(score, rows, limit) for name, score in scores.items()}

    def _reached(self, user: int) -> NDArray[np.float64]:
        """Summed weight of the followees who engaged with each tweet of the window."""
        weight = np.zeros(len(self.fresh))
        reached = self.graph.from_follows(self.data, user)
        weight[reached.tweets - self.data.since("tweets")] = reached.weights
        return weight

    def _best(self, score: NDArray[Any], rows: NDArray[Any], limit: int) -> NDArray[np.int64]:
        """Ids of the best; what scores 0 is not found."""
        best = best_first(score, rows, limit)
        ids: NDArray[np.int64] = self.data.tweets["tweet_id"][rows[best[score[best] > 0]]]
        return ids

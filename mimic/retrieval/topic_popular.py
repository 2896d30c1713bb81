"""Topic history × freshness × popularity: the plain answer that every clever method must beat.

A tweet is worth fetching when it is about what you like, new, and liked by others. Freshness and
popularity are the same for everybody, so they are multiplied once a snapshot; a request brings
only the user's share of each topic and language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mimic.csr import CSR, positions_in_runs
from mimic.data_loader import DataLoader
from mimic.ordering import best_first
from mimic.schema import ENGAGEMENTS

__all__ = ["HALF_LIFE_HOURS", "TopicPopular"]

HALF_LIFE_HOURS: Final = 24.0
"""Hours in which a tweet's freshness halves: a day, so that a night's sleep does not hide an evening.
Chosen by hand."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TopicPopular:
    """The last 48 hours' tweets with their freshness × popularity. Build with `TopicPopular.of(data)`.

    An inverted index: tweets stand topic by topic, so that a search reads only the user's topics.
    """

    starts: NDArray[np.int64]
    """int64[topics + 1]: topic t (row) has the positions starts[t] … starts[t + 1] − 1 below."""
    tweet: NDArray[np.int64]
    """int64[window]: the tweet (row)."""
    base: NDArray[np.float32]
    """float32[window]: 2^(−age / half-life) × (1 + engagements so far)."""
    lang: NDArray[np.int8]
    """int8[window]: position in LANGUAGES."""
    author: NDArray[np.int32]
    """int32[window]: who wrote it (row)."""

    @classmethod
    def of(cls, data: DataLoader, half_life_hours: float = HALF_LIFE_HOURS) -> TopicPopular:
        """Index a snapshot."""
        first = data.since("tweets")
        by_topic = CSR.group(data.tweets["topic"][first:], len(data.topics))
        tweet = first + by_topic.values.astype(np.int64)
        engagements = np.sum([data.counts(kind)[tweet] for kind in ENGAGEMENTS], axis=0)
        freshness = np.exp2(-data.age_hours(tweet) / half_life_hours)
        return cls(
            starts=by_topic.starts,
            tweet=tweet,
            base=(freshness * (1 + engagements)).astype(np.float32),
            lang=data.tweets["lang"][tweet],
            author=data.tweets["author"][tweet],
        )

    def __len__(self) -> int:
        return len(self.tweet)

    def search(
        self, topics: NDArray[Any], languages: NDArray[Any], unwanted: NDArray[np.bool_], limit: int
    ) -> NDArray[np.int64]:
        """The `limit` best tweets (rows), best first.

        `topics` float[topics] and `languages` float[6] weigh each tweet; `unwanted` bool[users]
        excludes authors. What weighs nothing is not returned.
        """
        asked = np.flatnonzero(topics)
        sizes = self.starts[asked + 1] - self.starts[asked]
        place = np.repeat(self.starts[asked], sizes) + positions_in_runs(sizes)
        score = self.base[place] * np.repeat(topics[asked], sizes) * languages[self.lang[place]]
        score[unwanted[self.author[place]]] = 0.0
        wanted = np.flatnonzero(score)
        tweets = self.tweet[place[wanted]]
        best: NDArray[np.int64] = tweets[best_first(score[wanted], tweets, limit)]
        return best

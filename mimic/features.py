"""Facts about candidates, and the components that look them up.

FEATURES lists every fact once, with its unit and meaning; the hydrators write exactly these columns
and a test compares the two. Whatever trains a model later calls the same hydrators, so that
training and serving cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mimic.batch import Array, Candidates, Query
from mimic.columns import rows_of
from mimic.data_loader import DataLoader
from mimic.history import ties, topic_shares
from mimic.retrieval.graph_jet import EngagementGraph
from mimic.schema import ENGAGEMENTS
from mimic.viewer import ids_or_nan

__all__ = [
    "FEATURES",
    "AuthorHydrator",
    "Feature",
    "ProofHydrator",
    "TweetHydrator",
    "ViewerHydrator",
    "author_rates",
]


@dataclass(frozen=True)
class Feature:
    """One fact about a candidate."""

    name: str
    group: str
    """Whom it is about: "tweet", "viewer" (and the tweet or its author), "author", "proof"."""
    unit: str
    meaning: str


FEATURES: Final = (
    Feature("author", "tweet", "row of users", "who wrote it"),
    Feature("topic", "tweet", "row of topics", "leaf topic as the platform infers it"),
    Feature("lang", "tweet", "position in LANGUAGES", "language of the text"),
    Feature("age_hours", "tweet", "hours", "time since it was made"),
    Feature("in_network", "viewer", "yes or no", "the viewer follows the author"),
    Feature("tie", "viewer", "responses", "how often the viewer responded to the author, dislikes aside"),
    Feature("topic_share", "viewer", "share", "of the viewer's topic history that has the tweet's topic"),
    Feature("author_rate", "author", "engagements per impression", "of all the author's tweets, smoothed"),
    Feature("proof_count", "proof", "followees", "how many people the viewer follows engaged with it"),
    Feature("proof_weight", "proof", "sum of tie weights", "the same, weighted by 1 + ln(1 + responses)"),
    Feature("proof_user_id", "proof", "user id", "the one with the strongest tie, to be named on the card"),
    Feature("proof_second_id", "proof", "user id", "the next one"),
)
"""Every column that hydrators write."""

_SMOOTHING: Final = 50.0
"""Impressions at the average rate that each author starts with. Chosen by hand: about five tweets' worth,
so that one lucky tweet does not make a star."""


@dataclass(frozen=True, kw_only=True)
class TweetHydrator:
    """Facts that anyone could read off the tweet."""

    data: DataLoader

    def hydrate(self, query: Query, candidates: Candidates) -> Mapping[str, Array]:
        """author, topic, lang, age_hours."""
        rows = candidates.rows
        plain = {name: self.data.tweets[name][rows] for name in ("author", "topic", "lang")}
        return plain | {"age_hours": self.data.age_hours(rows)}


@dataclass(frozen=True, kw_only=True)
class ViewerHydrator:
    """What the viewer has to do with the tweet and its author. Needs TweetHydrator's columns."""

    data: DataLoader

    def hydrate(self, query: Query, candidates: Candidates) -> Mapping[str, Array]:
        """in_network, tie, topic_share."""
        user, author = self.data.user_row(query.user_id), candidates["author"]
        follows = np.zeros(len(self.data.users), bool)
        follows[self.data.following.of(user)] = True
        return {
            "in_network": follows[author],
            "tie": ties(self.data, user, author).astype(np.float32),
            "topic_share": topic_shares(self.data, user)[candidates["topic"]],
        }


def author_rates(data: DataLoader) -> NDArray[np.float32]:
    """Engagements per impression of each user's tweets so far, float32[users], smoothed towards the mean."""
    authors, users = data.tweets["author"], len(data.users)
    engagements = np.sum([data.counts(kind) for kind in ENGAGEMENTS], axis=0, dtype=np.float64)
    engaged = np.bincount(authors, engagements, users)
    shown = np.bincount(authors, data.counts("impression").astype(np.float64), users)
    mean = engaged.sum() / max(shown.sum(), 1.0)
    rates: NDArray[np.float32] = ((engaged + _SMOOTHING * mean) / (shown + _SMOOTHING)).astype(np.float32)
    return rates


@dataclass(frozen=True, kw_only=True)
class AuthorHydrator:
    """How the author's tweets have done so far. Needs TweetHydrator's columns."""

    rates: NDArray[np.float32]
    """float32[users]: from `author_rates`."""

    def hydrate(self, query: Query, candidates: Candidates) -> Mapping[str, Array]:
        """author_rate."""
        return {"author_rate": self.rates[candidates["author"]]}


@dataclass(frozen=True, kw_only=True)
class ProofHydrator:
    """Social proof: who among the people the viewer follows engaged with the tweet."""

    data: DataLoader
    graph: EngagementGraph

    def hydrate(self, query: Query, candidates: Candidates) -> Mapping[str, Array]:
        """proof_count and proof_weight (0 for nobody), proof_user_id and proof_second_id (NaN for nobody)."""
        reached = self.graph.from_follows(self.data, self.data.user_row(query.user_id))
        place, found = rows_of(reached.tweets, candidates.rows)
        place, nobody = place[found], np.full(len(candidates), np.nan)
        columns = {
            "proof_count": np.zeros(len(candidates), np.float32),
            "proof_weight": np.zeros(len(candidates), np.float32),
        }
        columns |= {"proof_user_id": nobody, "proof_second_id": nobody.copy()}
        columns["proof_count"][found] = reached.counts[place]
        columns["proof_weight"][found] = reached.weights[place]
        for name, users in (("proof_user_id", reached.first), ("proof_second_id", reached.second)):
            columns[name][found] = ids_or_nan(self.data, users[place])
        return columns

"""How good is a candidate? Scorers, and the weights that say what «good» means.

The first scorer needs no training: it multiplies a handful of lifts, each of which says how many
times likelier an engagement becomes. It is chosen in the open and named in the trace; the trained
ranker takes its place in a later chapter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from mimic.batch import SCORE, Array, Candidates, Query
from mimic.csr import positions_in_runs
from mimic.ordering import best_first

__all__ = [
    "VALUE_WEIGHTS",
    "WEIGHTS_2023",
    "WEIGHTS_2026",
    "DiversityScorer",
    "HeuristicScorer",
    "RecencyScorer",
    "score_so_far",
    "times",
]

WEIGHTS_2023: Final = {
    "like": 0.5,
    "reply": 13.5,
    "retweet": 1.0,
    "profile_visit": 12.0,
    "click": 11.0,
    "not_interested": -74.0,
    "report": -369.0,
}
"""Twitter's heavy ranker, 5 April 2023 (the-algorithm-ml, projects/home/recap/README.md), as far as our
responses go. There, a profile visit and a click count only when they lead to an engagement, and
`not_interested` stands for several reactions."""

WEIGHTS_2026: Final = {
    "like": 0.5,
    "reply": 5.0,
    "retweet": 1.0,
    "quote": 5.0,
    "follow": 4.0,
    "click": 0.4,
    "profile_visit": 0.0,
    "not_interested": -43.2,
    "block": -31.2,
    "report": -234.0,
}
"""X, August 2026 (x-algorithm, home-mixer/params/param.rs), as far as our responses go."""

VALUE_WEIGHTS: Final = {
    "like": 0.5,
    "reply": 5.0,
    "retweet": 1.0,
    "quote": 5.0,
    "follow": 4.0,
    "click": 0.4,
    "profile_visit": 0.0,
    "not_interested": -9.6,
    "block": -6.9,
    "report": -52.0,
}
"""What a response is worth in this course: the set of 2026 with the negatives divided by 4.5. Our log has
more of them than a real one, and they should not weigh more in it."""


@dataclass(frozen=True, kw_only=True)
class HeuristicScorer:
    """A product of lifts, from statistics of the data set: no training, and every factor can be read.

    score = author rate × network × topic × proof × freshness

    Columns: each factor, and the score, which reads as a rough chance of engagement. All constants
    are chosen by hand. Needs the columns of TweetHydrator, ViewerHydrator, AuthorHydrator and
    ProofHydrator.
    """

    network_lift: float = 3.0
    """How many times likelier to be engaged with a tweet is when its author is followed."""
    tie_lift: float = 0.5
    """Added to 1 for each unit of ln(1 + responses to the author so far), followed or not."""
    topic_lift: float = 10.0
    """Added to 1 for a topic that is all of the viewer's history; in proportion for others."""
    proof_lift: float = 0.5
    """Added to 1 for each unit of ln(1 + weight of the followees who engaged), strangers' tweets only:
    that you follow the author says more than that a friend does."""
    half_life_hours: float = 24.0
    """Hours in which the score halves."""
    name: str = "heuristic"

    def score(self, query: Query, candidates: Candidates) -> Mapping[str, Array]:
        """network, topic, author, proof, freshness and their product, the score."""
        known = candidates["in_network"]
        factors = {
            "network": np.where(known, self.network_lift, 1.0)
            * (1.0 + self.tie_lift * np.log1p(candidates["tie"])),
            "topic": 1.0 + self.topic_lift * candidates["topic_share"],
            "author": candidates["author_rate"],
            "proof": 1.0 + np.where(known, 0.0, self.proof_lift * np.log1p(candidates["proof_weight"])),
            "freshness": np.exp2(-candidates["age_hours"] / self.half_life_hours),
        }
        floats = {name: np.asarray(values, np.float32) for name, values in factors.items()}
        return floats | {SCORE: np.prod(list(floats.values()), axis=0)}


@dataclass(frozen=True, kw_only=True)
class RecencyScorer:
    """Prefers the new: multiplies the score by 2^(−age / half-life); alone, it makes the chronological feed.

    Needs TweetHydrator's columns. Columns: the factor `freshness`, and the score.
    """

    half_life_hours: float = 6.0
    """Hours in which the score halves."""
    name: str = "recency"

    def score(self, query: Query, candidates: Candidates) -> Mapping[str, Array]:
        """The factor in float64, where even a millisecond's difference in age still shows."""
        freshness = np.exp2(-candidates["age_hours"].astype(np.float64) / self.half_life_hours)
        return {"freshness": freshness, SCORE: times(score_so_far(candidates), freshness)}


@dataclass(frozen=True, kw_only=True)
class DiversityScorer:
    """Pushes repeated authors down, as Home does: their k-th best tweet is multiplied by a factor.

    The factor is (1 − floor)·decay^k + floor with k from 0, so with Twitter's constants 1, .625,
    .4375, .344 … (home-mixer/server/src/main/scala/com/twitter/home_mixer/product/scored_tweets/
    scorer). The best are found by the scores that come in, before any is lowered. Needs
    TweetHydrator's columns and a score. Columns: `place` (k), `factor`, and the score.
    """

    decay: float = 0.5
    """What is left of the part above the floor with each further tweet."""
    floor: float = 0.25
    """The factor that is never undercut."""
    name: str = "diversity"

    def score(self, query: Query, candidates: Candidates) -> Mapping[str, Array]:
        """A score below zero is divided by the factor, so that repetition never lifts a tweet."""
        incoming = candidates[SCORE]
        order = best_first(incoming, candidates.rows)
        author = candidates["author"][order]
        by_author = np.argsort(author, kind="stable")  # within an author still best first
        _, sizes = np.unique(author, return_counts=True)
        place = np.empty(len(candidates), np.float32)
        place[order[by_author]] = positions_in_runs(sizes)
        factor = (1.0 - self.floor) * self.decay**place + self.floor
        return {"place": place, "factor": factor, SCORE: times(incoming, factor)}


def score_so_far(candidates: Candidates) -> Array:
    """What earlier scorers said, float[n]; ones where none has spoken, so that a factor is then the score.

    For scorers that change a score and can also stand alone.
    """
    return candidates[SCORE] if SCORE in candidates else np.ones(len(candidates), np.float32)


def times(score: Array, factor: Array) -> Array:
    """Score × factor, float[n], for factors in (0, 1]: never more than the score, whatever its sign.

    A negative score is divided, for otherwise what is pushed down would rise. NaN stays NaN.
    """
    lowered: Array = np.where(score >= 0, score * factor, score / factor)
    return lowered

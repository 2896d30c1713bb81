"""What is known of one person's dealings with another: the columns that RealGraph predicts from.

Twitter keeps two products side by side (src/scala/com/twitter/interaction_graph), and both are here:

    the eight columns    what happened in 30 days, by day and not by event (bqe/training, bqe/scoring)
    the rollups          s(today) = x + .955 · s(yesterday), over pairs and over either side (scio/agg_all)

The published model sees the eight columns only. Ours sees the rollups too: in a log this small most pairs
have one day with an interaction or none, and how often they *met* is what tells them apart.

Rollups are divided by what a count of one a day would have come to, so that a platform of twelve days and one
of thirty look alike. Twitter drops a rollup after 60 days; our window ends before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mimic.columns import rows_of
from mimic.data_loader import DataLoader
from mimic.retrieval.edge_log import DAY_MS, DECAY, INTERACTIONS, WINDOW_DAYS, EdgeLog, pair_keys, split_pairs
from mimic.schema import RESPONSES

__all__ = ["EDGE_FEATURES", "edge_features"]

Keys = NDArray[np.int64]
Floats = NDArray[np.float64]

NUM_TWEETS_DAYS: Final = 3
"""Days in which the other's tweets are counted (bqe/scoring/follow_graph_features.sql)."""

_ENGAGED: Final = ("like", "reply", "retweet", "quote", "follow")
_LOOKED: Final = ("click", "profile_visit")
_DISLIKED: Final = ("not_interested", "block", "report")

_PRIOR_VERTEX: Final = 20.0
"""Impressions at the average rate that each user starts with, on either side. Chosen by hand."""
_PRIOR_PAIR: Final = 3.0
"""Impressions at the source's own rate that each pair starts with. Chosen by hand."""

EDGE_FEATURES: Final = {
    # The eight columns, as logs where they count something.
    "num_days": "ln(1 + days with any interaction)",
    "num_tweets": "ln(1 + tweets by the other in three days), 0 unless followed",
    "days_since_last_interaction": "ln(1 + days), that of 30 when there was none",
    "label_types": "ln(1 + different kinds of interaction)",
    "num_follows": "ln(1 + days with a follow)",
    "num_favorites": "ln(1 + days with a like)",
    "num_tweet_clicks": "ln(1 + days with a click)",
    "num_profile_views": "ln(1 + days with a profile visit)",
    # Status: yes or no, never decayed.
    "follows": "the source follows the other",
    "followed_by": "the other follows the source",
    # Rollups of the pair.
    "engagements": "ln(1 + decayed monthly likes, replies, retweets, quotes and follows)",
    "looks": "ln(1 + decayed monthly clicks and profile visits)",
    "dislikes": "ln(1 + decayed monthly not-interested, blocks and reports)",
    "impressions": "ln(1 + decayed monthly impressions of the other's tweets)",
    "dwell": "decayed mean of ln(1 + seconds) that the source stayed on the other's tweets, smoothed",
    "pair_rate": "ln of interactions per impression, smoothed towards the source's own rate",
    # Rollups of either side.
    "source_impressions": "ln(1 + decayed monthly impressions that the source saw)",
    "source_rate": "ln of the source's interactions per impression, smoothed",
    "source_follows": "ln(1 + accounts that the source follows)",
    "other_impressions": "ln(1 + decayed monthly impressions that the other's tweets got)",
    "other_rate": "ln of interactions per impression of the other's tweets, smoothed",
    "other_tweets": "ln(1 + tweets by the other in three days)",
}
"""Every column and its meaning. No ids: Twitter's query leaves both in its select list (train_model.sql), so
that its trees can learn people by heart."""


def edge_features(data: DataLoader, pairs: Keys) -> Floats:
    """The columns of EDGE_FEATURES for ascending pairs as of the snapshot, float64[E, F]."""
    edges = _Edges.of(data, pairs)
    columns = _days(edges) | _status(edges) | _rollups(edges) | _sides(edges)
    return np.stack([columns[name] for name in EDGE_FEATURES], axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Edges:
    """Pairs, and where in them each row of the log belongs. E pairs."""

    data: DataLoader
    pairs: Keys
    answers: EdgeLog
    views: EdgeLog

    @classmethod
    def of(cls, data: DataLoader, pairs: Keys) -> _Edges:
        answers, views = EdgeLog.of(data, "interactions"), EdgeLog.of(data, "impressions")
        return cls(data=data, pairs=pairs, answers=answers, views=views)

    @cached_property
    def sides(self) -> tuple[Keys, Keys]:
        """Source and other (rows) of each pair."""
        return split_pairs(self.data, self.pairs)

    @cached_property
    def answer_places(self) -> tuple[Keys, NDArray[np.bool_]]:
        """The pair that each answer belongs to, and whether there is one."""
        return rows_of(self.pairs, self.answers.pair)

    @cached_property
    def view_places(self) -> tuple[Keys, NDArray[np.bool_]]:
        """The same for impressions."""
        return rows_of(self.pairs, self.views.pair)

    @property
    def month(self) -> float:
        """Thirty over what a count of one a day would have decayed to: turns a sum into a monthly count."""
        days = np.clip(-(-(self.data.now - self.data.manifest.start) // DAY_MS), 1, WINDOW_DAYS)
        return float(WINDOW_DAYS * (1 - DECAY) / (1 - DECAY**days))

    def answered(self, kinds: tuple[str, ...]) -> Floats:
        """float64[E]: decayed sum of some responses."""
        place, there = self.answer_places
        rows = there & self.answers.among(kinds)
        return _summed(place[rows], self.answers.weight[rows], len(self.pairs))

    def seen(self, worth: Floats | None = None) -> Floats:
        """float64[E]: decayed sum of impressions, or of something that each of them was worth."""
        place, there = self.view_places
        weight = self.views.weight if worth is None else self.views.weight * worth
        return _summed(place[there], weight[there], len(self.pairs))

    def side(self, name: str) -> tuple[Floats, Floats]:
        """Decayed impressions of each user as "source" or as "other", and the smoothed share answered.

        float64[U] each; as a source one views, as the other one is viewed.
        """
        counted = self.answers.among(INTERACTIONS)
        answerer, viewer = getattr(self.answers, name)[counted], getattr(self.views, name)
        answered = _summed(answerer, self.answers.weight[counted], self.answers.users)
        seen = _summed(viewer, self.views.weight, self.views.users)
        usual = (answered.sum() + 1.0) / (seen.sum() + _PRIOR_VERTEX)
        return seen, (answered + _PRIOR_VERTEX * usual) / (seen + _PRIOR_VERTEX)

    @cached_property
    def source_side(self) -> tuple[Floats, Floats]:
        """Impressions and rate of each pair's source: float64[E] each."""
        seen, rate = self.side("source")
        return seen[self.sides[0]], rate[self.sides[0]]

    @cached_property
    def follows(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether the source follows the other, and the other the source: bool[E] each."""
        source, other = self.sides
        follows = np.sort(pair_keys(self.data, self.data.follows["follower"], self.data.follows["followed"]))
        return rows_of(follows, self.pairs)[1], rows_of(follows, pair_keys(self.data, other, source))[1]

    @cached_property
    def tweets_lately(self) -> Floats:
        """float64[E]: ln(1 + tweets by the other in three days)."""
        first = self.data.since("tweets", 24.0 * NUM_TWEETS_DAYS)
        written = np.bincount(self.data.tweets["author"][first:], minlength=len(self.data.users))
        return np.log1p(written[self.sides[1]])


def _summed(places: NDArray[Any], weights: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(places, weights, size), np.float64)


def _days(edges: _Edges) -> dict[str, Floats]:
    """The eight columns. Labels are a set a day: three likes on one day are one day with a like."""
    log, (place, there), count = edges.answers, edges.answer_places, len(edges.pairs)
    rows = there & log.among(INTERACTIONS)
    days = np.unique(place[rows] * WINDOW_DAYS + log.age[rows])
    kinds = np.unique(place[rows] * len(RESPONSES) + log.kind[rows])
    since = np.full(count, WINDOW_DAYS)
    np.minimum.at(since, days // WINDOW_DAYS, days % WINDOW_DAYS)

    def days_with(kind: str) -> Floats:
        some = rows & log.among((kind,))
        days = np.unique(place[some] * WINDOW_DAYS + log.age[some])
        return np.log1p(np.bincount(days // WINDOW_DAYS, minlength=count))

    return {
        "num_days": np.log1p(np.bincount(days // WINDOW_DAYS, minlength=count)),
        "num_tweets": np.where(edges.follows[0], edges.tweets_lately, 0.0),
        "days_since_last_interaction": np.log1p(since),
        "label_types": np.log1p(np.bincount(kinds // len(RESPONSES), minlength=count)),
        "num_follows": days_with("follow"),
        "num_favorites": days_with("like"),
        "num_tweet_clicks": days_with("click"),
        "num_profile_views": days_with("profile_visit"),
    }


def _status(edges: _Edges) -> dict[str, Floats]:
    """What holds or does not."""
    there, back = edges.follows
    return {"follows": there.astype(np.float64), "followed_by": back.astype(np.float64)}


def _rollups(edges: _Edges) -> dict[str, Floats]:
    """Decayed sums of the pair's own history."""
    first = edges.data.since("impressions", 24.0 * WINDOW_DAYS)
    seconds = np.log1p(edges.data.impressions["dwell_ms"][first:] / 1000.0)
    usual = float(seconds.mean()) if len(seconds) else 0.0
    engaged, looked, seen = edges.answered(_ENGAGED), edges.answered(_LOOKED), edges.seen()
    _, own_rate = edges.source_side
    return {
        "engagements": np.log1p(edges.month * engaged),
        "looks": np.log1p(edges.month * looked),
        "dislikes": np.log1p(edges.month * edges.answered(_DISLIKED)),
        "impressions": np.log1p(edges.month * seen),
        "dwell": (edges.seen(seconds) + usual) / (seen + 1.0),
        "pair_rate": np.log((engaged + looked + _PRIOR_PAIR * own_rate) / (seen + _PRIOR_PAIR)),
    }


def _sides(edges: _Edges) -> dict[str, Floats]:
    """Decayed sums over all pairs of the source, and over all pairs of the other."""
    source, other = edges.sides
    saw, rate = edges.source_side
    shown, received = edges.side("other")
    follows = np.bincount(edges.data.follows["follower"], minlength=len(edges.data.users))
    return {
        "source_impressions": np.log1p(edges.month * saw),
        "source_rate": np.log(rate),
        "source_follows": np.log1p(follows[source]),
        "other_impressions": np.log1p(edges.month * shown[other]),
        "other_rate": np.log(received[other]),
        "other_tweets": edges.tweets_lately,
    }

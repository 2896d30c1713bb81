"""Was the score of a tie right? What pairs did on the next day, and what plain rules would have said.

Everything here looks a day beyond the snapshot on purpose; nothing in serving imports this module. Whoever
knows the true strength of ties passes it in as an array: the recommender has no way of its own to it.

    outcome = NextDay.of(data, graph)
    outcome.table()                          AUC and PR-AUC, over all candidates and over pairs that met
    outcome.selection_table(rng=rng)         what a model that only knows candidates says of everybody else
    tie_correlations(scores, truth, seen)    rank correlation with the truth, by how often a pair met
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from mimic.columns import rows_of
from mimic.data_loader import DataLoader
from mimic.errors import MimicError
from mimic.retrieval.edge_log import (
    DAY_MS,
    INTERACTIONS,
    WINDOW_DAYS,
    EdgeLog,
    candidate_pairs,
    next_day,
    pair_keys,
    split_pairs,
)
from mimic.retrieval.real_graph import RealGraph

__all__ = ["EXPOSURES", "NextDay", "plain_ties", "tie_correlations"]

Keys = NDArray[np.int64]
Floats = NDArray[np.float64]

EXPOSURES: Final = (0, 1, 3, 6, 11, 21)
"""Least impressions of each group of edges that `tie_correlations` tells apart."""

_SAMPLE: Final = 200_000
"""Pairs without any history that stand for all of them."""


def plain_ties(data: DataLoader, pairs: Keys) -> dict[str, Floats]:
    """What rules of one line say of ascending pairs as of a snapshot, float64[E] each.

    *follow only*: whether the source follows; *count only*: interactions in 30 days; *last interaction*:
    less the days since; *impressions last week*; *tweets by author* in 30 days.
    """
    answers, views = EdgeLog.of(data, "interactions"), EdgeLog.of(data, "impressions")
    rows, recent = answers.among(INTERACTIONS), views.age < 7
    place, there = rows_of(pairs, answers.pair[rows])
    viewed, seen = rows_of(pairs, views.pair[recent])
    since = np.full(len(pairs), WINDOW_DAYS)
    np.minimum.at(since, place[there], answers.age[rows][there])
    follows = np.sort(pair_keys(data, data.follows["follower"], data.follows["followed"]))
    first = data.since("tweets", 24.0 * WINDOW_DAYS)
    written = np.bincount(data.tweets["author"][first:], minlength=len(data.users))
    rules = {
        "follow only": rows_of(follows, pairs)[1],
        "count only": np.bincount(place[there], minlength=len(pairs)),
        "last interaction": -since,
        "impressions last week": np.bincount(viewed[seen], minlength=len(pairs)),
        "tweets by author": written[split_pairs(data, pairs)[1]],
    }
    return {name: np.asarray(score, np.float64) for name, score in rules.items()}


@dataclass(frozen=True, kw_only=True, eq=False)
class NextDay:
    """Candidate pairs of a snapshot, and what became of them within 24 hours. E pairs."""

    data: DataLoader
    graph: RealGraph
    pairs: Keys
    """int64[E], ascending."""
    met: NDArray[np.bool_]
    """bool[E]: something by the other was shown to the source."""
    interacted: NDArray[np.bool_]
    """bool[E]: and the source answered it."""
    scores: Mapping[str, Floats]
    """By method, float64[E]: the graph's "tie" and "affinity", and those of `plain_ties`."""
    outside: tuple[Keys, Keys]
    """Pairs that are no candidates: those that interacted, and those that met."""

    @classmethod
    def of(cls, data: DataLoader, graph: RealGraph, sources: NDArray[np.bool_] | None = None) -> NextDay:
        """The day after a snapshot, of all sources or of some (bool[users])."""
        pairs = candidate_pairs(data)
        interacted, met = next_day(data, data.as_of(data.now + DAY_MS))
        if sources is not None:
            pairs, interacted, met = (
                keys[sources[keys // len(data.users)]] for keys in (pairs, interacted, met)
            )
        source, other = split_pairs(data, pairs)
        place = _places(graph, source, other)
        own = {
            "tie": graph.tie[place].astype(np.float64),
            "affinity": graph.affinity[place].astype(np.float64),
        }
        return cls(
            data=data,
            graph=graph,
            pairs=pairs,
            met=rows_of(met, pairs)[1],
            interacted=rows_of(interacted, pairs)[1],
            scores=own | plain_ties(data, pairs),
            outside=(np.setdiff1d(interacted, pairs), np.setdiff1d(met, pairs)),
        )

    @property
    def sources(self) -> Keys:
        """int64[E]: whose each row is, for intervals that respect people (`mimic.auc`)."""
        return split_pairs(self.data, self.pairs)[0]

    def table(self) -> pd.DataFrame:
        """One row a method: AUC and PR-AUC of next-day interaction over all candidates, then where they met.

        Raises MimicError when nobody interacted, or everybody.
        """
        if self.interacted.all() or not self.interacted.any():
            raise MimicError("a comparison needs pairs that interacted and pairs that did not")
        rows = {}
        for name, score in self.scores.items():
            rows[name] = [
                measure(self.interacted[of], score[of])
                for of in (np.ones(len(self.met), bool), self.met)
                for measure in (roc_auc_score, average_precision_score)
            ]
        columns = ["AUC", "PR-AUC", "AUC, met", "PR-AUC, met"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)

    def selection_table(self, *, rng: np.random.Generator) -> pd.DataFrame:
        """Candidates and everybody else: how many there are, what they did, and what the model says.

        The model was trained on pairs with some relation. What it says of pairs without any is what it makes
        of columns full of zeros; `said` beside `came true` shows what that is worth. A sample of pairs that
        are no candidates speaks for everybody else.

        Returns:
            Rows "candidates" and "everybody else"; columns pairs, interacted, share (of all interactions),
            said and came true (probability of an interaction within a day).
        """
        users = len(self.data.users)
        asked = np.flatnonzero(np.bincount(self.sources, minlength=users))
        drawn = pair_keys(self.data, rng.choice(asked, _SAMPLE), rng.integers(0, users, _SAMPLE))
        drawn = np.unique(drawn[drawn // users != drawn % users])
        strangers = np.setdiff1d(drawn, self.pairs)
        pairs = np.array([len(self.pairs), len(asked) * (users - 1) - len(self.pairs)])
        interacted = np.array([self.interacted.sum(), len(self.outside[0])])
        said = [self.scores["tie"].mean(), self.graph.model.predict(self.data, strangers)[0].mean()]
        return pd.DataFrame(
            {
                "pairs": pairs,
                "interacted": interacted,
                "share": interacted / interacted.sum(),
                "said": said,
                "came true": interacted / pairs,
            },
            index=["candidates", "everybody else"],
        )


def _places(graph: RealGraph, sources: Keys, others: Keys) -> Keys:
    """Where each candidate pair stands in the graph."""
    users = len(graph.starts) - 1
    known = np.repeat(np.arange(users), np.diff(graph.starts)) * users + graph.others
    place, there = rows_of(known, sources * users + others)
    if not there.all():
        raise MimicError("the ties are of another snapshot than the pairs")
    return place


def tie_correlations(
    scores: Mapping[str, NDArray[Any]], truth: NDArray[Any], exposures: NDArray[Any]
) -> pd.DataFrame:
    """Spearman's rank correlation of scores with true ties, by how often something was shown.

    Args:
        scores: name to float[n], one entry an edge.
        truth: float[n], the true strength; edges where it is NaN are left out.
        exposures: int[n], impressions of the other's tweets that the source had.

    Returns:
        One row a group of EXPOSURES and one for all edges: n, then a column a score; NaN where a score never
        varies.
    """
    known = ~np.isnan(truth)
    group = np.searchsorted(EXPOSURES, exposures, side="right") - 1
    names = [_range(low, high) for low, high in zip(EXPOSURES, (*EXPOSURES[1:], None), strict=True)]
    rows = {name: known & (group == number) for number, name in enumerate(names)} | {"all": known}
    table = {
        name: {"n": int(of.sum()), **{s: _spearman(score[of], truth[of]) for s, score in scores.items()}}
        for name, of in rows.items()
    }
    return pd.DataFrame.from_dict(table, orient="index")


def _range(low: int, high: int | None) -> str:
    if high is None:
        return f"{low} or more"
    return str(low) if high == low + 1 else f"{low} to {high - 1}"


def _spearman(score: NDArray[Any], truth: NDArray[Any]) -> float:
    if len(score) < 2 or np.ptp(score) == 0 or np.ptp(truth) == 0:
        return float("nan")
    return float(spearmanr(score, truth).statistic)

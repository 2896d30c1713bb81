"""Who had to do with whom, and when: pairs of users, and the log read as dealings between them.

An edge is a pair, source → other, written as one number so that a million pairs are one sorted array.
Days are counted back from a snapshot's moment: day 0 is the last 24 hours. That makes every moment a
midnight of its own, and a training set of last week's mornings is made by the code that serves today.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mimic.columns import NONE, TIME, rows_of
from mimic.data_loader import HOUR_MS, DataLoader
from mimic.schema import RESPONSES

__all__ = ["DAY_MS", "DECAY", "INTERACTIONS", "WINDOW_DAYS", "EdgeLog", "candidate_pairs", "next_day"]
__all__ += ["followed_before", "pair_keys", "shunned_pairs", "split_pairs"]

Keys = NDArray[np.int64]
Floats = NDArray[np.float64]

DAY_MS: Final = 24 * HOUR_MS
"""Milliseconds in a day."""
WINDOW_DAYS: Final = 30
"""Days that a history goes back."""
DECAY: Final = 0.955
"""Weight that a day keeps until the next. Its comment promises a half-life of 7 days; it gives 15
(scio/agg_all/InteractionGraphAggregationConfig.scala)."""

INTERACTIONS: Final = ("like", "reply", "retweet", "quote", "follow", "click", "profile_visit")
"""What counts as an interaction: RealGraph's labels as far as our log has them
(scio/ml/labels/LabelUtil.scala). Dislikes do not."""


def pair_keys(data: DataLoader, sources: NDArray[Any], others: NDArray[Any]) -> Keys:
    """One number for each pair of users (rows), int64[n]; ascending by source, then by other."""
    keys: Keys = np.asarray(sources, np.int64) * len(data.users) + others
    return keys


def split_pairs(data: DataLoader, pairs: Keys) -> tuple[Keys, Keys]:
    """Sources and others (rows) of pairs."""
    sources, others = np.divmod(pairs, len(data.users))
    return sources, others


def candidate_pairs(data: DataLoader) -> Keys:
    """Pairs worth a prediction, ascending: an interaction within 30 days, or a follow.

    Twitter also cuts at 2,000 an account, which nobody here has.
    """
    log = EdgeLog.of(data, "interactions")
    follows = pair_keys(data, data.follows["follower"], data.follows["followed"])
    return np.unique(np.concatenate((log.pair[log.among(INTERACTIONS)], follows)))


def shunned_pairs(data: DataLoader) -> Keys:
    """Pairs whose source blocked, muted or reported the other: left out of training, not of scoring."""
    muted = data.mutes["muted"] != NONE
    log = EdgeLog.of(data, "interactions")
    return np.unique(
        np.concatenate(
            (
                pair_keys(data, data.blocks["user"], data.blocks["blocked"]),
                pair_keys(data, data.mutes["user"][muted], data.mutes["muted"][muted]),
                log.pair[log.among(("block", "report"))],
            )
        )
    )


def followed_before(data: DataLoader, pairs: Keys, moments: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the source followed the other before each row's moment, bool[n]; pairs in any order."""
    follows = pair_keys(data, data.follows["follower"], data.follows["followed"])
    order = np.argsort(follows, kind="stable")
    place, there = rows_of(follows[order], pairs)
    there[there] = data.follows["created_at"][order[place[there]]] < moments[there]
    return there


def next_day(data: DataLoader, later: DataLoader) -> tuple[Keys, Keys]:
    """Pairs that interacted between two snapshots, and pairs that met: an impression or an interaction.

    Both ascending. Training passes two moments of the past, evaluation the present and a later one.
    """
    log = EdgeLog.of(later, "interactions", len(data.interactions))
    seen = EdgeLog.of(later, "impressions", len(data.impressions))
    interacted = np.unique(log.pair[log.among(INTERACTIONS)])
    return interacted, np.union1d(interacted, seen.pair)


@dataclass(frozen=True, kw_only=True, eq=False)
class EdgeLog:
    """Rows of a log of one viewer and one author each. M rows, U users."""

    users: int
    source: NDArray[Any]
    """int[M]: the viewer (row)."""
    other: NDArray[Any]
    """int[M]: the author (row)."""
    age: NDArray[np.int64]
    """int64[M]: whole days back from the snapshot's moment, from 0."""
    kind: NDArray[Any]
    """int8[M]: position in RESPONSES; empty for impressions."""

    @classmethod
    def of(cls, data: DataLoader, name: str, first: int | None = None) -> EdgeLog:
        """The last 30 days of `data.interactions` or `data.impressions`, or their rows from `first` on."""
        table = data.interactions if name == "interactions" else data.impressions
        rows = slice(data.since(name, 24.0 * WINDOW_DAYS) if first is None else first, None)
        return cls(
            users=len(data.users),
            source=table["user"][rows],
            other=data.tweets["author"][table["tweet"][rows]],
            age=(data.now - table[TIME[name]][rows] - 1) // DAY_MS,
            kind=table["kind"][rows] if name == "interactions" else np.zeros(0, np.int8),
        )

    @cached_property
    def pair(self) -> Keys:
        """int64[M]: both in one number."""
        keys: Keys = np.asarray(self.source, np.int64) * self.users + self.other
        return keys

    @cached_property
    def weight(self) -> Floats:
        """float64[M]: what is left of each row's weight today."""
        return np.asarray(DECAY**self.age, np.float64)

    def among(self, kinds: tuple[str, ...]) -> NDArray[np.bool_]:
        """bool[M]: whether each row is one of these responses."""
        return np.isin(self.kind, [RESPONSES.index(kind) for kind in kinds])

"""How good is a feed or a score, and how sure are we? Means and AUC, with intervals that respect people.

Whoever knows what a feed is worth (an oracle, a held-out log) passes that knowledge in as a plain
function: the recommender has no way of its own to the truth. Everything here runs after the fact and
may look beyond a snapshot's moment, as `active_users` does; nothing in serving imports this module.

    users = sample_users(data, 200, rng=np.random.default_rng(0))
    values = evaluate_feeds(feeds, users, data.now, oracle.feed_value)
    percent_of(values, "oracle", rng=np.random.default_rng(1))

Every interval is drawn in one way: people are drawn with replacement, each with all of their rows, and
whatever is compared is compared on the same draws.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from mimic.data_loader import HOUR_MS, DataLoader
from mimic.errors import MimicError

__all__ = [
    "DRAWS",
    "Interval",
    "active_users",
    "auc_draws",
    "evaluate_feeds",
    "interval",
    "interval_of_draws",
    "percent_of",
    "sample_users",
]

DRAWS: Final = 2_000
"""Samples of users that an interval is made of: enough for ends that are steady to about a fiftieth of the
interval's length."""

_AUC_DRAWS: Final = 200
"""Fewer than for means, because each needs a pass over all impressions."""
_AT_ONCE: Final = 25
"""Samples that are worked on together: bounds the memory to about 25 numbers an impression."""

_KEYS: Final = ("user_id", "at")

FeedMaker: TypeAlias = Callable[[int], ArrayLike]
"""From a user's id to the ids of the tweets that they are shown, first to last."""

Worth: TypeAlias = Callable[[int, Any, int], float]
"""What a feed is worth: from a user's id, tweet ids in order, and the moment (ms UTC), to a number."""

Statistic: TypeAlias = Callable[[pd.DataFrame], "pd.Series[float]"]
"""From means to what is wanted: gets one row a sample and one column a mean, returns one number a row."""


def active_users(data: DataLoader, hours: float = 24.0) -> NDArray[np.int64]:
    """Ids of all users who see at least one tweet in the `hours` after the snapshot's moment, ascending.

    These are the people whom a feed of that moment can reach: who joins within those hours is left
    out, for the snapshot does not know them. Raises MimicError when the data set ends before the
    hours do.
    """
    log = data.as_of(data.now + round(hours * HOUR_MS)).impressions
    viewers = np.unique(log["user"][len(data.impressions) :])
    here = data.users["created_at"][viewers] < data.now
    return np.sort(data.users["user_id"][viewers[here]])


def sample_users(
    data: DataLoader, n: int, *, rng: np.random.Generator, hours: float = 24.0
) -> NDArray[np.int64]:
    """`n` different ones of the `active_users`, drawn with equal chances, ascending: int64[n].

    All of them where there are fewer, which a tiny data set may have.
    """
    active = active_users(data, hours)
    return np.sort(rng.choice(active, min(n, len(active)), replace=False))


def evaluate_feeds(
    feeds: Mapping[str, FeedMaker],
    users: ArrayLike,
    at: int,
    worth: Worth,
    *,
    progress: bool = False,
) -> pd.DataFrame:
    """What each of several feeds is worth to each of several users at one moment.

    Args:
        feeds: name to the function that makes the feed.
        users: ids, int[n].
        at: the moment, ms UTC; feeds must be made as of it.
        worth: such as `oracle.feed_value`.
        progress: show a bar on standard error.

    Returns:
        One row a user: user_id, at, and a float column a feed. Tables of several moments can be put
        below one another with `pandas.concat`; the intervals know users by their ids.

    Raises:
        MimicError: a feed is called like one of the first two columns.
    """
    if taken := feeds.keys() & set(_KEYS):
        raise MimicError(f"no feed can be called {min(taken)!r}: the table has a column of that name")
    ids = np.atleast_1d(np.asarray(users, np.int64))
    columns: dict[str, list[float]] = {name: [] for name in feeds}
    for user in tqdm(ids.tolist(), unit="user", file=sys.stderr, disable=not progress):
        for name, feed_of in feeds.items():
            columns[name].append(worth(user, np.asarray(feed_of(user), np.int64), at))
    return pd.DataFrame({"user_id": ids, "at": np.full(len(ids), at, np.int64), **columns})


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A number with an interval, which shows itself as "33.6 (31.0 to 36.2)"."""

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """Each of the three numbers in a format such as ".1f"."""
        return f"{self.value:{spec}} ({self.low:{spec}} to {self.high:{spec}})"

    def __str__(self) -> str:
        return f"{self:.3g}"


def interval(
    table: pd.DataFrame,
    statistic: Statistic,
    *,
    rng: np.random.Generator,
    draws: int = DRAWS,
    level: float = 0.95,
) -> Interval:
    """A bootstrap interval of something that is computed from means over users.

        interval(values, lambda mean: 100 * mean["product"] / mean["oracle"], rng=rng)

    Users are drawn with replacement, each with all of their rows, because rows of one person are
    alike: a heavy user's ten moments are not ten people. The statistic is computed from the means of
    each draw, so ratios are ratios of means, and differences of two columns are paired. The interval
    is the middle `level` of the draws (the percentile bootstrap of Efron, 1979).

    Args:
        table: one row a user and moment, from `evaluate_feeds`.
        statistic: of the means of all columns but user_id and at.
        rng: draws the users; equal generators draw the same ones.
        draws: samples of users.
        level: share of the draws that lie inside.

    Raises:
        MimicError: the table has no rows or a value that is not a number.
    """
    means = _means(table, rng, draws)
    numbers = np.asarray(statistic(means), np.float64)
    low, high = np.quantile(numbers[1:], [(1 - level) / 2, (1 + level) / 2])
    return Interval(value=float(numbers[0]), low=float(low), high=float(high))


def percent_of(
    table: pd.DataFrame, best: str, *, rng: np.random.Generator, draws: int = DRAWS, level: float = 0.95
) -> pd.DataFrame:
    """Every feed of a table in per cent of the one called `best`, with intervals: «The climb».

    The same users are drawn for all rows. Ratios are ratios of means: a mean of ratios would be ruled
    by the few users for whom even the best feed is worth next to nothing.

    Returns:
        Index: the feeds' names in the table's order. Columns: mean (of the feed's own value), value
        (per cent), low, high.

    Raises:
        MimicError: as `interval`; or there is no feed `best`.
    """
    if best not in table.columns:
        raise MimicError(f"no feed is called {best!r}; there are: {', '.join(map(str, _feeds(table)))}")
    means = _means(table, rng, draws)
    ratios = 100.0 * means.div(means[best], axis="index")
    ends = ratios.iloc[1:].quantile([(1 - level) / 2, (1 + level) / 2])
    columns = {"mean": means.iloc[0], "value": ratios.iloc[0], "low": ends.iloc[0], "high": ends.iloc[1]}
    return pd.DataFrame(columns).rename_axis(None)


def _feeds(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if name not in _KEYS]


def _means(table: pd.DataFrame, rng: np.random.Generator, draws: int) -> pd.DataFrame:
    """Means of the feeds: the first row of the table itself, then one row for each draw of users."""
    names = _feeds(table)
    values = table[names].to_numpy(np.float64)
    if not len(values) or not np.isfinite(values).all():
        raise MimicError("the table needs at least one row, and a finite number in each")
    of, times = _drawn(table["user_id"].to_numpy(), rng, draws)
    sums = np.zeros((times.shape[1], len(names)))
    np.add.at(sums, of, values)
    rows = np.bincount(of)
    return pd.DataFrame(times @ sums / (times @ rows)[:, None], columns=names)


def _drawn(
    users: NDArray[np.integer[Any]], rng: np.random.Generator, draws: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number of each row's user from 0, int64[n], and how often each was drawn, int64[1 + draws, users].

    The first draw is everybody once: the rows as they are.
    """
    people, of = np.unique(users, return_inverse=True)
    times = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), size=draws)
    return of, np.concatenate((np.ones((1, len(people)), np.int64), times))


def auc_draws(
    happened: NDArray[np.bool_],
    scores: Mapping[str, NDArray[np.floating[Any]]],
    users: NDArray[np.integer[Any]],
    *,
    rng: np.random.Generator,
    draws: int = _AUC_DRAWS,
) -> pd.DataFrame:
    """AUC of each score on the rows themselves, and on samples of their users.

    The area under the ROC curve is the chance that of two rows, one where it happened and one where it
    did not, the first has the larger score.

    Args:
        happened: bool[n], what was to be foretold.
        scores: name to float[n]; equal scores count half.
        users: int[n], whose row each is.
        rng: draws the users; equal generators draw the same ones.
        draws: how often.

    Returns:
        One column a score; row 0 is the AUC of the rows as they are, rows 1 … draws those of the samples,
        NaN for a sample in which everything happened or nothing did.

    Raises:
        MimicError: everything happened or nothing did, or a score has rows that are not a number.
    """
    for name, score in scores.items():
        if missing := int(np.isnan(score).sum()):
            raise MimicError(f"the score {name!r} is not a number in {missing:,} of {len(score):,} rows")
    if happened.all() or not happened.any():
        raise MimicError("an AUC needs rows where it happened and rows where it did not")
    of, times = _drawn(users, rng, draws)
    return pd.DataFrame({name: _weighted(happened, score, of, times) for name, score in scores.items()})


def interval_of_draws(draws: pd.Series[float], level: float = 0.95) -> Interval:
    """The first entry with the middle `level` of the others around it, NaN left out."""
    low, high = np.nanquantile(draws.iloc[1:], [(1 - level) / 2, (1 + level) / 2])
    return Interval(value=float(draws.iloc[0]), low=float(low), high=float(high))


def _weighted(
    happened: NDArray[np.bool_],
    score: NDArray[np.floating[Any]],
    of: NDArray[np.int64],
    times: NDArray[np.int64],
) -> NDArray[np.float64]:
    """AUC with each row counted as often as its user was drawn, float64[draws]."""
    order = np.argsort(score, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(score[order]) > 0))  # of each run of equal scores
    happened, of = happened[order], of[order]
    parts = []
    for some in np.array_split(times, -(-len(times) // _AT_ONCE)):
        weight = some[:, of].astype(np.float64)
        good, bad = (np.add.reduceat(weight * is_, first, axis=1) for is_ in (happened, ~happened))
        below = np.cumsum(bad, axis=1) - bad / 2
        pairs = good.sum(axis=1) * bad.sum(axis=1)
        parts.append((good * below).sum(axis=1) / np.where(pairs > 0, pairs, np.nan))
    return np.concatenate(parts)

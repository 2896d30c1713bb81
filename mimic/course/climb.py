"""The climb: what a chapter's part adds to the feed, in per cent of the best feed there could be.

Two machines are compared, that of the chapter before and that of this one, on the same readers at the same
moment. Each is judged twice: by its own order, and by the best order of what it fetched. The first says what
readers gain today, the second what a better ranker could make of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.batch import Query
from mimic.course.stages import product_at
from mimic.data_loader import DataLoader
from mimic.evaluation import Interval, evaluate_feeds, interval, percent_of, sample_users
from mimic.pipeline import MixerPipeline

__all__ = ["BEST", "Climb", "Truth", "climb", "values"]

Ids = NDArray[np.int64]

BEST: Final = "the oracle's best"
_BEST_ORDER: Final = ", best order"
_DEEP: Final = 300
"""The oracle's best feed of 20 is made of so many best tweets: those below cannot come so far."""
_HUNDRED: Final = 100
_MARA: Final = 42


class Truth(Protocol):
    """What an oracle is asked."""

    def values_of_eligible(self, user_id: int, at: int) -> tuple[Ids, NDArray[np.float64]]:
        """Ids of all tweets that may be shown, ascending, and what each is worth."""
        ...

    def best(self, user_id: int, at: int, n: int) -> Ids:
        """The n eligible tweets of greatest value."""
        ...

    def best_order(self, user_id: int, tweet_ids: Any, at: int, size: int = 20) -> Ids:
        """The best feed that some tweets can make."""
        ...

    def feed_value(self, user_id: int, tweet_ids: Any, at: int) -> float:
        """What a feed is worth."""
        ...

    def eligible(self, user_id: int, at: int) -> Ids:
        """All tweets that may be shown, ascending."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Climb:
    """Feeds of one chapter and of the one before, measured. Build with `climb`."""

    before: str
    """Name of the earlier machine, such as "chapter 3"."""
    after: str
    values: pd.DataFrame
    """One row a reader, the first of them Mara: user_id, at, and the value of each feed."""
    held: pd.DataFrame
    """The same with the share of the oracle's best hundred that each machine fetched, in per cent."""
    seed: int

    @property
    def table(self) -> pd.DataFrame:
        """Per cent of the oracle's best feed: value, low and high of all but Mara, and Mara's own."""
        rows = percent_of(self.values.iloc[1:], BEST, rng=np.random.default_rng(self.seed))
        hers = self.values.iloc[0][list(rows.index)].astype(float)
        rows["Mara"] = 100 * hers / hers[BEST]
        return rows.drop(index=BEST).drop(columns="mean")

    def step(self, *, best_order: bool = False) -> Interval:
        """By how many points of the oracle's best the chapter's machine is better, paired."""
        suffix = _BEST_ORDER if best_order else ""
        return interval(
            self.values.iloc[1:],
            lambda mean: 100 * (mean[self.after + suffix] - mean[self.before + suffix]) / mean[BEST],
            rng=np.random.default_rng(self.seed),
        )

    def coverage(self, name: str | None = None) -> Interval:
        """Share of the oracle's best hundred that a machine (by default the chapter's) fetched, per cent."""
        return interval(
            self.held.iloc[1:], lambda mean: mean[name or self.after], rng=np.random.default_rng(self.seed)
        )

    def show(self) -> None:
        """The figure, with its title and its text for those who cannot see it."""
        from mimic import plots

        table = self.table
        each = ", ".join(f"{name} {value:.0f}" for name, value in table["value"].items())
        plots.show(
            plots.intervals(
                table,
                xlabel="feed value, % of the oracle's best feed",
                best=100,
                mark="Mara",
                lit=[name for name in table.index if name.startswith(self.after)],
            ),
            title=f"The climb: from {self.before} to {self.after}",
            alt=(
                "The climb, dots with intervals: mean feed value in per cent of the oracle's best, for "
                f"{len(self.values) - 1} readers and for Mara: {each}."
            ),
        )


def climb(
    data: DataLoader, truth: Truth, *, chapter: int, users: int = 200, seed: int = 0, mara: int = _MARA
) -> Climb:
    """Measure a chapter's step on `users` active readers and Mara (some ten seconds for 200).

    Args:
        data: the snapshot that is asked.
        truth: an oracle of the same data set.
        chapter: whose product is compared with that of the chapter before.
        users: readers, drawn among the active ones.
        seed: of the draw and of the intervals.
        mara: whose row stands first.
    """
    machines = {f"chapter {k}": product_at(data, chapter=k) for k in (chapter - 1, chapter)}
    readers = sample_users(data, users, rng=np.random.default_rng(seed))
    everyone = np.append(mara, readers[readers != mara]).tolist()
    best = {user: truth.best(user, data.now, _DEEP) for user in everyone}
    asked = {name: _asked(machine, truth) for name, machine in machines.items()}

    def share(user: int, ids: Any, _at: int) -> float:
        hundred = best[user][:_HUNDRED]
        return 100.0 * float(np.isin(hundred, ids).sum()) / len(hundred)

    fetched = {name: partial(_fetched, one) for name, one in asked.items()}
    before, after = machines
    return Climb(
        before=before,
        after=after,
        values=_values(asked, truth, best, data.now),
        held=evaluate_feeds(fetched, everyone, data.now, share),
        seed=seed,
    )


def values(
    machines: Mapping[str, MixerPipeline], truth: Truth, best: Mapping[int, Ids], at: int
) -> pd.DataFrame:
    """What each machine's feed is worth, by its own order and by the best order of what it fetched.

    Args:
        machines: by name.
        truth: an oracle of the same data set.
        best: user to some hundreds of tweets of greatest value, best first; these users are asked.
        at: the moment, ms.

    Returns:
        As `evaluate_feeds`: a column a machine, one for its best order, and `BEST`.
    """
    return _values({name: _asked(machine, truth) for name, machine in machines.items()}, truth, best, at)


Asked = Callable[[int], tuple[Ids, Ids]]
"""From a user to the feed that a machine shows, and all that it fetched within its budget and may show."""


def _asked(machine: MixerPipeline, truth: Truth) -> Asked:
    """Runs a machine once for each user, however often it is asked."""

    @cache
    def ask(user: int) -> tuple[Ids, Ids]:
        feed = machine.run(Query(user_id=user))
        ids = feed.candidates.tweet_ids[feed.candidates["fate"] != "over budget"]
        return feed.tweet_ids, ids[np.isin(ids, truth.eligible(user, machine.data.now))]

    return ask


def _shown(asked: Asked, user: int) -> Ids:
    return asked(user)[0]


def _fetched(asked: Asked, user: int) -> Ids:
    return asked(user)[1]


def _values(machines: Mapping[str, Asked], truth: Truth, best: Mapping[int, Ids], at: int) -> pd.DataFrame:
    def ordered(tweets_of: Callable[[int], Ids], user: int) -> Ids:
        return truth.best_order(user, tweets_of(user), at)

    feeds = {name: partial(_shown, asked) for name, asked in machines.items()}
    feeds |= {f"{name}{_BEST_ORDER}": partial(ordered, partial(_fetched, m)) for name, m in machines.items()}
    feeds[BEST] = partial(ordered, best.__getitem__)
    return evaluate_feeds(feeds, list(best), at, truth.feed_value)

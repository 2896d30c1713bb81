"""SALSA: random walkers on the user–tweet graph, and where they would end up if there were endlessly many.

A walker starts at you (or, one time in ten, at somebody you are close to), steps to a tweet that this person
engaged with, from there to somebody who engaged with it, and so on; before each step from a user, it may go
home. A tweet's score is its share of all visits. GraphJet has such walks in its library
(graphjet-core, algorithms/salsa), after the stochastic approach to link-structure analysis of Lempel and
Moran; Home does not ask for them.

    you → tweet → somebody → tweet → somebody → tweet      a walk of length 5 visits three tweets

What the walkers estimate can be computed. Where a walker is, is a row of chances; a step is a product with a
matrix. So the share of visits is known exactly, and walkers are only a cheap way to see its largest entries.

Each person and tweet are joined by one edge here, whatever was done. Whoever has engaged with nothing has no
first step: then all walkers start at the seeds, and home is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mimic.csr import CSR
from mimic.errors import MimicError

__all__ = ["Salsa", "SalsaConfig"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SalsaConfig:
    """How walkers walk. GraphJet's defaults in brackets."""

    walks: int = 2_000
    """Walkers (1: callers are to say how many)."""
    length: int = 5
    """Steps of each, an odd number, so that it ends at a tweet (1)."""
    reset: float = 0.3
    """Chance of going home before a step from a user (.3)."""
    query_share: float = 0.9
    """Chance of starting at the user who asks, and not at a seed (.9)."""

    def __post_init__(self) -> None:
        if self.length < 1 or self.length % 2 == 0:
            raise MimicError(f"a walk ends at a tweet after an odd number of steps, got {self.length}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Salsa:
    """Walks on one graph. U users, W tweets from row `low` on. Build with `Salsa.of(by_user)`."""

    by_user: CSR
    """For each user (row) the tweets that they engaged with, counted from `low`."""
    by_tweet: CSR
    """For each of the W tweets who engaged with it (row)."""
    low: int
    config: SalsaConfig

    @classmethod
    def of(cls, by_user: CSR, config: SalsaConfig | None = None) -> Salsa:
        """From each user's tweets (rows), such as `EngagementGraph.of(data).by_user`."""
        low = int(by_user.values.min()) if len(by_user.values) else 0
        tweets = by_user.values.astype(np.int64) - low
        users = np.repeat(np.arange(len(by_user)), by_user.sizes)
        return cls(
            by_user=CSR(by_user.starts, tweets),
            by_tweet=CSR.group(tweets, int(tweets.max(initial=-1)) + 1, users),
            low=low,
            config=config or SalsaConfig(),
        )

    def walk(
        self, user: int, seeds: NDArray[Any], weights: NDArray[Any], *, rng: np.random.Generator
    ) -> tuple[Ints, Floats]:
        """Send walkers out from a user (row) and weighted seeds int[s] (rows, distinct), float[s].

        Returns:
            Tweets (rows) that were visited, ascending, and their shares of all visits, which sum to 1.
            Nothing when neither the user nor a seed has engaged with anything.
        """
        people, start, home = self._starts(user, seeds, weights)
        if not len(people):
            return np.zeros(0, np.int64), np.zeros(0)
        walks, visits = self.config.walks, np.zeros(len(self.by_tweet))
        at = rng.choice(people, walks, p=start)
        for step in range((self.config.length + 1) // 2):
            if step:
                goes_home = rng.random(walks) < self.config.reset
                at = np.where(goes_home, rng.choice(people, walks, p=home), at)
            tweet = _one_of_each(self.by_user, at, rng)
            visits += np.bincount(tweet, minlength=len(visits))
            at = _one_of_each(self.by_tweet, tweet, rng)
        return self._shares(visits)

    def expected(self, user: int, seeds: NDArray[Any], weights: NDArray[Any]) -> tuple[Ints, Floats]:
        """The same with endlessly many walkers: exact, by one product with a matrix a step."""
        people, start, home = self._starts(user, seeds, weights)
        if not len(people):
            return np.zeros(0, np.int64), np.zeros(0)
        at, back = np.zeros(len(self.by_user)), np.zeros(len(self.by_user))
        at[people], back[people] = start, home
        to_tweets = _steps(self.by_user, len(self.by_tweet))
        to_users = _steps(self.by_tweet, len(self.by_user))
        visits = np.zeros(len(self.by_tweet))
        for step in range((self.config.length + 1) // 2):
            if step:
                at = self.config.reset * back + (1 - self.config.reset) * at
            tweet = at @ to_tweets
            visits += tweet
            at = tweet @ to_users
        return self._shares(visits)

    def _starts(self, user: int, seeds: NDArray[Any], weights: NDArray[Any]) -> tuple[Ints, Floats, Floats]:
        """Who a walker can start at, with what chance, and with what chance it goes home to them.

        Only people who engaged with something: from the others there is no step.
        """
        people = np.append(seeds, user).astype(np.int64)
        mass = np.append(np.asarray(weights, np.float64), 0.0)
        moves = self.by_user.sizes[people] > 0
        of_seeds = mass[:-1] * moves[:-1]
        start = np.zeros(len(people))
        if of_seeds.sum():
            start[:-1] = of_seeds / of_seeds.sum()
        if moves[-1]:
            start *= 1 - self.config.query_share
            start[-1] = 1 - start[:-1].sum()
        home = np.eye(1, len(people), len(people) - 1)[0] if moves[-1] else start
        there = start > 0
        return people[there], start[there], home[there]

    def _shares(self, visits: Floats) -> tuple[Ints, Floats]:
        visited = np.flatnonzero(visits)
        return self.low + visited, visits[visited] / visits.sum()


def _one_of_each(lists: CSR, keys: Ints, rng: np.random.Generator) -> Ints:
    """One value of each key's list, all equally likely: int64[n]. No list may be empty."""
    sizes = lists.starts[keys + 1] - lists.starts[keys]
    return np.asarray(lists.values[lists.starts[keys] + rng.integers(sizes)], np.int64)


def _steps(lists: CSR, columns: int) -> sparse.csr_array:
    """The chances of each step, [keys, columns]: rows sum to 1, or to 0 where there is no step."""
    chance = np.repeat(1 / np.maximum(lists.sizes, 1), lists.sizes)
    return sparse.csr_array((chance, lists.values, lists.starts), shape=(len(lists), columns))

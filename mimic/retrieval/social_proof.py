"""Second degree with names kept: which tweets do some people's engagements lead to, and who led there?

    people with weights → what each engaged with → one row a tweet: summed weight, and everybody who led there

A tweet's weight orders it; the people behind it go on its card. Both come from one sort of the edges by tweet
and person, in which several actions of one person on one tweet fall together and count once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mimic.columns import NONE
from mimic.csr import CSR, positions_in_runs
from mimic.data_loader import DataLoader
from mimic.schema import ENGAGEMENTS
from mimic.viewer import handle

__all__ = ["Reached", "second_degree"]

Ints = NDArray[np.int64]

_PARTICIPLES: Final = ("liked by", "answered by", "retweeted by", "quoted by")
"""How a card puts each of ENGAGEMENTS."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reached:
    """The n tweets that a walk reached, by row, and by whom."""

    tweets: Ints
    """int64[n]: tweets (rows), ascending unless `take` put them in another order."""
    weights: NDArray[np.float64]
    """float64[n]: summed weight of the followees who engaged."""
    counts: Ints
    """int64[n]: how many they are."""
    first: Ints
    """int64[n]: the one with the largest weight (row)."""
    second: Ints
    """int64[n]: the next one (row), −1 when there is none."""
    people: CSR
    """For each of the n tweets everybody who engaged (rows), the heaviest first."""
    words: NDArray[np.float64]
    """float64: what the word of each of `people.values` counts, that is the seed's weight."""
    actions: NDArray[np.uint8]
    """uint8: what each of them did, bit i for ENGAGEMENTS[i]; 0 where the graph keeps no kinds."""

    def __len__(self) -> int:
        return len(self.tweets)

    def take(self, places: NDArray[Any]) -> Reached:
        """The tweets at some places (int[k] or bool[n]), in that order, with all who led there."""
        places = np.flatnonzero(places) if places.dtype == bool else places
        _, position = self.people.positions(places)
        starts = np.concatenate(([0], np.cumsum(self.counts[places])))
        return Reached(
            tweets=self.tweets[places],
            weights=self.weights[places],
            counts=self.counts[places],
            first=self.first[places],
            second=self.second[places],
            people=CSR(starts, self.people.values[position]),
            words=self.words[position],
            actions=self.actions[position],
        )

    def by_action(self) -> Ints:
        """How many of the people did what, int64[n, 4] in the order of ENGAGEMENTS; one may do several."""
        did = self._did()
        return np.stack([np.bincount(self._of(), column, len(self)) for column in did.T], 1).astype(np.int64)

    def weights_as_published(self) -> NDArray[np.float64]:
        """What the weights would be if a person counted once per kind of action, float64[n].

        That is UTEG's arithmetic (graphjet-core, algorithms/counting): somebody who likes and retweets
        counts as two people.
        """
        return np.bincount(self._of(), self.words * self._did().sum(axis=1), len(self)).astype(np.float64)

    def context(self, data: DataLoader, place: int) -> str:
        """What a card can say of one tweet: "liked by @ben and @chloe, whom you follow".

        Of the action that most of the people share, the first in ENGAGEMENTS among equals; the heaviest are
        named.
        """
        many = self.by_action()[place]
        if not many.any():
            return ""
        action = int(many.argmax())
        run = slice(self.people.starts[place], self.people.starts[place + 1])
        named = self.people.values[run][self.actions[run] >> action & 1 == 1][:2]
        others = f" and {many[action] - 2} more" if many[action] > 2 else ""
        who = " and ".join(handle(data, int(user)) for user in named)
        return f"{_PARTICIPLES[action]} {who}{others}, whom you follow"

    def _of(self) -> Ints:
        """The place of the tweet that each of the people led to."""
        return np.repeat(np.arange(len(self)), self.counts)

    def _did(self) -> Ints:
        """1 where a person did something of a kind, int64[people, 4]."""
        return (self.actions[:, None] >> np.arange(len(ENGAGEMENTS)) & 1).astype(np.int64)


def second_degree(
    seeds: NDArray[Any],
    weights: NDArray[Any],
    place: NDArray[Any],
    tweets: NDArray[Any],
    kinds: NDArray[Any] | None = None,
) -> Reached:
    """Gather edges from seeds to tweets by tweet. S seeds, E edges in any order.

    Args:
        seeds: int[S], users (rows), all distinct.
        weights: float[S], what each one's word counts.
        place: int[E], whose edge each is, as a place in `seeds`.
        tweets: int[E], what it leads to (rows).
        kinds: int[E], by what action, as positions in ENGAGEMENTS; None where it is not known.
    """
    key = tweets.astype(np.int64) * max(len(seeds), 1) + place
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    did = np.zeros(len(key), np.uint8) if kinds is None else np.uint8(1) << kinds[order].astype(np.uint8)
    tweet, who = np.divmod(key[starts], max(len(seeds), 1))
    actions = np.bitwise_or.reduceat(did, starts) if len(starts) else did
    first_of_tweet = np.flatnonzero(np.diff(tweet, prepend=-1))
    counts = np.diff(first_of_tweet, append=len(tweet))
    of = np.repeat(np.arange(len(counts)), counts)
    summed = np.zeros(len(counts))
    np.add.at(summed, of, weights[who])  # in the order of the seeds, so that equal sums are equal to the bit
    heaviest = np.lexsort((who, -weights[who], of))
    people = seeds[who[heaviest]].astype(np.int64)
    rank = positions_in_runs(counts)
    second = np.full(len(counts), NONE, np.int64)
    second[of[rank == 1]] = people[rank == 1]
    return Reached(
        tweets=tweet[first_of_tweet],
        weights=summed,
        counts=counts,
        first=people[first_of_tweet],
        second=second,
        people=CSR(np.append(first_of_tweet, len(tweet)), people),
        words=weights[who[heaviest]].astype(np.float64),
        actions=actions[heaviest],
    )

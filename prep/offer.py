"""The mixture from which a visit's tweets are drawn: five components, ready for all visits of a tick.

What may not be shown (seen before, oneself, blocked, muted) is left out of each component: by weight
zero where a component is a list of the viewer's own, by passing over it where the list serves
everybody. `policy.py` says what the mixture means and draws from it.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mimic.schema import LANGUAGES
from prep.arrays import (
    Bools,
    Floats,
    Ints,
    WeightedLists,
    choose,
    distinct,
    first_of_runs,
    found_in,
    offsets,
    order_by,
    spans,
    sums,
)
from prep.parameters import HOUR, WINDOW, ExposureParameters
from prep.people import People
from prep.state import State
from prep.topics import LEAVES
from prep.tweets import Tweets

IN_NETWORK, FOLLOWEE, POPULAR, TOPIC, RANDOM = range(5)
"""The components, in the order of `mimic.schema.SOURCES`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Visits:
    """Visits that begin between two ticks, at most one a user. V rows."""

    user: Ints
    """int64[V], row of the user."""
    at: Ints
    """int64[V], ms."""
    wanted: Ints
    """int64[V], how many tweets to offer."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TopicMemory:
    """What the logger believes a user is interested in: the K strongest leaves."""

    leaf: Ints
    """int16[U, K]."""
    weight: Floats
    """float64[U, K], sums to 1."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bonds:
    """What ties visits to tweets, pair by pair. n pairs."""

    tie: Floats
    """float64[n], strength of the viewer's tie to the author; NaN where there is no follow."""
    noisy_tie: Floats
    """float64[n], what the logger believes of it."""
    proof: Floats
    """float64[n], the sum of the ties to followees who engaged."""
    followee_weight: Floats
    """float64[n], the pair's weight in the component of what followees engaged with."""


class Offer:
    """The mixture of every visit of one tick, ready to be drawn from and to be asked for densities.

    Tweets are columns here: places 0 to W - 1 in `window`, the rows of tweets young enough for one of
    the visits. Visits are numbered 0 to V - 1.

    Args:
        state: what has happened up to the tick.
        people: all users.
        tweets: all tweets so far.
        memory: what the logger believes about interests.
        exposure: the policy's parameters.
        visits: who comes before the next tick, and when.
        window: int64[W], rows of tweets, ascending.
        next_tick: ms; the index shows nothing that could grow too old before it.
        words: rows of tweets grouped by mutable word, and where each group begins.
    """

    def __init__(
        self,
        state: State,
        people: People,
        tweets: Tweets,
        memory: TopicMemory,
        exposure: ExposureParameters,
        visits: Visits,
        window: Ints,
        next_tick: int,
        words: tuple[Ints, Ints],
    ) -> None:
        self.state, self.visits, self.window = state, visits, window
        self.width = len(window)
        self.lang = people.lang[visits.user].astype(np.int64)
        self.memory_leaf, self._memory_weight = memory.leaf[visits.user], memory.weight[visits.user]
        self.created, self.author = tweets.created_at[window], tweets.author[window].astype(np.int64)
        self.tweet_lang, self.tweet_leaf = tweets.lang[window].astype(np.int64), tweets.platform_topic[window]
        age_hours = np.maximum(state.now - self.created, 0) / HOUR
        self.recency = (1.0 + age_hours / exposure.recency_hours) ** -exposure.recency_power
        self.recency_own = (1.0 + age_hours / exposure.recency_hours) ** -exposure.recency_power_own
        self.indexed = (self.created < state.now) & (self.created >= next_tick - WINDOW)
        self._by_author = order_by((self.author, state.users))
        self._author_start = offsets(self.author, state.users)
        self._first_row = int(window[0])
        self._column_of = np.full(int(window[-1]) - self._first_row + 1, -1)
        self._column_of[window - self._first_row] = np.arange(self.width)
        self.forbidden = self._forbidden(words)
        self._in_network()
        self._followee()
        self._popular()
        self._topic()
        self._anything = np.flatnonzero(self.indexed)
        self._shares(np.array(exposure.mixture))

    def columns(self, tweet: Ints) -> Ints:
        """Place of each tweet row in the window; -1 where it is not there."""
        place = tweet - self._first_row
        inside = (place >= 0) & (place < len(self._column_of))
        return np.where(inside, self._column_of[np.where(inside, place, 0)], -1)

    def _forbidden(self, words: tuple[Ints, Ints]) -> Ints:
        """Sorted keys visit * W + column of what must not be shown: seen, avoided, muted words."""
        users = self.visits.user
        seer, tweet = self.state.seen(users)
        avoider, author = self.state.avoided_authors(users)
        start = self._author_start
        edge, at = spans(start[author], start[author + 1] - start[author])
        muter, word = self.state.muted_words(users)
        hit, row = spans(words[1][word], words[1][word + 1] - words[1][word])
        visit = np.concatenate([seer, avoider[edge], muter[hit]])
        col = np.concatenate([self.columns(tweet), self._by_author[at], self.columns(words[0][row])])
        return distinct((visit * self.width + col)[col >= 0])

    # --- the components ------------------------------------------------------------------------

    def _in_network(self) -> None:
        """Followees' tweets, by noisy tie times recency."""
        self.edges = self.state.edges_of(self.visits.user)
        owner, followed = self.edges.owner, self.edges.followed
        start = self._author_start
        edge, at = spans(start[followed], start[followed + 1] - start[followed])
        col, visit = self._by_author[at], owner[edge]
        ok = self._on_time(visit, col) & ~found_in(self.forbidden, visit * self.width + col)[0]
        edge, visit, col = edge[ok], visit[ok], col[ok]
        weight = self.edges.noisy_tie[edge] * self.recency_own[col]
        self.in_network = WeightedLists.of(visit, col, weight, len(self.visits.user))

    def _on_time(self, visit: Ints, col: Ints) -> Bools:
        """Whether a tweet is eligible at the very moment of the visit."""
        at, created = self.visits.at[visit], self.created[col]
        return np.asarray((created < at) & (created >= at - WINDOW))

    def _followee(self) -> None:
        """Tweets that followees engaged with, by the sum of noisy ties times recency; kappa too."""
        count = len(self.visits.user)
        owner, tie, noisy = self.edges.owner, self.edges.tie, self.edges.noisy_tie
        edge, tweet = self.state.engagements_of(self.edges.followed)
        col = self.columns(tweet)
        edge, col = edge[col >= 0], col[col >= 0]
        order = order_by((owner[edge], count), (col, self.width))
        edge, col = edge[order], col[order]
        visit = owner[edge]
        first = first_of_runs(visit, col)
        pair = np.cumsum(first) - 1
        visit, col = visit[first], col[first]
        self.proof_key = visit * self.width + col
        """int64[k], visit * W + column of pairs that a followee vouches for, ascending."""
        self.proof_tie = sums(pair, tie[edge], len(visit))
        """float64[k], the sum of the ties to those followees."""
        trust = sums(pair, noisy[edge], len(visit))
        ok = self.indexed[col] & ~found_in(self.forbidden, self.proof_key)[0]
        self._followee_weight: Floats = np.where(ok, trust * self.recency[col], 0.0)
        self.followee = WeightedLists.of(visit, col, self._followee_weight, count)

    def _popular(self) -> None:
        """Per language the most engaged."""
        self._popular_weight = np.where(self.indexed, self.state.popularity[self.window], 0.0)
        order = order_by((self.tweet_lang, len(LANGUAGES)))
        self.popular = WeightedLists.of(
            self.tweet_lang[order], order, self._popular_weight[order], len(LANGUAGES)
        )

    def _topic(self) -> None:
        """Per language and topic the fresh and engaged; viewers have shares in topics."""
        popularity = self.state.popularity[self.window]
        group, groups = self.tweet_lang * len(LEAVES) + self.tweet_leaf, len(LANGUAGES) * len(LEAVES)
        self._topic_weight = np.where(self.indexed, self.recency * np.sqrt(1.0 + popularity), 0.0)
        order = order_by((group, groups))
        self.topic = WeightedLists.of(group[order], order, self._topic_weight[order], groups)
        self._topic_mass = _or_one(self.topic.mass)[group]
        mine = self.lang[:, None] * len(LEAVES) + self.memory_leaf
        self.leaf_share = self._memory_weight * (self.topic.mass[mine] > 0)
        self.leaf_total = self.leaf_share.sum(axis=1)
        self._believed = np.zeros((len(mine), len(LEAVES)))
        np.put_along_axis(self._believed, self.memory_leaf.astype(np.int64), self.leaf_share, axis=1)

    def _shares(self, mixture: Floats) -> None:
        """Shares of the components that have something to show.

        A list for everybody of which the viewer may not see a part is drawn from so much more often
        that passing it over costs the component nothing.
        """
        visit, col = self.forbidden // self.width, self.forbidden % self.width
        count = len(self.lang)
        parts = self._shared_parts(visit, col)
        left = np.ones((count, 5))
        for c, part in enumerate(parts, start=POPULAR):
            left[:, c] -= sums(visit, part, count)
        there = np.stack(
            [
                self.in_network.mass > 0,
                self.followee.mass > 0,
                self.popular.mass[self.lang] > 0,
                self.leaf_total > 0,
                np.full(count, len(self._anything) > 0),
            ],
            axis=1,
        )
        left = np.where(left > 1e-3, left, np.inf)
        share = there * mixture / left
        self.shares: Floats = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
        """float64[V, 5], the probability that a draw comes from each component."""
        lost = sum(self.shares[visit, c] * part for c, part in enumerate(parts, start=POPULAR))
        self.allowed: Floats = 1.0 - sums(visit, np.asarray(lost), count)
        """float64[V], the probability that a draw may be shown."""

    # --- drawing -------------------------------------------------------------------------------

    def draw(self, visit: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """One draw from the mixture for each entry of `visit`: column, component."""
        source = choose(np.cumsum(self.shares, axis=1), visit, rng.random(len(visit)))
        u = rng.random(len(visit))
        col = np.zeros(len(visit), np.int64)
        for component in range(5):
            rows = np.flatnonzero(source == component)
            col[rows] = self._draw_from(component, visit[rows], u[rows], rng)
        return col, source

    def _draw_from(self, component: int, visit: Ints, u: Floats, rng: np.random.Generator) -> Ints:
        if component == IN_NETWORK:
            return self.in_network.draw(visit, u)
        if component == FOLLOWEE:
            return self.followee.draw(visit, u)
        if component == POPULAR:
            return self.popular.draw(self.lang[visit], u)
        if component == TOPIC:
            slot = choose(np.cumsum(self.leaf_share, axis=1), visit, rng.random(len(visit)))
            return self.topic.draw(self.lang[visit] * len(LEAVES) + self.memory_leaf[visit, slot], u)
        return self._anything[np.floor(u * len(self._anything)).astype(np.int64)]

    # --- densities -----------------------------------------------------------------------------

    def bonds(self, visit: Ints, col: Ints) -> Bonds:
        """What ties pairs of visit and column."""
        tie, noisy_tie = self.edges.of(visit, self.author[col])
        there, at = found_in(self.proof_key, visit * self.width + col)
        proof, weight = np.zeros(len(visit)), np.zeros(len(visit))
        proof[there], weight[there] = self.proof_tie[at[there]], self._followee_weight[at[there]]
        return Bonds(tie=tie, noisy_tie=noisy_tie, proof=proof, followee_weight=weight)

    def density(self, visit: Ints, col: Ints, bonds: Bonds) -> Floats:
        """m(t | u) of pairs of visit and column that may be shown: float64[n], sums to 1 over them."""
        share = self.shares[visit]
        parts = self._own_parts(visit, col, bonds) + self._shared_parts(visit, col)
        mixed = sum(share[:, c] * part for c, part in enumerate(parts))
        return np.asarray(mixed / self.allowed[visit])

    def _own_parts(self, visit: Ints, col: Ints, bonds: Bonds) -> list[Floats]:
        """p_c(t | u) of in_network and followee for pairs of visit and column that may be shown."""
        followed = self._on_time(visit, col) & ~np.isnan(bonds.noisy_tie)
        own = np.where(followed, bonds.noisy_tie * self.recency_own[col], 0.0)
        in_network, followee = _or_one(self.in_network.mass[visit]), _or_one(self.followee.mass[visit])
        return [own / in_network, bonds.followee_weight / followee]

    def _shared_parts(self, visit: Ints, col: Ints) -> list[Floats]:
        """p_c(t | u) of popular, topic and random, before passing over what is forbidden."""
        mine = self.lang[visit]
        same = self.tweet_lang[col] == mine
        of_topic = (
            self._believed[visit, self.tweet_leaf[col]] * self._topic_weight[col] / self._topic_mass[col]
        )
        return [
            same * self._popular_weight[col] / _or_one(self.popular.mass)[mine],
            same * of_topic / _or_one(self.leaf_total)[visit],
            self.indexed[col] / max(len(self._anything), 1),
        ]


def _or_one(mass: Floats) -> Floats:
    """A mass to divide by: one where there is none, since the weight above it is zero then."""
    return np.where(mass > 0, mass, 1.0)

"""What has happened so far: the part of the world that the log itself changes.

The state is refreshed at every tick (an hour at the course preset). Between two ticks viewers meet
the world as it was at the last one, except that their followees' tweets reach them at once.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from prep.arrays import Floats, Ints, first_of_runs, found_in, offsets, order_by, rank_in_runs, spans
from prep.avoidance import Avoidance
from prep.graph import Follows
from prep.parameters import WINDOW


@dataclasses.dataclass(kw_only=True)
class NewFollows:
    """Edges made by responses in the log, sorted by (follower, followed)."""

    key: Ints
    """int64[k], follower * users + followed."""
    created_at: Ints
    """int64[k], ms."""
    tie: Floats
    """float64[k], strength of the tie, 0 to 1, hidden."""
    noisy_tie: Floats
    """float64[k], what the logger believes."""

    @classmethod
    def none(cls) -> NewFollows:
        """No edge yet."""
        empty = np.zeros(0)
        return cls(key=empty.astype(np.int64), created_at=empty.astype(np.int64), tie=empty, noisy_tie=empty)

    def add(self, key: Ints, created_at: Ints, tie: Floats, noisy_tie: Floats) -> None:
        """Insert edges."""
        at = np.searchsorted(self.key, key)
        self.key = np.insert(self.key, at, key)
        self.created_at = np.insert(self.created_at, at, created_at)
        self.tie = np.insert(self.tie, at, tie)
        self.noisy_tie = np.insert(self.noisy_tie, at, noisy_tie)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Edges:
    """The follow edges of some viewers, for looking up ties."""

    key: Ints
    """int64[k], index of the viewer * users + followed, ascending."""
    tie: Floats
    """float64[k]."""
    noisy_tie: Floats
    """float64[k]."""
    users: int
    """Accounts in the world."""

    @property
    def owner(self) -> Ints:
        """int64[k], index of the viewer."""
        return self.key // self.users

    @property
    def followed(self) -> Ints:
        """int64[k], row of the followed."""
        return self.key % self.users

    def of(self, owner: Ints, others: Ints) -> tuple[Floats, Floats]:
        """Tie and noisy tie of each viewer to the other beside it; NaN where there is no follow."""
        there, at = found_in(self.key, owner * self.users + others)
        tie, noisy = np.full(len(owner), np.nan), np.full(len(owner), np.nan)
        tie[there], noisy[there] = self.tie[at[there]], self.noisy_tie[at[there]]
        return tie, noisy


class State:
    """Follows, avoided authors, seen tweets, engagements and popularity as of the last tick.

    Args:
        follows: the planned graph.
        avoidance: planned blocks and mutes.
        seen_capacity: int64[users], the most impressions that each user can have.
        tweets: rows of tweets, those to come included.
    """

    def __init__(self, follows: Follows, avoidance: Avoidance, seen_capacity: Ints, tweets: int) -> None:
        self.users = len(follows.start) - 1
        self.follows = follows
        self.followed_at = follows.created_at.copy()
        """int64[E], since when each planned edge is there, ms: earlier where the viewer follows before."""
        self.new_follows = NewFollows.none()
        self.avoidance = avoidance
        self.new_blocks: tuple[Ints, Ints, Ints] = (np.zeros(0, np.int64),) * 3
        """Blocks by responses in the log, in their order: row of who blocks, row of the blocked, ms."""
        self._avoid_start: Ints = np.zeros(self.users + 1, np.int64)
        self._avoid_other: Ints = np.zeros(0, np.int64)
        self._seen_start = np.concatenate([[0], np.cumsum(seen_capacity)])[:-1]
        self._seen_first = self._seen_start.copy()
        self._seen_stop = self._seen_start.copy()
        self._seen = np.zeros(int(seen_capacity.sum()), np.int64)
        self.engaged_user: Ints = np.zeros(0, np.int64)
        self.engaged_tweet: Ints = np.zeros(0, np.int64)
        self._engaged_start: Ints = np.zeros(self.users + 1, np.int64)
        self._waiting: list[tuple[Ints, Ints, Ints]] = []
        self.popularity = np.zeros(tweets)
        """float64[tweets], fading count of engagements."""
        self.now = 0
        """The last tick, ms."""

    # --- follows -------------------------------------------------------------------------------

    def edges_of(self, users: Ints) -> Edges:
        """Followees as of the tick, sorted by (index into `users`, followed)."""
        f, new = self.follows, self.new_follows
        owner, edge = spans(f.start[users], f.start[users + 1] - f.start[users])
        keep = self.followed_at[edge] < self.now
        owner, edge = owner[keep], edge[keep]
        low = np.searchsorted(new.key, users * self.users)
        more, extra = spans(low, np.searchsorted(new.key, (users + 1) * self.users) - low)
        keep = new.created_at[extra] < self.now
        more, extra = more[keep], extra[keep]
        key = np.concatenate(
            [owner * self.users + f.followed[edge], more * self.users + new.key[extra] % self.users]
        )
        tie = np.concatenate([f.tie[edge].astype(np.float64), new.tie[extra]])
        noisy = np.concatenate([f.noisy_tie[edge], new.noisy_tie[extra]])
        if len(extra):
            order = np.argsort(key, kind="stable")
            key, tie, noisy = key[order], tie[order], noisy[order]
        return Edges(key=key, tie=tie, noisy_tie=noisy, users=self.users)

    def follow(self, users: Ints, others: Ints, at: Ints, tie: Floats, noisy_tie: Floats) -> None:
        """Record follows; a planned edge comes earlier and keeps its ties, a second follow is none."""
        planned = self.follows.find(users, others)
        early = planned >= 0
        np.minimum.at(self.followed_at, planned[early], at[early])
        key = users * self.users + others
        new = np.flatnonzero(~early & ~found_in(self.new_follows.key, key)[0])
        new = new[np.argsort(key[new], kind="stable")]
        self.new_follows.add(key[new], at[new], tie[new], noisy_tie[new])

    # --- what is not shown ---------------------------------------------------------------------

    def block(self, users: Ints, others: Ints, at: Ints) -> None:
        """Record that users blocked others."""
        blocker, blocked, when = self.new_blocks
        self.new_blocks = (
            np.concatenate([blocker, users]),
            np.concatenate([blocked, others]),
            np.concatenate([when, at]),
        )

    def blocks(self) -> tuple[Ints, Ints, Ints]:
        """All blocks, planned ones first: row of who blocks, row of the blocked, ms."""
        a, (blocker, blocked, at) = self.avoidance, self.new_blocks
        return (
            np.concatenate([a.blocker, blocker]),
            np.concatenate([a.blocked, blocked]),
            np.concatenate([a.blocked_at, at]),
        )

    def avoided_authors(self, users: Ints) -> tuple[Ints, Ints]:
        """Authors each user must not be shown (blocks both ways, mutes, oneself): owner, author."""
        count = self._avoid_start[users + 1] - self._avoid_start[users]
        owner, at = spans(self._avoid_start[users], count)
        me = np.arange(len(users))
        return np.concatenate([owner, me]), np.concatenate([self._avoid_other[at], users])

    def muted_words(self, users: Ints) -> tuple[Ints, Ints]:
        """Muted words as of the tick: index into `users`, word."""
        a = self.avoidance
        active = a.word_at < self.now
        order = np.argsort(users, kind="stable")
        at = np.searchsorted(users, a.word_muter[active], sorter=order)
        at = order[np.minimum(at, len(users) - 1)]
        hit = users[at] == a.word_muter[active]
        return at[hit], a.word[active][hit]

    def seen(self, users: Ints) -> tuple[Ints, Ints]:
        """What each user saw and may still be eligible: index into `users`, tweet row."""
        owner, at = spans(self._seen_first[users], self._seen_stop[users] - self._seen_first[users])
        return owner, self._seen[at]

    def see(self, users: Ints, tweets: Ints) -> None:
        """Record impressions; rows of one user must stand together."""
        self._seen[self._seen_stop[users] + rank_in_runs(users)] = tweets
        self._seen_stop += np.bincount(users, minlength=self.users)

    def forget_old(self, users: Ints, created_at: Ints) -> None:
        """Skip from now on the leading impressions of tweets that can no longer be eligible."""
        owner, at = spans(self._seen_first[users], self._seen_stop[users] - self._seen_first[users])
        fresh = created_at[self._seen[at]] >= self.now - WINDOW
        owner, at = owner[fresh], at[fresh]
        leading = first_of_runs(owner)
        first = self._seen_stop[users]
        first[owner[leading]] = at[leading]
        self._seen_first[users] = first

    # --- the tick ------------------------------------------------------------------------------

    def tick(self, now: int, created_at: Ints, keep_popularity: float, window: Ints) -> None:
        """Move on to a tick: take in what happened since the last one, forget engagements with old tweets.

        Args:
            now: the moment, ms.
            created_at: int64[tweets], ms.
            keep_popularity: what is left of each tweet's popularity after the time between two ticks.
            window: rows of the tweets that may be shown before the next tick; the others are not faded.
        """
        self.now = now
        live = created_at[self.engaged_tweet] >= now - WINDOW
        if not live.all():
            self.engaged_user, self.engaged_tweet = self.engaged_user[live], self.engaged_tweet[live]
            self._engaged_start = offsets(self.engaged_user, self.users)
        self.popularity[window] *= keep_popularity
        self._take_in_engagements()
        self._refresh_avoided()

    def engage(self, users: Ints, tweets: Ints, at: Ints) -> None:
        """Record engagements, each (user, tweet) once, with the moment of the first."""
        self._waiting.append((users, tweets, at))

    def _take_in_engagements(self) -> None:
        if not self._waiting:
            return
        user, tweet, at = (np.concatenate(column) for column in zip(*self._waiting, strict=True))
        due = at < self.now
        self._waiting = [(user[~due], tweet[~due], at[~due])]
        np.add.at(self.popularity, tweet[due], 1.0)
        user = np.concatenate([self.engaged_user, user[due]])
        tweet = np.concatenate([self.engaged_tweet, tweet[due]])
        order = order_by((user, self.users))
        self.engaged_user, self.engaged_tweet = user[order], tweet[order]
        self._engaged_start = offsets(self.engaged_user, self.users)

    def _refresh_avoided(self) -> None:
        a = self.avoidance
        blocker, blocked, at = self.blocks()
        on, muted = at < self.now, a.muted_at < self.now
        user = np.concatenate([blocker[on], blocked[on], a.muter[muted]])
        other = np.concatenate([blocked[on], blocker[on], a.muted[muted]])
        order = order_by((user, self.users))
        self._avoid_start, self._avoid_other = offsets(user, self.users), other[order]

    def engagements_of(self, users: Ints) -> tuple[Ints, Ints]:
        """Live engagements: index into `users`, tweet row."""
        low = self._engaged_start[users]
        owner, at = spans(low, self._engaged_start[users + 1] - low)
        return owner, self.engaged_tweet[at]

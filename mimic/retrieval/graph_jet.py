"""GraphJet: who engaged with what in the last two days, both ways, kept so that old news falls out whole.

Twitter's GraphJet (github.com/twitter/GraphJet; Sharma et al., VLDB 2016) holds the bipartite graph of users
and tweets in one server's memory and answers walks over it:

    of_users    user → what they engaged with, newest first       (the left index)
    of_tweets   tweet → who engaged with it                       (the right index)

**Segments.** The graph is a short list of segments, each the edges of some stretch of time:

    now − 48 h                                            now
    | closed | closed | closed | … | closed | the writable one

Only the newest is written to, so all others can be packed tightly and read by many threads without a lock.
And nothing is ever deleted edge by edge, which would mean finding each edge in two indexes: when the oldest
segment is past its time, it is dropped whole, by forgetting one pointer.

**Scaled down.** GraphJet's segments hold 2^27 or 2^28 edges each, eight at a time, which lasts for 24 to 48
hours (src/scala/com/twitter/recos/user_tweet_graph/UserTweetGraphConfig.scala); ours span six hours each, so
that what is forgotten depends on the clock and not on how busy it was. There, edges arrive one by one and
lists grow in pools of doubling blocks; here `later` packs the writable segment again from the log and shares
the closed ones.

Two graphs stand here. `UserTweetGraph` is the one above. `EngagementGraph` is its flat little sister of the
first chapters: one list a user, one edge a tweet, without kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mimic.csr import CSR, positions_in_runs
from mimic.data_loader import HOUR_MS, DataLoader
from mimic.errors import MimicError
from mimic.history import ties
from mimic.retrieval.social_proof import Reached, second_degree
from mimic.schema import ENGAGEMENTS, RESPONSES
from mimic.viewer import listened_to

__all__ = ["EDGES_PER_SEED", "EngagementGraph", "Reached", "Segment", "SegmentConfig", "UserTweetGraph"]

Ints = NDArray[np.int64]

EDGES_PER_SEED: Final = 500
"""Newest engagements read of each seed, as in UTEG; bounds the work that one very busy followee makes."""

_KIND: Final = np.full(len(RESPONSES), -1, np.int8)
_KIND[[RESPONSES.index(kind) for kind in ENGAGEMENTS]] = np.arange(len(ENGAGEMENTS))


@dataclass(frozen=True, kw_only=True, eq=False)
class EngagementGraph:
    """Who engaged with what in the last 48 hours of a snapshot. Build with `EngagementGraph.of(data)`."""

    by_user: CSR
    """For each user (row) the tweets (rows) that they liked, answered, retweeted or quoted, newest first."""

    @classmethod
    def of(cls, data: DataLoader) -> EngagementGraph:
        """The graph of a snapshot, without tweets that have left the window."""
        log = data.since("interactions")
        kinds = [RESPONSES.index(kind) for kind in ENGAGEMENTS]
        rows = log + np.flatnonzero(np.isin(data.interactions["kind"][log:], kinds))[::-1]  # newest first
        users, tweets = data.interactions["user"][rows], data.interactions["tweet"][rows]
        _, once = np.unique(users.astype(np.int64) * len(data.tweets) + tweets, return_index=True)
        edges = np.sort(once)
        edges = edges[tweets[edges] >= data.since("tweets")]
        return cls(by_user=CSR.group(users[edges], len(data.users), tweets[edges]))

    def walk(
        self, seeds: NDArray[Any], weights: NDArray[Any], edges_per_seed: int = EDGES_PER_SEED
    ) -> Reached:
        """Go from `seeds` int[s] (users, rows) with `weights` float[s] to the tweets they engaged with."""
        place, tweets = self.by_user.gather(seeds)
        newest = (
            positions_in_runs(self.by_user.starts[seeds + 1] - self.by_user.starts[seeds]) < edges_per_seed
        )
        return second_degree(seeds, weights, place[newest], tweets[newest])

    def from_follows(self, data: DataLoader, user: int) -> Reached:
        """Walk from everybody whom a user (row) follows, weighted by 1 + ln(1 + responses to them so far).

        Who is muted or blocked, or blocks the user, is no seed: nobody wants their word as social proof.
        """
        seeds = listened_to(data, user)
        return self.walk(seeds, 1.0 + np.log1p(ties(data, user, seeds)))


@dataclass(frozen=True, kw_only=True)
class SegmentConfig:
    """How time is cut into segments."""

    hours: int = 6
    """Hours that a segment spans. Cuts are at multiples of it since 1970, the same for every snapshot."""
    closed: int = 8
    """Closed segments that are kept beside the writable one (production: 8 in all). Eight of six hours cover
    the 48 hours in which a tweet can be shown, which is as long as anything engaged with it matters here."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Segment:
    """The engagements of one stretch of time, indexed both ways. E edges, U users."""

    start: int
    """ms UTC; the stretch is start ≤ at < end."""
    end: int
    user: NDArray[np.int32]
    """int32[E]: who (row). Edges stand user by user, the newest first."""
    tweet: NDArray[np.int32]
    """int32[E]: with what (row)."""
    kind: NDArray[np.int8]
    """int8[E]: how, as a position in ENGAGEMENTS."""
    at: Ints
    """int64[E]: when, ms UTC."""
    left: Ints
    """int64[U + 1]: the edges of user u are left[u] … left[u + 1] − 1."""
    right: CSR
    """For tweets `low`, `low + 1`, … the edges that lead to them, newest first."""
    low: int
    """Row of the oldest tweet that anybody engaged with."""

    @classmethod
    def of(
        cls,
        span: tuple[int, int],
        edges: tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]],
        users: int,
    ) -> Segment:
        """Index `edges` (user, tweet, kind, at) of the stretch `span`, given in any order, for U `users`."""
        user, tweet, kind, at = edges
        order = np.lexsort((kind, tweet, -at, user))
        user, tweet, kind, at = user[order], tweet[order], kind[order], at[order]
        low = int(tweet.min(initial=np.iinfo(np.int32).max)) if len(tweet) else 0
        newest = np.lexsort((user, -at))
        by_tweet = CSR.group(tweet[newest] - low, int(tweet.max(initial=low - 1)) - low + 1, newest)
        return cls(
            start=span[0],
            end=span[1],
            user=user.astype(np.int32, copy=False),
            tweet=tweet.astype(np.int32, copy=False),
            kind=kind.astype(np.int8, copy=False),
            at=at.astype(np.int64, copy=False),
            left=np.searchsorted(user, np.arange(users + 1)).astype(np.int64, copy=False),
            right=by_tweet,
            low=low,
        )

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True, kw_only=True, eq=False)
class UserTweetGraph:
    """The engagements of the last two days as of a snapshot. Build with `UserTweetGraph.of(data)`.

    Edges are numbered through all segments, the newest segment first; `user`, `tweet`, `kind` and `at` run
    alongside. Somebody who likes and retweets has two edges to the tweet. E edges.
    """

    now: int
    """The moment of the snapshot, ms UTC."""
    first: int
    """Row of the oldest tweet that can still be shown. Edges lead to older ones too: those who liked one
    of them together are alike all the same."""
    config: SegmentConfig
    segments: tuple[Segment, ...]
    """The newest, which is the writable one, first."""
    user: NDArray[np.int32]
    tweet: NDArray[np.int32]
    kind: NDArray[np.int8]
    at: Ints

    @classmethod
    def of(cls, data: DataLoader, config: SegmentConfig | None = None) -> UserTweetGraph:
        """The graph of a snapshot, read from its log."""
        return cls._with(data, config or SegmentConfig(), closed=())

    def later(self, data: DataLoader) -> UserTweetGraph:
        """The graph of a later snapshot: what is closed is shared, what is too old is dropped whole.

        Equal to `UserTweetGraph.of(data, config)` and cheaper. Raises MimicError for an earlier snapshot.
        """
        if data.now < self.now:
            raise MimicError(f"a graph as of {self.now} cannot go back to {data.now}")
        closed = tuple(segment for segment in self.segments if segment.end <= self.now)
        return self._with(data, self.config, closed=closed)

    @classmethod
    def _with(cls, data: DataLoader, config: SegmentConfig, closed: Sequence[Segment]) -> UserTweetGraph:
        span = config.hours * HOUR_MS
        newest = max(data.now - 1, 0) // span
        have = {segment.start: segment for segment in closed}
        numbers = range(newest, newest - config.closed - 1, -1)
        segments = [have.get(k * span) or _packed(data, (k * span, (k + 1) * span)) for k in numbers]
        columns = (
            np.concatenate([getattr(segment, name) for segment in segments])
            for name in ("user", "tweet", "kind", "at")
        )
        user, tweet, kind, at = columns
        return cls(
            now=data.now,
            first=data.since("tweets"),
            config=config,
            segments=tuple(segments),
            user=user,
            tweet=tweet,
            kind=kind,
            at=at,
        )

    def __len__(self) -> int:
        return len(self.user)

    def of_users(self, users: NDArray[Any], most: int = EDGES_PER_SEED) -> tuple[Ints, Ints]:
        """The newest edges of each of several users (rows), at most `most` of each.

        Returns:
            `(place, edge)`: int64[n] each; `users[place[i]]` is whose edge number `edge[i]` is.
        """
        lows = np.stack([segment.left[users] for segment in self.segments])
        sizes = np.stack([segment.left[users + 1] for segment in self.segments]) - lows
        newer = np.cumsum(sizes, axis=0) - sizes
        sizes = np.clip(most - newer, 0, sizes)
        return self._runs(lows + self._offsets[:, None], sizes)

    def of_tweets(self, tweets: NDArray[Any]) -> tuple[Ints, Ints]:
        """All edges to each of several tweets (rows): `(place, edge)` as above."""
        places, edges, offset = [], [], 0
        for segment in self.segments:
            key = tweets - segment.low
            inside = np.flatnonzero((key >= 0) & (key < len(segment.right)))
            place, edge = segment.right.gather(key[inside])
            places.append(inside[place])
            edges.append(edge + offset)
            offset += len(segment)
        return np.concatenate(places), np.concatenate(edges).astype(np.int64, copy=False)

    def from_seeds(
        self,
        seeds: NDArray[Any],
        weights: NDArray[Any],
        *,
        kinds: Sequence[str] = ENGAGEMENTS,
        edges_per_seed: int = EDGES_PER_SEED,
    ) -> Reached:
        """Go from `seeds` int[s] (users, rows) with `weights` float[s] to what they engaged with.

        Only tweets that can still be shown, only by the actions `kinds`. A person counts once a tweet.
        """
        place, edge = self.of_users(seeds, edges_per_seed)
        asked = np.isin(ENGAGEMENTS, kinds)
        live = (self.tweet[edge] >= self.first) & asked[self.kind[edge]]
        place, edge = place[live], edge[live]
        return second_degree(seeds, weights, place, self.tweet[edge], self.kind[edge])

    @property
    def _offsets(self) -> Ints:
        sizes = np.array([len(segment) for segment in self.segments], np.int64)
        return np.cumsum(sizes) - sizes

    @staticmethod
    def _runs(lows: Ints, sizes: Ints) -> tuple[Ints, Ints]:
        """The members of runs low … low + size − 1, given as [segments, keys], and whose they are."""
        place = np.repeat(np.broadcast_to(np.arange(sizes.shape[1]), sizes.shape).ravel(), sizes.ravel())
        return place, np.repeat(lows.ravel(), sizes.ravel()) + positions_in_runs(sizes.ravel())


def _packed(data: DataLoader, span: tuple[int, int]) -> Segment:
    """The segment of a stretch of time, from the log of a snapshot."""
    log = data.interactions
    rows = slice(*np.searchsorted(log["at"], span))
    kind = _KIND[log["kind"][rows]]
    engaged = kind >= 0
    user, tweet, at = (log[name][rows][engaged] for name in ("user", "tweet", "at"))
    return Segment.of(span, (user, tweet, kind[engaged], at), len(data.users))

"""A tweet before a viewer's eyes: who, what, when, and what stands around it."""

from __future__ import annotations

import dataclasses

import numpy as np

from prep.arrays import Floats, Ints, first_of_runs, order_by, rank_in_runs
from prep.log import Log
from prep.tweets import Tweets


@dataclasses.dataclass(frozen=True, kw_only=True)
class Showing:
    """Tweets before viewers' eyes: n rows, each one viewer, one tweet, one moment, one place."""

    viewer: Ints
    """int64[n], row of the user."""
    tweet: Ints
    """int64[n], row of the tweet."""
    at: Ints
    """int64[n], ms."""
    tie: Floats
    """float64[n], strength of the viewer's tie to the author; NaN where there is no follow."""
    proof: Floats
    """float64[n], kappa: engaged followees, weighed by tie / mean tie, before any cap."""
    position: Ints
    """int64[n], from 0."""
    author_seen: Ints
    """int64[n], tweets of this author above in the session."""
    topic_seen: Ints
    """int64[n], tweets of this true leaf topic above in the session."""

    def take(self, rows: Ints) -> Showing:
        """Some rows, in the given order."""
        return Showing(**{f.name: getattr(self, f.name)[rows] for f in dataclasses.fields(self)})


def read_in_order(base: Showing, visit: Ints, order: Ints, tweets: Tweets) -> Showing:
    """Feeds as they are read: places from 0, and how often author and topic came above.

    Args:
        base: the tweets offered to some visits, whatever their places.
        visit: int64[n], the visit of each.
        order: int64[n], rows of `base` grouped by visit, each feed from its top.
        tweets: all tweets.
    """
    shown, visit = base.take(order), visit[order]
    return dataclasses.replace(
        shown,
        position=rank_in_runs(visit),
        author_seen=times_above(visit, tweets.author[shown.tweet]),
        topic_seen=times_above(visit, tweets.topic[shown.tweet]),
    )


def times_above(feed: Ints, kind: Ints) -> Ints:
    """How often each row's kind stands above it in the same feed: int64[n]."""
    order = order_by((feed, int(feed.max(initial=0)) + 1), (kind, int(kind.max(initial=0)) + 1))
    first = first_of_runs(feed[order], kind[order])
    count = np.empty(len(kind), np.int64)
    count[order] = rank_in_runs(np.cumsum(first))
    return count


def logged(log: Log, rows: Ints) -> Showing:
    """Rows of the log as the response model saw them (hidden state rounded as it is stored)."""
    return Showing(
        viewer=log.user[rows].astype(np.int64),
        tweet=log.tweet[rows].astype(np.int64),
        at=log.shown_at[rows],
        tie=log.tie[rows].astype(np.float64),
        proof=log.proof[rows].astype(np.float64),
        position=log.position[rows].astype(np.int64),
        author_seen=log.author_seen[rows].astype(np.int64),
        topic_seen=log.topic_seen[rows].astype(np.int64),
    )

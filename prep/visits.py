"""When users open the app, and how far they mean to scroll."""

from __future__ import annotations

import dataclasses

import numpy as np

from prep.arrays import Bools, Ints
from prep.parameters import DAYS, HOUR, NOW, START
from prep.people import MARA, People
from prep.posting import local_times
from prep.world import World

EXTRA = 2.6
"""Tweets that a session adds to its drawn depth on average: three for each of its last three that
was worth it, about 29 %."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """All sessions of the log, sorted by tick, then user. S rows, at most one a user and tick."""

    user: Ints
    """int64[S], row of the user."""
    at: Ints
    """int64[S], ms."""
    depth: Ints
    """int64[S], drawn depth: what is read before the last three tweets are weighed."""
    shuffled: Bools
    """bool[S]: the feed is shown in random order."""
    tick: Ints
    """int64[S], index of the tick before the session."""


def tick_length(world: World) -> int:
    """Time between two ticks, ms."""
    return world.preset.tick_hours * HOUR


def tick_count(world: World) -> int:
    """Ticks in the window."""
    return DAYS * 24 // world.preset.tick_hours


def plan_sessions(world: World, people: People) -> Plan:
    """Draw sessions until their depths fill the log; everyone has at least one.

    Mara comes in the morning of the first day after `now`, whatever the seed.
    """
    rng = world.rng("sessions")
    e, n = world.exposure, len(people)
    mean_depth = e.depth_median * np.exp(e.depth_sd**2 / 2) * 0.97 + EXTRA
    wanted = world.preset.impressions / (world.preset.filled * mean_depth)
    present = np.clip((START + DAYS * 24 * HOUR - people.created_at) / (DAYS * 24 * HOUR), 0.05, 1.0)
    rate = people.activity * present
    rate = np.minimum(rate * wanted / rate.sum() * 1.25, e.sessions_cap)
    user = np.repeat(np.arange(n), np.maximum(rng.poisson(rate), 1))
    at = local_times(world, people, user, rng)
    at[np.argmax(user == MARA)] = NOW + round(rng.uniform(12, 16) * HOUR)  # morning in New York
    tick = (at - START) // tick_length(world)
    one = np.unique(user * tick_count(world) + tick, return_index=True)[1]
    user, at, tick = user[one], at[one], tick[one]
    depth = np.exp(rng.normal(np.log(e.depth_median), e.depth_sd, len(user)))
    depth = np.clip(np.round(depth), *e.depth_range).astype(np.int64)
    keep = _enough(user, depth, round(world.preset.impressions / world.preset.filled), rng)
    user, at, tick, depth = user[keep], at[keep], tick[keep], depth[keep]
    order = np.lexsort((user, tick))
    return Plan(
        user=user[order],
        at=at[order],
        depth=depth[order],
        shuffled=rng.random(len(user)) < e.shuffled_share,
        tick=tick[order],
    )


def _enough(user: Ints, depth: Ints, offered: int, rng: np.random.Generator) -> Ints:
    """Rows of a random part of the sessions that offers so many tweets; one of each user stays.

    All of Mara's stay.
    """
    order = rng.permutation(len(user))
    first = np.zeros(len(user), bool)
    first[order[np.unique(user[order], return_index=True)[1]]] = True
    first |= user == MARA
    order = np.concatenate([order[first[order]], order[~first[order]]])
    return np.sort(order[: int(np.searchsorted(np.cumsum(depth[order] + EXTRA), offered))])

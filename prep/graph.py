"""Who follows whom, since when, and how close they are."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from prep.arrays import Bools, Floats, Ints, distinct, found_in, offsets, order_by, pick
from prep.parameters import DAY, DAYS, START
from prep.people import MARA, People
from prep.world import World


@dataclasses.dataclass(frozen=True, kw_only=True)
class Follows:
    """The follow graph in CSR form, sorted by (follower, followed). E edges, U users."""

    follower: Ints
    """int64[E], row of the follower."""
    followed: Ints
    """int64[E], row of the followed."""
    created_at: Ints
    """int64[E], ms."""
    tie: Floats
    """float32[E], strength of the tie, 0 to 1, hidden."""
    noisy_tie: Floats
    """float64[E], what the logger believes."""
    start: Ints
    """int64[U + 1]: the edges of user u are rows start[u] to start[u + 1]."""

    def __len__(self) -> int:
        return len(self.follower)

    @functools.cached_property
    def key(self) -> Ints:
        """int64[E], follower * U + followed, ascending."""
        return self.follower * (len(self.start) - 1) + self.followed

    @functools.cached_property
    def mean_tie(self) -> float:
        """Mean strength over all edges, by which social proof is measured."""
        return float(self.tie.astype(np.float64).mean())

    def find(self, users: Ints, others: Ints) -> Ints:
        """The edge from each of `users` to the one of `others` beside it; -1 where there is none."""
        want = users.astype(np.int64) * (len(self.start) - 1) + others
        there, at = found_in(self.key, want)
        return np.where(there, at, -1)


def make_follows(world: World, people: People) -> Follows:
    """Draw the graph: seed edges, follow-backs, triadic closure, times, ties."""
    rng = world.rng("graph")
    n = len(people)
    edges = _seed_edges(world, people, rng)
    edges = _united(edges, _follow_backs(edges, edges, n, rng, world.preset.follow_back))
    closing = _triads(world, people, edges, rng)
    edges = _united(edges, closing)
    edges = _united(edges, _follow_backs(edges, closing, n, rng, 0.8 * world.preset.follow_back))
    follower, followed = np.divmod(edges, n)
    created_at = _edge_times(world, people, follower, followed, rng)
    tie = draw_ties(world, people, follower, followed, found_in(edges, followed * n + follower)[0], rng)
    noise = np.exp(rng.normal(0.0, world.graph.logger_noise, len(edges)))
    return Follows(
        follower=follower,
        followed=followed,
        created_at=created_at,
        tie=tie,
        noisy_tie=(tie + 0.05) * noise,
        start=offsets(follower, n),
    )


def draw_ties(
    world: World, people: People, follower: Ints, followed: Ints, mutual: Bools, rng: np.random.Generator
) -> Floats:
    """Strength of the tie of each edge: float32[E], 0 to 1, closer inside one primary community."""
    g = world.graph
    tie = rng.beta(g.tie_a, g.tie_b, len(follower)) + g.tie_mutual * mutual
    shared = people.memberships[follower, 0] == people.memberships[followed, 0]
    tie += shared * g.tie_community * rng.random(len(follower))
    return np.minimum(tie, 1.0).astype(np.float32)


def _stub_factor(world: World) -> float:
    """What is left for drawn stubs once some edges come from following back."""
    return 1.0 / (1.0 + 0.62 * world.preset.follow_back)


def _seed_edges(world: World, people: People, rng: np.random.Generator) -> Ints:
    """Sorted keys follower * n + followed of edges drawn inside communities or by fame."""
    g, n = world.graph, len(people)
    mean = world.preset.mean_out * people.appetite * (1 - g.triadic_share) * _stub_factor(world)
    stubs = np.minimum(rng.poisson(mean), int(g.out_cap * n))
    source = np.repeat(np.arange(n), stubs)
    local = rng.random(len(source)) < g.local_share
    target = np.empty(len(source), np.int64)
    target[local] = _members_by_fame(world, people, source[local], rng)
    by_fame = np.cumsum(people.fame**g.global_exponent)
    far = np.flatnonzero(~local)
    target[far] = np.searchsorted(by_fame, rng.random(len(far)) * by_fame[-1], side="right")
    foreign = people.lang[source[far]] != people.lang[target[far]]
    keep = np.ones(len(source), bool)
    keep[far[foreign]] = rng.random(int(foreign.sum())) >= g.foreign_drop
    return _keys(source[keep], target[keep], n)


def _members_by_fame(world: World, people: People, source: Ints, rng: np.random.Generator) -> Ints:
    """For each source a member of one of its communities, by fame."""
    rows, k = np.nonzero(people.memberships >= 0)
    community = people.memberships[rows, k].astype(np.int64)
    order = order_by((community, int(community.max()) + 1))
    member = rows[order]
    start = offsets(community, int(community.max()) + 1)
    known = np.where(k[order] == 0, 1.0, world.graph.guest_fame)
    weight = np.cumsum(people.fame[member] * known + 1e-9)
    count = (people.memberships >= 0).sum(axis=1)
    extra = world.graph.primary_weight - 1
    slot = np.floor(rng.random(len(source)) * (count[source] + extra)).astype(np.int64) - extra
    own = people.memberships[source, np.maximum(slot, 0)].astype(np.int64)
    return member[pick(weight, start[own], start[own + 1], rng.random(len(source)))]


def _keys(source: Ints, target: Ints, n: int) -> Ints:
    """Distinct edge keys without self-loops, sorted."""
    keep = source != target
    return distinct(source[keep] * n + target[keep])


def _united(edges: Ints, more: Ints) -> Ints:
    """Keys that are in either, sorted."""
    return distinct(np.concatenate([edges, more]))


def _follow_backs(edges: Ints, new: Ints, n: int, rng: np.random.Generator, base: float) -> Ints:
    """Keys of edges that answer `new` ones: the less famous are followed back less."""
    popularity = np.bincount(edges % n, minlength=n)
    u, v = np.divmod(new, n)
    ratio = np.log((popularity[v] + 5.0) / (popularity[u] + 5.0))
    chance = 1.25 * base / (1.0 + np.exp(1.3 * (ratio - 0.8)))
    back = rng.random(len(new)) < chance
    return v[back] * n + u[back]


def _triads(world: World, people: People, edges: Ints, rng: np.random.Generator) -> Ints:
    """Keys of edges to a followee of a followee."""
    n = len(people)
    follower, followed = np.divmod(edges, n)
    start = offsets(follower, n)
    out = np.diff(start)
    mean = world.preset.mean_out * people.appetite * world.graph.triadic_share * _stub_factor(world)
    stubs = np.minimum(rng.poisson(mean), int(world.graph.out_cap * n)) * (out > 0)
    source = np.repeat(np.arange(n), stubs)
    via = followed[start[source] + np.floor(rng.random(len(source)) * out[source]).astype(np.int64)]
    source, via = source[out[via] > 0], via[out[via] > 0]
    target = followed[start[via] + np.floor(rng.random(len(via)) * out[via]).astype(np.int64)]
    foreign = people.lang[source] != people.lang[target]
    keep = ~foreign | (rng.random(len(source)) >= world.graph.foreign_drop)
    closing = _keys(source[keep], target[keep], n)
    return closing[~found_in(edges, closing)[0]]


def _edge_times(
    world: World, people: People, follower: Ints, followed: Ints, rng: np.random.Generator
) -> Ints:
    """Not before both accounts exist; about a tenth inside the window."""
    born = np.maximum(people.created_at[follower], people.created_at[followed])
    inside = (rng.random(len(follower)) < world.graph.window_share) | (born >= START)
    # the course follows user 42 from day 1, with a full list
    inside &= (follower != MARA) | (born >= START)
    end = START + DAYS * DAY
    early = born + (START - 1 - born) * rng.beta(1.0, 1.6, len(follower))
    first = np.maximum(born, START)
    late = first + (end - 1 - first) * rng.beta(1.0, 1.3, len(follower))
    early = np.minimum(early, START - 1)
    return np.where(inside, late, early).astype(np.int64)

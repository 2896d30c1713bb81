"""Who the users are: languages, communities, interests, tastes, fame.

Everything here is hidden from `mimic` except the columns of the `users` table.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mimic.schema import LANGUAGES, RESPONSES
from prep.arrays import Bools, Floats, Ints
from prep.parameters import DAY, DAYS, START
from prep.topics import BROAD_LEAVES, EVENT_LEAVES, LEAVES, MARA_LEAVES
from prep.world import World

MAX_MEMBERSHIPS = 5
"""A user belongs to at most this many communities."""
MARA = 0
"""Row of user 42, whom the course follows: rows are sorted by user_id and hers is the smallest."""
NARROW_LEAVES = np.setdiff1d(
    np.arange(len(LEAVES)), [*BROAD_LEAVES, EVENT_LEAVES["storm"], EVENT_LEAVES["meme"]]
)
"""Leaf topics that some care about: neither those that most do, nor those that only an event brings."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class People:
    """All users, one array a trait. U users, C communities, L leaf topics."""

    user_id: Ints
    """int64[U], ascending."""
    created_at: Ints
    """int64[U], ms."""
    lang: Ints
    """int8[U], index into LANGUAGES."""
    reads: Bools
    """bool[U, languages]: what the user can read."""
    utc_offset: Floats
    """float32[U], hours."""
    memberships: Ints
    """int16[U, 5]: communities, the primary one first, -1 where there is none."""
    interests: Floats
    """float32[U, L]: 0 to about 1."""
    declared: Bools
    """bool[U, L]: told the platform at sign-up."""
    appetite: Floats
    """float64[U]: wish to follow, mean 1."""
    fame: Floats
    """float64[U]: wish of others to follow."""
    activity: Floats
    """float64[U]: how often the app is opened, mean 1."""
    spam: Bools
    """bool[U]: behaves like spam."""
    intercept: Floats
    """float32[U], log-odds: how readily the user responds."""
    action_effects: Floats
    """float32[U, responses], log-odds: how readily the user does each thing."""
    talk: Floats
    """float64[U]: how much the user writes, standard normal; -inf for those who never do."""
    event_interest: Floats
    """float32[U, events]: interest that an event adds at its peak."""
    community_lang: Ints
    """int8[C]: the language of each community."""

    def __len__(self) -> int:
        return len(self.user_id)

    def inside(self, users: Ints, community: Ints) -> Bools:
        """Whether each of `users` (rows) is a member of the community beside it (-1 is nobody's)."""
        member = (self.memberships[users] == community[:, None]).any(axis=1)
        return np.asarray(member & (community >= 0))


def make_people(world: World) -> People:
    """Draw all users of a world."""
    rng = world.rng("people")
    p, n = world.people, world.preset.users
    user_id = np.sort(rng.choice(np.arange(1_000, 1_000_000_000, 997), size=n - 1, replace=False))
    user_id = np.concatenate([[42], user_id + rng.integers(0, 997, n - 1)]).astype(np.int64)
    lang = rng.choice(len(LANGUAGES), size=n, p=p.language_shares).astype(np.int8)
    lang[MARA] = 0
    community_lang, size = _communities(world)
    hers = _communities_of_mara(community_lang)
    memberships = _memberships(world, rng, lang, community_lang, size)
    memberships[MARA] = np.pad(hers, (0, MAX_MEMBERSHIPS - len(hers)), constant_values=-1)
    reads = _reads(world, rng, lang, memberships, community_lang)
    themes = _themes(world, rng, len(size), hers)
    interests = _interests(world, rng, memberships, themes)
    appetite, fame = _appetite_and_fame(world, rng)
    keen = p.activity_appetite * np.log(appetite) / p.appetite_sd
    activity = np.exp(p.activity_sd * (keen + np.sqrt(1 - p.activity_appetite**2) * rng.normal(size=n)))
    activity[MARA] = 4.0 * np.median(activity)
    appetite[MARA], fame[MARA] = 1.2 * appetite.mean(), np.quantile(fame, 0.7)
    created_at = _joined(world, rng)
    new = created_at >= START
    appetite[new] *= p.newcomer_reach
    fame[new] *= p.newcomer_reach
    talk = rng.normal(size=n)
    silent = rng.random(n) < world.tweets.silent_share
    silent[MARA] = False
    r = world.response
    habits = rng.normal(0, r.user_action_sd, (n, len(RESPONSES)))
    habits[:, RESPONSES.index("reply")] = np.where(silent, r.silent_reply, r.talk_reply * talk)
    cares = rng.random((n, len(EVENT_LEAVES))) < world.events.reach
    return People(
        user_id=user_id,
        created_at=created_at,
        lang=lang,
        reads=reads,
        utc_offset=(np.array(p.utc_offset_hours)[lang] + rng.normal(0, p.utc_offset_sd, n)).astype(
            np.float32
        ),
        memberships=memberships,
        interests=interests,
        declared=(interests > 0.3) & (rng.random(interests.shape) < p.declared_share),
        appetite=appetite / appetite.mean(),
        fame=fame,
        activity=activity / activity.mean(),
        spam=_spam(world, rng),
        intercept=rng.normal(0, r.user_sd, n).astype(np.float32),
        action_effects=habits.astype(np.float32),
        talk=np.where(silent, -np.inf, talk),
        event_interest=(cares * rng.uniform(*world.events.interest, cares.shape)).astype(np.float32),
        community_lang=community_lang,
    )


def _communities(world: World) -> tuple[Ints, Floats]:
    """The language and the relative size of each community."""
    p, count = world.people, world.preset.communities
    size = (np.arange(count) + p.community_offset) ** -p.community_exponent
    want = np.array(p.language_shares) * size.sum()
    lang = np.empty(count, np.int8)
    for c in range(count):  # the largest goes where most is missing, so every language gets its share
        lang[c] = np.argmax(want)
        want[lang[c]] -= size[c]
    for missing in set(range(len(LANGUAGES))) - set(lang.tolist()):  # a tiny world: all languages live
        most = np.bincount(lang, minlength=len(LANGUAGES)).argmax()
        lang[np.flatnonzero(lang == most)[-1]] = missing
    return lang, size


def _communities_of_mara(community_lang: Ints) -> Ints:
    """Two English communities, neither the largest nor small: one for each of her interests."""
    english = np.flatnonzero(community_lang == 0)  # largest first
    return english[[1, 2]]


def _memberships(
    world: World, rng: np.random.Generator, lang: Ints, community_lang: Ints, size: Floats
) -> Ints:
    """Primary community first, then 0 to 4 others, distinct; -1 pads."""
    p, n = world.people, len(lang)
    extra = np.minimum(rng.poisson(p.extra_memberships, n), MAX_MEMBERSHIPS - 1)
    foreign = rng.random((n, MAX_MEMBERSHIPS)) < p.foreign_membership
    foreign[:, 0] = False
    own = np.stack([np.cumsum(size * (community_lang == k)) for k in range(len(LANGUAGES))])
    anywhere = np.cumsum(size)
    draw = rng.random((n, MAX_MEMBERSHIPS))
    member = np.empty((n, MAX_MEMBERSHIPS), np.int16)
    for k in range(MAX_MEMBERSHIPS):
        home = (own[lang] <= (draw[:, k] * own[lang, -1])[:, None]).sum(axis=1)
        away = np.searchsorted(anywhere, draw[:, k] * anywhere[-1], side="right")
        member[:, k] = np.where(foreign[:, k], away, home)
        repeated = (member[:, :k] == member[:, k : k + 1]).any(axis=1)
        member[repeated | (k > extra), k] = -1
    return _push_left(member)


def _push_left(member: Ints) -> Ints:
    """Move the -1 of each row to its end, keeping the order of the others."""
    order = np.argsort(member < 0, axis=1, kind="stable")
    return np.take_along_axis(member, order, axis=1)


def _reads(
    world: World, rng: np.random.Generator, lang: Ints, memberships: Ints, community_lang: Ints
) -> Bools:
    """Own language, those of one's communities, and for some a second one (mostly English)."""
    n, languages = len(lang), len(LANGUAGES)
    reads = np.zeros((n, languages), bool)
    reads[np.arange(n), lang] = True
    for k in range(MAX_MEMBERSHIPS):
        rows = np.flatnonzero(memberships[:, k] >= 0)
        reads[rows, community_lang[memberships[rows, k]]] = True
    second = np.flatnonzero(rng.random(n) < world.people.second_language)
    other = np.where(lang[second] == 0, rng.integers(1, languages, len(second)), 0)
    reads[second, other] = True
    return reads


def _themes(world: World, rng: np.random.Generator, communities: int, hers: Ints) -> Ints:
    """The leaf topics that each community cares about, int64[communities, community_leaves], distinct.

    Mara's communities care about what she cares about, first of all.
    """
    leaves = world.people.community_leaves
    theme = np.stack([rng.choice(NARROW_LEAVES, leaves, replace=False) for _ in range(communities)])
    for community, leaf in zip(hers, MARA_LEAVES, strict=True):
        others = theme[community][theme[community] != leaf]
        theme[community] = np.concatenate([[leaf], others])[:leaves]
    return theme


def _interests(world: World, rng: np.random.Generator, memberships: Ints, theme: Ints) -> Floats:
    """Sparse interests: the communities' leaves, own ones, the broad ones; largest about 1."""
    p, n = world.people, len(memberships)
    weight = rng.uniform(0.6, 1.0, theme.shape)
    interests = np.zeros((n, len(LEAVES)))
    for k in range(MAX_MEMBERSHIPS):
        rows = np.flatnonzero(memberships[:, k] >= 0)
        keep = rng.random((len(rows), p.community_leaves)) < p.keep_community_leaf
        strength = keep * weight[memberships[rows, k]] * (1.0 if k == 0 else 0.8)
        strength *= np.exp(rng.normal(0, 0.25, strength.shape))
        for j in range(p.community_leaves):
            leaf = theme[memberships[rows, k], j]
            interests[rows, leaf] = np.maximum(interests[rows, leaf], strength[:, j])
    rows = np.arange(n)
    for _ in range(p.own_leaves):
        interests[rows, rng.choice(NARROW_LEAVES, n)] += rng.uniform(0.4, 1.0, n)
    for leaf in BROAD_LEAVES:
        interests[:, leaf] += (rng.random(n) < p.broad_share) * rng.uniform(0.2, 0.7, n)
    interests[MARA] = 0.0
    interests[MARA, list(MARA_LEAVES)] = 1.0, 0.85
    interests[MARA, list(BROAD_LEAVES)] = 0.35, 0.0, 0.0
    small = np.exp(rng.normal(-3.5, 1.0, interests.shape))
    return np.asarray(np.minimum(interests + small * (interests == 0), 1.2), np.float32)


def _appetite_and_fame(world: World, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Two correlated lognormals with a heavy tail for fame."""
    p, n = world.people, world.preset.users
    z1 = rng.normal(size=n)
    z2 = p.appetite_fame * z1 + np.sqrt(1 - p.appetite_fame**2) * rng.normal(size=n)
    fame = np.exp(p.fame_sd * z2)
    hubs = rng.random(n) < p.hub_share
    fame[hubs] *= np.exp(0.5 + 0.9 * rng.exponential(size=int(hubs.sum())))
    fame[rng.random(n) < p.nobody_share] = 0.0
    power = world.graph.global_exponent
    for _ in range(3):  # the sum shrinks as its largest terms are cut
        fame = np.minimum(fame, (p.fame_cap * (fame**power).sum()) ** (1 / power))
    return np.exp(p.appetite_sd * z1), fame


def _joined(world: World, rng: np.random.Generator) -> Ints:
    """When each account was made: most over the eight years before, a few inside the window."""
    n = world.preset.users
    age_days = rng.gamma(1.5, 800.0, n) + 1.0
    new = rng.random(n) < world.people.newcomer_share
    new[MARA] = False
    joined = START - np.minimum(age_days, 3000.0) * DAY
    joined[new] = START + rng.random(int(new.sum())) * (DAYS - 1) * DAY
    return joined.astype(np.int64)


def _spam(world: World, rng: np.random.Generator) -> Bools:
    spam = rng.random(world.preset.users) < world.tweets.spam_share
    spam[MARA] = False
    return spam

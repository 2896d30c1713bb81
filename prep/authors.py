"""What an author brings to every tweet, and a viewer to every feed: taste, quality, bad habits."""

from __future__ import annotations

import dataclasses

import numpy as np

from prep.arrays import Bools, Floats
from prep.graph import Follows
from prep.people import MARA, MAX_MEMBERSHIPS, People
from prep.world import World


@dataclasses.dataclass(frozen=True, kw_only=True)
class Authors:
    """Hidden traits that act through what people write. U users, D style dimensions."""

    taste: Floats
    """float32[U, D]: what a viewer likes; each dimension has sd 1."""
    style: Floats
    """float32[U, D]: what an author's tweets are like; sd 1."""
    quality: Floats
    """float32[U], log-odds."""
    nsfw: Bools
    """bool[U]: writes most of what is not safe for work."""
    toxicity: Floats
    """float64[U]: how toxic compared with others, mean 1."""
    baiting: Floats
    """float64[U]: how much bait compared with others, mean about 1."""
    posting: Floats
    """float64[U]: share of all tweets, sums to 1."""

    def match(self, viewers: np.ndarray, authors: np.ndarray) -> Floats:
        """How well an author's style meets a viewer's taste: float64[n], sd about 1."""
        product = self.taste[viewers].astype(np.float64) * self.style[authors]
        return np.asarray(product.sum(axis=1) / np.sqrt(self.taste.shape[1]))


def make_authors(world: World, people: People, follows: Follows) -> Authors:
    """Draw the traits; taste is shared within communities and along follow edges (chosen)."""
    rng = world.rng("authors")
    n, t = len(people), world.tweets
    taste = _taste(world, people, follows, rng)
    own = world.people.author_style_own
    style = own * taste + np.sqrt(1 - own**2) * rng.normal(size=taste.shape)
    quality = rng.normal(0, t.author_quality_sd, n) - 1.0 * people.spam
    toxicity = np.exp(rng.normal(0, 1.2, n))
    baiting = np.exp(rng.normal(0, 0.8, n)) * np.where(people.spam, 4.0, 1.0)
    nsfw = rng.random(n) < t.nsfw_author_share
    nsfw[MARA] = False
    return Authors(
        taste=taste.astype(np.float32),
        style=style.astype(np.float32),
        quality=quality.astype(np.float32),
        nsfw=nsfw,
        toxicity=toxicity / toxicity.mean(),
        baiting=baiting / baiting.mean(),
        posting=_posting(world, people, nsfw),
    )


def _taste(world: World, people: People, follows: Follows, rng: np.random.Generator) -> Floats:
    p, n = world.people, len(people)
    own = rng.normal(size=(n, p.style_dims))
    center = rng.normal(size=(world.preset.communities, p.style_dims))
    member = people.memberships >= 0
    shared = np.zeros_like(own)
    for k in range(MAX_MEMBERSHIPS):
        shared += member[:, k, None] * center[people.memberships[:, k]]
    shared /= np.sqrt(member.sum(axis=1))[:, None]
    weight = np.bincount(follows.follower, follows.tie, minlength=n)
    around = np.empty_like(own)
    for d in range(p.style_dims):
        total = np.bincount(follows.follower, follows.tie * own[follows.followed, d], minlength=n)
        around[:, d] = total / np.maximum(weight, 1e-9)
    around /= around.std()
    c, f = p.style_community, p.style_followees
    return np.asarray(np.sqrt(c) * shared + np.sqrt(f) * around + np.sqrt(1 - c - f) * own)


def _posting(world: World, people: People, nsfw: Bools) -> Floats:
    """Share of all tweets by author: heavy-tailed (row A1), whatever the author's fame (LOG)."""
    t = world.tweets
    rate = np.exp(t.posting_sd * people.talk) * np.where(people.spam, 1.8, 1.0) * np.where(nsfw, 2.5, 1.0)
    rate[MARA] = np.quantile(rate, 0.85)
    for _ in range(3):  # the sum shrinks as its largest terms are cut
        rate = np.minimum(rate / rate.sum(), t.posting_cap)
    return np.asarray(rate / rate.sum())

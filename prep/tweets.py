"""What a tweet is: by whom, when, about what, how well, and what hides in it.

`describe` draws all that is not decided elsewhere: of planned tweets (`posting.py`), and of the replies
that viewers write while the log is made.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from prep.arrays import Bools, Floats, Ints
from prep.authors import Authors
from prep.graph import Follows
from prep.people import People
from prep.topics import LEAVES, ROOT_OF
from prep.world import World


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tweets:
    """Tweets, one array a trait, n rows. All but the columns of the public table are hidden."""

    author: Ints
    """int32[n], row of the author."""
    created_at: Ints
    """int64[n], ms."""
    topic: Ints
    """int16[n], true leaf."""
    platform_topic: Ints
    """int16[n], what the platform infers."""
    lang: Ints
    """int8[n], index into LANGUAGES."""
    reply_to: Ints
    """int64[n], row of the parent, -1 for an original."""
    event: Ints
    """int8[n], index of the event it is about, or -1."""
    has_media: Bools
    """bool[n], carries a picture or a video."""
    has_link: Bools
    """bool[n], carries a link."""
    hashtag: Bools
    """bool[n], the text carries a hashtag."""
    length: Ints
    """int16[n], characters aimed at."""
    wording: Ints
    """int8[n], 0 flat to 3 vivid."""
    clarity: Ints
    """int8[n]: the text tells nothing (0), the root (1), the leaf (2) of its topic."""
    scene: Ints
    """int16[n], the community that it is inside, or -1."""
    quality: Floats
    """float32[n], the tweet's own, log-odds."""
    bait: Floats
    """float32[n], 0 to 1."""
    nsfw: Bools
    """bool[n], not safe for work."""
    toxic: Bools
    """bool[n], hurts somebody."""

    def __len__(self) -> int:
        return len(self.author)

    def padded(self, extra: int) -> Tweets:
        """The same with room for `extra` rows at the end."""
        grown = {
            f.name: np.concatenate([getattr(self, f.name), np.zeros(extra, getattr(self, f.name).dtype)])
            for f in dataclasses.fields(self)
        }
        return Tweets(**grown)

    def write(self, at: int, rows: Tweets) -> None:
        """Put `rows` into the room left by `padded`, from row `at` on."""
        for f in dataclasses.fields(self):
            getattr(self, f.name)[at : at + len(rows)] = getattr(rows, f.name)

    def take(self, rows: Ints) -> Tweets:
        """Some rows, in the given order; `reply_to` keeps its old row numbers."""
        return Tweets(**{f.name: getattr(self, f.name)[rows] for f in dataclasses.fields(self)})


def describe(
    world: World,
    people: People,
    follows: Follows,
    authors: Authors,
    rng: np.random.Generator,
    author: Ints,
    created_at: Ints,
    parent: Ints,
    addressed: Ints,
    topic: Ints,
    event: Ints,
) -> Tweets:
    """Draw all that is not given; `parent` is -1 for originals, `addressed` the parent's author."""
    t, n = world.tweets, len(author)
    reply = parent >= 0
    spam = people.spam[author]
    nsfw_author = authors.nsfw[author]
    media = rng.random(n) < np.where(nsfw_author, 0.75, t.media_share - 0.01) * np.where(reply, 0.6, 1.3)
    link = (rng.random(n) < np.where(spam, 0.6, t.link_share + 0.01)) & ~(reply & (rng.random(n) < 0.35))
    length = np.clip(np.exp(rng.normal(t.log_length_mean, t.log_length_sd, n)), 8, 280)
    wording = rng.choice(4, n, p=(0.3, 0.3, 0.25, 0.15))
    nsfw = _nsfw(world, authors, author, media, rng)
    clarity = rng.choice(3, n, p=t.clarity_shares)
    return Tweets(
        author=author.astype(np.int32),
        created_at=created_at.astype(np.int64),
        topic=topic,
        platform_topic=_platform_topic(world, topic, rng),
        lang=_languages(people, author, rng),
        reply_to=parent.astype(np.int64),
        event=event,
        has_media=media,
        has_link=link,
        hashtag=rng.random(n) < t.hashtag_share,
        length=np.floor(length).astype(np.int16),
        wording=wording.astype(np.int8),
        clarity=np.where(event >= 0, 2, clarity).astype(np.int8),
        scene=_scenes(world, people, author, rng),
        quality=_quality(world, media, link, length, wording, rng),
        bait=_bait(world, authors, author, rng),
        nsfw=nsfw,
        toxic=_toxic(world, follows, authors, author, addressed, reply, rng),
    )


def _platform_topic(world: World, topic: Ints, rng: np.random.Generator) -> Ints:
    """The platform's guess: right for .70, half of its errors within the root (chosen)."""
    t, n = world.tweets, len(topic)
    leaves_of_root = np.argsort(ROOT_OF, kind="stable").reshape(len(np.unique(ROOT_OF)), -1)
    place = np.empty(len(LEAVES), np.int64)
    place[leaves_of_root.ravel()] = np.tile(np.arange(leaves_of_root.shape[1]), len(leaves_of_root))
    width = leaves_of_root.shape[1]
    near = leaves_of_root[ROOT_OF[topic], (place[topic] + rng.integers(1, width, n)) % width]
    far_root = (ROOT_OF[topic] + rng.integers(1, len(leaves_of_root), n)) % len(leaves_of_root)
    far = leaves_of_root[far_root, rng.integers(0, width, n)]
    wrong = np.where(rng.random(n) < t.topic_near, near, far)
    return np.where(rng.random(n) < t.topic_right, topic, wrong).astype(np.int16)


def _languages(people: People, author: Ints, rng: np.random.Generator) -> Ints:
    """The author's language, now and then another one that the author reads."""
    other = rng.integers(0, people.reads.shape[1], len(author))
    switch = (rng.random(len(author)) < 0.08) & people.reads[author, other]
    return np.where(switch, other, people.lang[author]).astype(np.int8)


def _scenes(world: World, people: People, author: Ints, rng: np.random.Generator) -> Ints:
    """The community that a tweet is inside, or -1."""
    t, n = world.tweets, len(author)
    others = (people.memberships[author] >= 0).sum(axis=1) - 1
    slot = 1 + np.floor(rng.random(n) * np.maximum(others, 1)).astype(np.int64)
    slot[(rng.random(n) < t.scene_primary) | (others == 0)] = 0
    inside = rng.random(n) < t.scene_share
    return np.where(inside, people.memberships[author, slot], -1).astype(np.int16)


def _quality(
    world: World, media: Bools, link: Bools, length: Floats, wording: Ints, rng: np.random.Generator
) -> Floats:
    """A tweet's own quality, of which a known share shows in media, link, length and wording."""
    t = world.tweets
    size = np.log(length) - t.log_length_mean
    shown = 0.9 * (media - 0.4) - 0.9 * (link - 0.2) + 0.7 * size + 0.75 * (wording - 1.25)
    shown /= np.sqrt(0.81 * 0.24 + 0.81 * 0.16 + 0.49 * 0.41 + 0.5625 * 1.09)
    hidden = rng.normal(size=len(media))
    visible = t.quality_visible
    quality = t.quality_sd * (np.sqrt(visible) * shown + np.sqrt(1 - visible) * hidden)
    return np.asarray(quality, np.float32)


def _bait(world: World, authors: Authors, author: Ints, rng: np.random.Generator) -> Floats:
    """Engagement bait, 0 for most tweets, up to 1."""
    chance = np.minimum(world.tweets.bait_share * authors.baiting[author], 0.8)
    bait = rng.uniform(0.3, 1.0, len(author)) * (rng.random(len(author)) < chance)
    return np.asarray(bait, np.float32)


def _nsfw(world: World, authors: Authors, author: Ints, media: Bools, rng: np.random.Generator) -> Bools:
    """Four fifths of it from a few authors, nearly always with media (reuters2022decline)."""
    share = world.tweets.nsfw_share
    writes = authors.posting[authors.nsfw].sum()
    often = np.minimum(0.8 * share / max(writes, 1e-3), 0.85) / 0.75
    seldom = 0.2 * share / world.tweets.media_share
    chance = np.where(authors.nsfw[author], often, seldom) * np.where(media, 1.0, 0.08)
    return np.asarray(rng.random(len(author)) < chance)


def _toxic(
    world: World,
    follows: Follows,
    authors: Authors,
    author: Ints,
    addressed: Ints,
    reply: Bools,
    rng: np.random.Generator,
) -> Bools:
    """Twice as often in replies, and most where no tie holds it back (radfar2020toxic)."""
    there, back = follows.find(author, addressed), follows.find(addressed, author)
    mutual, stranger = (there >= 0) & (back >= 0), (there < 0) & (back < 0)
    factor = np.where(reply, np.where(mutual, 0.8, np.where(stranger, 2.2, 1.3)), 0.68)
    trait = np.minimum(authors.toxicity[author], 12.0)
    return np.asarray(rng.random(len(author)) < np.minimum(world.tweets.toxic_share * factor * trait, 0.6))

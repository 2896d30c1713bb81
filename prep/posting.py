"""Who writes when, about what, and in answer to whom.

Originals, and those replies that come from visits outside the log. `tweets.py` draws the rest.
"""

from __future__ import annotations

import numpy as np

from prep.arrays import Bools, Ints, choose, offsets, pick
from prep.authors import Authors
from prep.events import event_leaves, posting_share, profile
from prep.graph import Follows
from prep.parameters import DAY, DAYS, END, HOUR, START
from prep.people import People
from prep.topics import LEAVES
from prep.tweets import Tweets, describe
from prep.world import World

HOUR_CURVE = np.array(
    [
        45,
        28,
        19,
        15,
        13,
        18,
        36,
        60,
        80,
        90,
        95,
        100,
        110,
        105,
        100,
        100,
        105,
        115,
        125,
        140,
        155,
        160,
        130,
        85,
    ]
)
"""Relative volume in each local hour: people sleep at four and talk at nine in the evening
(tenthij2014circadian)."""


def make_tweets(world: World, people: People, follows: Follows, authors: Authors) -> Tweets:
    """Originals, and replies from outside the log, sorted by time."""
    rng = world.rng("tweets")
    size, reply_rate = world.preset, world.response.base_rates[1]
    logged_replies = round(reply_rate * size.impressions)
    n = size.tweets - logged_replies
    author = np.searchsorted(np.cumsum(authors.posting), rng.random(n) * (1 - 1e-12), side="right")
    created_at = _times(world, people, np.sort(author), rng)
    order = np.argsort(created_at, kind="stable")
    author, created_at = np.sort(author)[order], created_at[order]
    is_reply = rng.random(n) < (world.tweets.reply_share * size.tweets - logged_replies) / n
    parent = np.where(is_reply, _parents(people, follows, author, created_at, is_reply, rng), -1)
    topic, event = _topics(world, people, author, created_at, rng)
    topic, event = (np.where(parent >= 0, own[parent], own).astype(own.dtype) for own in (topic, event))
    return describe(
        world, people, follows, authors, rng, author, created_at, parent, author[parent], topic, event
    )


def local_times(world: World, people: People, who: Ints, rng: np.random.Generator) -> Ints:
    """A moment in the window for each of `who`, by the hour curve where that user lives, ms."""
    day = rng.random(len(who)) * DAYS
    weekday = (np.floor(day).astype(np.int64) + 2) % 7  # 1 March 2023 is a Wednesday, and Monday is 0
    again = (weekday >= 5) & (rng.random(len(who)) > world.tweets.weekend)
    day[again] = (day[again] + 3) % DAYS
    curve = np.cumsum(HOUR_CURVE) / HOUR_CURVE.sum()
    hour = np.searchsorted(curve, rng.random(len(who)), side="right") + rng.random(len(who))
    since = np.floor(day) * DAY + (hour - people.utc_offset[who]) * HOUR
    at = START + np.mod(since, DAYS * DAY).astype(np.int64)
    born = np.maximum(people.created_at[who], START)
    late = born + np.mod(at - START, END - born)  # a newcomer's month begins when the account is made
    return np.where(born > START, late, at)


def _times(world: World, people: People, author: Ints, rng: np.random.Generator) -> Ints:
    """Moments of the tweets of `author` (sorted): daily rhythm, and bursts (row A11)."""
    at = local_times(world, people, author, rng)
    at = at[np.lexsort((at, author))]
    follows_on = rng.random(len(at)) < world.tweets.burst_share
    follows_on[0] = False
    follows_on[1:] &= author[1:] == author[:-1]
    gap = np.where(follows_on, rng.exponential(world.tweets.burst_minutes * HOUR / 60, len(at)), 0.0)
    head = np.maximum.accumulate(np.where(follows_on, -1, np.arange(len(at))))
    run = np.cumsum(gap)
    late = (run - run[head]).astype(np.int64) + 1000 * follows_on
    return np.asarray(np.minimum(at[head] + late, END - 1))


def _parents(
    people: People,
    follows: Follows,
    author: Ints,
    created_at: Ints,
    is_reply: Bools,
    rng: np.random.Generator,
) -> Ints:
    """For every row that `is_reply` an earlier original, int64[n]; -1 for others and where there is none.

    It is of someone the author follows, or else a recent one in the author's language. Rows are
    sorted by time.
    """
    original = np.flatnonzero(~is_reply)
    by_author = original[np.argsort(author[original], kind="stable")]
    start = offsets(author[by_author], len(people))
    rows = np.flatnonzero(is_reply)
    who = author[rows]
    weight = np.cumsum(follows.noisy_tie * np.sqrt(np.diff(start))[follows.followed])
    friendly = np.flatnonzero(np.diff(follows.start)[who] > 0)
    edge = pick(
        weight, follows.start[who[friendly]], follows.start[who[friendly] + 1], rng.random(len(friendly))
    )
    parent = np.full(len(author), -1)
    key = author[by_author] * (END - START) + (created_at[by_author] - START)
    friend = follows.followed[edge]
    found = np.searchsorted(key, friend * (END - START) + created_at[rows[friendly]] - START) - 1
    found -= rng.geometric(0.6, len(found)) - 1
    ok = (found >= 0) & (author[by_author[found]] == friend)
    candidate = by_author[np.maximum(found, 0)]
    ok &= (created_at[rows[friendly]] - created_at[candidate]) < DAY
    ok &= created_at[rows[friendly]] > created_at[candidate]
    parent[rows[friendly[ok]]] = candidate[ok]
    for lang in range(people.reads.shape[1]):
        same = original[people.lang[author[original]] == lang]
        lost = rows[(parent[rows] < 0) & (people.lang[who] == lang)]
        back = np.searchsorted(same, lost) - rng.geometric(0.05, len(lost))
        parent[lost[back >= 0]] = same[back[back >= 0]]
    return parent


def _topics(
    world: World, people: People, author: Ints, created_at: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """True leaf by the author's interests, and the event it is about (-1 mostly)."""
    running = np.cumsum(people.interests.astype(np.float64) ** 1.5, axis=1)
    topic = choose(running, author, rng.random(len(author))).astype(np.int16)
    stray = rng.random(len(author)) < world.tweets.off_topic
    topic[stray] = rng.integers(0, len(LEAVES), int(stray.sum()))
    event = np.full(len(author), -1, np.int8)
    for index, leaf in enumerate(event_leaves(world.events)):
        share = posting_share(world.events, index) * profile(world.events, index, created_at)
        about = rng.random(len(author)) < share
        topic[about], event[about] = leaf, index
    return topic, event

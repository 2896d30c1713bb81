"""Whom and what people do not want to see: blocks, muted authors, muted words."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prep.arrays import Ints, choose, distinct, offsets
from prep.authors import Authors
from prep.graph import Follows
from prep.parameters import DAY, END, START
from prep.people import MARA, People
from prep.text import MUTABLE_WORDS
from prep.tweets import Tweets
from prep.world import World


@dataclasses.dataclass(frozen=True, kw_only=True)
class Avoidance:
    """Decisions that users took before or during the window, apart from blocks made in the log."""

    blocker: Ints
    """int64[b], row of who blocks."""
    blocked: Ints
    """int64[b], row of who is blocked."""
    blocked_at: Ints
    """int64[b], ms."""
    muter: Ints
    """int64[m], row of who mutes an author."""
    muted: Ints
    """int64[m], row of the muted author."""
    muted_at: Ints
    """int64[m], ms."""
    word_muter: Ints
    """int64[w], row of who mutes a word."""
    word: Ints
    """int64[w], index into MUTABLE_WORDS."""
    word_at: Ints
    """int64[w], ms."""


def make_avoidance(
    world: World,
    people: People,
    follows: Follows,
    authors: Authors,
    tweets: Tweets,
    words: tuple[Ints, Ints],
) -> Avoidance:
    """Draw blocks of the toxic and the spammy, mutes of the too talkative, and muted words.

    Args:
        world: sizes, seed, parameters.
        people: the users.
        follows: the planned follow graph; whom one mutes, one follows.
        authors: who is toxic, and who writes how much.
        tweets: what is written whatever happens.
        words: rows of tweets grouped by mutable word, and where each group begins; a word is muted
            as often as it is met in one's language.
    """
    rng = world.rng("avoidance")
    n = len(people)
    blocker = np.flatnonzero(rng.random(n) < 0.25).repeat(2)
    nasty = np.cumsum(authors.toxicity * np.sqrt(authors.posting) + 0.02 * people.spam)
    blocked = np.searchsorted(nasty, rng.random(len(blocker)) * nasty[-1], side="right")
    fine = (blocker != blocked) & (follows.find(blocker, blocked) < 0) & (blocked != MARA)
    edge = rng.choice(len(follows), size=min(3 * n, len(follows)), replace=False)
    talkative = rng.random(len(edge)) < np.minimum(1.0, 200 * authors.posting[follows.followed[edge]])
    edge = edge[talkative & (follows.follower[edge] != MARA)]
    word_muter = np.flatnonzero(rng.random(n) < 0.06)
    word_muter = word_muter[word_muter != MARA]
    pairs = distinct(blocker[fine] * n + blocked[fine])
    return Avoidance(
        blocker=pairs // n,
        blocked=pairs % n,
        blocked_at=_moments(people, pairs // n, pairs % n, rng),
        muter=follows.follower[edge],
        muted=follows.followed[edge],
        muted_at=np.maximum(
            _moments(people, follows.follower[edge], follows.followed[edge], rng), follows.created_at[edge]
        ),
        word_muter=word_muter,
        word=_words_met(people, word_muter, tweets, words, rng),
        word_at=_moments(people, word_muter, word_muter, rng),
    )


def _words_met(
    people: People, muter: Ints, tweets: Tweets, words: tuple[Ints, Ints], rng: np.random.Generator
) -> Ints:
    """A mutable word for each muter, by how often it occurs in tweets of the muter's language."""
    word = np.repeat(np.arange(len(MUTABLE_WORDS)), np.diff(words[1]))
    met = np.full((people.reads.shape[1], len(MUTABLE_WORDS)), 0.01)  # a language may hold none of them
    np.add.at(met, (tweets.lang[words[0]], word), 1.0)
    return choose(np.cumsum(met, axis=1), people.lang[muter], rng.random(len(muter)))


def _moments(people: People, users: Ints, others: Ints, rng: np.random.Generator) -> Ints:
    """After both accounts were made; one in five inside the window."""
    born = np.maximum(people.created_at[users], people.created_at[others])
    old = np.maximum(START - rng.random(len(users)) * 700 * DAY, born)
    new = np.maximum(START + rng.random(len(users)) * (END - START), born)
    at = np.where((rng.random(len(users)) < 0.2) | (born >= START), new, old)
    return np.minimum(at, END - 1).astype(np.int64)


def rows_with_words(text: pa.Array[Any], tweets: Tweets) -> tuple[Ints, Ints]:
    """Which tweets hold each mutable word: rows grouped by word, and where each group begins.

    Only texts that speak of a leaf topic can hold one (a property of the grammar, tested there).
    """
    words = [word.lower() for word in MUTABLE_WORDS]
    clear = np.flatnonzero(tweets.clarity[: len(text)] == 2)
    lower = pc.utf8_lower(text.take(clear))
    some = pc.match_substring_regex(lower, "|".join(map(re.escape, words)))  # a first sieve, for speed
    clear, lower = clear[some.to_numpy(zero_copy_only=False)], lower.filter(some)
    found = [clear[pc.match_substring(lower, word).to_numpy(zero_copy_only=False)] for word in words]
    word = np.repeat(np.arange(len(found)), [len(rows) for rows in found])
    return np.concatenate(found).astype(np.int64), offsets(word, len(found))

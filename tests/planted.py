"""A world whose communities are known: groups of accounts, each followed by readers of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from worlds import HOUR, NOW, START, write_dataset

from mimic.schema import TABLES

PRODUCERS, READERS = 6, 12
"""Accounts that are followed, and accounts that follow, in each group."""


def producer(group: int, number: int) -> int:
    """User id of a producer, which is also its row."""
    return group * (PRODUCERS + READERS) + number


def reader(group: int, number: int) -> int:
    """User id of a reader, which is also its row."""
    return producer(group, PRODUCERS + number)


def planted_world(
    folder: Path,
    *,
    groups: int = 4,
    strays: int = 30,
    tweets: list[tuple[int, float]] | None = None,
    likes: list[tuple[int, int, float]] | None = None,
    follows: list[tuple[int, int, float]] | None = None,
    seed: int = 0,
) -> Path:
    """Every reader follows the producers of their group; `strays` follows lead anywhere.

    Args:
        folder: where to write.
        groups: how many.
        strays: follows at random.
        tweets: (author, hours before NOW), the oldest first; the k-th has id k + 1.
        likes: (user, tweet id, hours before NOW), the oldest first.
        follows: more of them, (follower, followed, hours before NOW).
        seed: of the strays.
    """
    rng = np.random.default_rng(seed)
    users = groups * (PRODUCERS + READERS)
    edges = {
        (reader(g, r), producer(g, p)): START - HOUR
        for g in range(groups)
        for r in range(READERS)
        for p in range(PRODUCERS)
    }
    for one, other in rng.integers(0, users, (strays, 2)).tolist():
        if one != other:
            edges.setdefault((one, other), START - HOUR)
    edges |= {(one, other): NOW - round(hours * HOUR) for one, other, hours in follows or []}
    author, age = zip(*tweets or [(0, 1.0)], strict=True)
    tables: dict[str, dict[str, Any]] = {
        **{name: {field.name: [] for field in schema} for name, schema in TABLES.items()},
        "users": {
            "user_id": list(range(users)),
            "created_at": [START - HOUR] * users,
            "name": [f"Person {user}" for user in range(users)],
            "handle": [f"person{user}" for user in range(users)],
        },
        "follows": {
            "follower_id": [one for one, _ in edges],
            "followed_id": [other for _, other in edges],
            "created_at": list(edges.values()),
        },
        "topics": {"topic_id": [0, 1], "root_id": [1, 1], "name": ["leaf", "root"]},
        "tweets": {
            "tweet_id": list(range(1, len(author) + 1)),
            "author_id": list(author),
            "created_at": [NOW - round(hours * HOUR) for hours in age],
            "text": ["words"] * len(author),
            "topic_id": [0] * len(author),
            "lang": ["en"] * len(author),
        },
    }
    if likes:
        user, tweet, ago = zip(*likes, strict=True)
        tables["interactions"] = {
            "user_id": list(user),
            "tweet_id": list(tweet),
            "kind": ["like"] * len(user),
            "at": [NOW - round(hours * HOUR) for hours in ago],
        }
    return write_dataset(folder, tables)


def group_of(rows: np.ndarray) -> np.ndarray:
    """The planted group of users (rows)."""
    return np.asarray(rows) // (PRODUCERS + READERS)

"""Small and random data sets for tests, written to disk exactly as real ones are.

`write_dataset` turns plain columns into a folder with Parquet tables and a valid manifest. `village`
is a world of 8 people and 12 tweets in which every right answer is known. `random_world` has as many
rows as one likes and means nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mimic.integrity import dataset_checksum, file_digest
from mimic.schema import LANGUAGES, MANIFEST, RESPONSES, SCHEMA_VERSION, SOURCES, TABLES

HOUR = 3_600_000
START = 1_677_628_800_000  # 2023-03-01T00:00Z
NOW = START + 27 * 24 * HOUR
END = START + 30 * 24 * HOUR

_DEFAULTS: dict[str, Any] = {
    "verified": False,
    "lang": "en",
    "followers_count": 0,
    "following_count": 0,
    "bio": "",
    "interests": [],
    "has_media": False,
    "has_link": False,
    "reply_to": None,
    "session_id": 0,
    "position": 0,
    "source": "random",
    "propensity": 0.5,
    "random_order": False,
    "proof_user_id": None,
    "dwell_ms": 1000,
    "survey": None,
    "reply_id": None,
    "muted_id": None,
    "word": None,
    **dict.fromkeys(RESPONSES, False),
}


def write_dataset(
    folder: Path,
    tables: Mapping[str, Mapping[str, Sequence[Any] | np.ndarray | pa.Array]],
    *,
    manifest: Mapping[str, Any] | None = None,
) -> Path:
    """Write tables given as columns; columns left out get defaults. `manifest` overrides its fields."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in TABLES.items():
        columns = tables.get(name, {})
        size = len(next(iter(columns.values()))) if columns else 0
        arrays = [_array(field, columns.get(field.name), size) for field in schema]
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), folder / f"{name}.parquet")
    write_manifest(folder, **(manifest or {}))
    return folder


def _array(field: pa.Field, values: Any, size: int) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    if values is None:
        values = [_DEFAULTS[field.name]] * size
    if pa.types.is_dictionary(field.type):
        return pa.array(list(values), pa.string()).dictionary_encode().cast(field.type)
    return pa.array(values, field.type)


def write_manifest(folder: Path, **overrides: Any) -> None:
    """Describe the files that are there now, so that a folder is valid again after a change."""
    files = {
        f"{name}.parquet": {
            "bytes": (folder / f"{name}.parquet").stat().st_size,
            "blake2b": file_digest(folder / f"{name}.parquet"),
        }
        for name in TABLES
    }
    content = {
        "format": "mimic-dataset",
        "schema_version": SCHEMA_VERSION,
        "preset": "village",
        "seed": 0,
        "start": START,
        "now": NOW,
        "end": END,
        "rows": {name: pq.read_metadata(folder / f"{name}.parquet").num_rows for name in TABLES},
        "files": files,
        "checksum": dataset_checksum(files),
        "calibration": [],
    }
    (folder / MANIFEST).write_text(json.dumps(content | overrides))


# The village. Mara (42) follows Ben and Chloe; Gus follows nobody and has no history.
MARA, BEN, CHLOE, DAN, EVE, FINN, GUS, HANA = 42, 7, 3, 11, 19, 23, 31, 36
PEOPLE = {
    MARA: "mara",
    BEN: "ben",
    CHLOE: "chloe",
    DAN: "dan",
    EVE: "eve",
    FINN: "finn",
    GUS: "gus",
    HANA: "hana",
}
CYCLING, BREAD, CHESS, SPORT, LIFE = range(5)

_TWEETS = [
    # id, author, hours before now, topic, lang, text
    (101, DAN, 60.0, CYCLING, "en", "an old ride"),
    (102, BEN, 40.0, CYCLING, "en", "forty kilometres before breakfast"),
    (103, HANA, 30.0, BREAD, "en", "rye, two days of patience"),
    (104, GUS, 20.0, CHESS, "en", "a quiet move"),
    (105, DAN, 10.0, CYCLING, "en", "a flat tyre"),
    (106, EVE, 9.0, CYCLING, "en", "wind from all sides"),
    (107, FINN, 8.0, BREAD, "en", "my SOURDOUGH is alive"),
    (108, MARA, 7.0, CYCLING, "en", "hello from the saddle"),
    (109, CHLOE, 6.0, BREAD, "en", "rolls at six"),
    (110, HANA, 5.0, CYCLING, "en", "a bell that works"),
    (111, BEN, 1.0, CHESS, "ja", "forty kilometres before breakfast"),
    (112, BEN, -2.0, CYCLING, "en", "not written yet"),
]

_INTERACTIONS = [
    # user, tweet, kind, hours before now
    (MARA, 102, "like", 39.0),
    (BEN, 103, "like", 29.0),
    (CHLOE, 103, "quote", 28.0),
    (BEN, 103, "retweet", 27.0),
    (MARA, 105, "click", 9.5),
    (CHLOE, 104, "like", 6.0),
    (CHLOE, 110, "retweet", 3.0),
    (HANA, 109, "like", -1.0),
    (BEN, 107, "like", -1.5),
]

_IMPRESSIONS = [
    (MARA, 102, 39.5),
    (BEN, 103, 29.5),
    (CHLOE, 103, 28.5),
    (MARA, 105, 9.6),
    (CHLOE, 104, 6.5),
    (CHLOE, 110, 3.5),
    (HANA, 109, 1.0),
    (BEN, 107, -1.0),
]


def village(folder: Path) -> Path:
    """Eight people and twelve tweets, one of which lies in the future."""
    return write_dataset(folder, village_tables())


def village_tables() -> dict[str, dict[str, Any]]:
    """The village's columns, to be changed by tests that need another village."""
    responded = {(user, tweet, kind) for user, tweet, kind, _ in _INTERACTIONS}
    ids, authors, ages, topics, langs, texts = zip(*_TWEETS, strict=True)
    return {
        "users": {
            "user_id": list(PEOPLE),
            "created_at": [START - HOUR] * len(PEOPLE),
            "name": [handle.title() for handle in PEOPLE.values()],
            "handle": list(PEOPLE.values()),
            "interests": [[CYCLING] if user == MARA else [] for user in PEOPLE],
        },
        "follows": {
            "follower_id": [MARA, MARA, BEN, HANA, MARA],
            "followed_id": [CHLOE, BEN, MARA, CHLOE, HANA],
            "created_at": [START - 3 * HOUR, START - 5 * HOUR, START, START + HOUR, NOW + HOUR],
        },
        "blocks": {"user_id": [MARA], "blocked_id": [DAN], "at": [NOW - HOUR]},
        "mutes": {
            "user_id": [MARA, MARA],
            "muted_id": [EVE, None],
            "word": [None, "sourDough"],
            "at": [NOW - 3 * HOUR, NOW - 2 * HOUR],
        },
        "topics": {
            "topic_id": [CYCLING, BREAD, CHESS, SPORT, LIFE],
            "root_id": [SPORT, LIFE, SPORT, SPORT, LIFE],
            "name": ["cycling", "bread", "chess", "sport", "life"],
        },
        "tweets": {
            "tweet_id": list(ids),
            "author_id": list(authors),
            "created_at": [_before(age) for age in ages],
            "text": list(texts),
            "topic_id": list(topics),
            "lang": list(langs),
        },
        "impressions": {
            "user_id": [user for user, _, _ in _IMPRESSIONS],
            "tweet_id": [tweet for _, tweet, _ in _IMPRESSIONS],
            "shown_at": [_before(age) for _, _, age in _IMPRESSIONS],
            **{
                kind: [(user, tweet, kind) in responded for user, tweet, _ in _IMPRESSIONS]
                for kind in RESPONSES
            },
        },
        "interactions": {
            "user_id": [user for user, _, _, _ in _INTERACTIONS],
            "tweet_id": [tweet for _, tweet, _, _ in _INTERACTIONS],
            "kind": [kind for _, _, kind, _ in _INTERACTIONS],
            "at": [_before(age) for _, _, _, age in _INTERACTIONS],
        },
        "moderation": {"tweet_id": [105], "nsfw": [False], "toxic": [False], "reviewed_at": [NOW - HOUR]},
    }


def _before(hours: float) -> int:
    return NOW - round(hours * HOUR)


def random_world(
    folder: Path, *, users: int, tweets: int, follows: int, impressions: int, topics: int = 20, seed: int = 0
) -> Path:
    """A data set without sense but with the right shapes, large or small; user 42 exists."""
    rng = np.random.default_rng(seed)
    user_id = rng.permutation(np.arange(1, users * 3, 3)[:users])
    user_id[0] = 42
    popular = rng.pareto(1.2, users) + 0.05
    popular /= popular.sum()
    when = np.sort(rng.integers(START, END, tweets))
    author = rng.choice(users, tweets, p=popular)
    edges = np.unique(rng.integers(0, users, follows) * users + rng.choice(users, follows, p=popular))
    edges = edges[edges // users != edges % users]
    viewed_at = np.sort(rng.integers(START + HOUR, END, impressions))
    newest = np.searchsorted(when, viewed_at)
    viewed = np.maximum(newest - 1 - rng.integers(0, max(tweets // 15, 1), impressions), 0)
    viewer = rng.integers(0, users, impressions)
    response = rng.choice(len(RESPONSES), impressions)
    responds = rng.random(impressions) < 0.09
    answered_at = viewed_at[responds] + rng.integers(0, HOUR, responds.sum())
    by_time = np.argsort(answered_at, kind="stable")
    words = np.array(["bread", "bike", "chess", "rain", "Straße", "猫", "قهوة", "café"])
    text = [" ".join(row) for row in words[rng.integers(0, len(words), (tweets, 6))]]
    dictionary = pa.array(LANGUAGES)
    tables: dict[str, dict[str, Any]] = {
        "users": {
            "user_id": user_id,
            "created_at": np.full(users, START - HOUR),
            "lang": _codes(rng.choice(len(LANGUAGES), users, p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.05]), dictionary),
            "name": [f"Person {i}" for i in range(users)],
            "handle": [f"person{i}" for i in range(users)],
            "interests": [
                rng.choice(topics, rng.integers(0, 4), replace=False).tolist() for _ in range(users)
            ],
        },
        "follows": {
            "follower_id": user_id[edges // users],
            "followed_id": user_id[edges % users],
            "created_at": rng.integers(START - 1000 * HOUR, END, len(edges)),
        },
        "blocks": {
            "user_id": user_id[rng.integers(0, users, users // 5)],
            "blocked_id": user_id[rng.integers(0, users, users // 5)],
            "at": rng.integers(START, END, users // 5),
        },
        "mutes": {
            "user_id": user_id[rng.integers(0, users, users // 4)],
            "muted_id": [None if i % 2 else int(user_id[i]) for i in range(users // 4)],
            "word": ["BREAD" if i % 2 else None for i in range(users // 4)],
            "at": rng.integers(START, END, users // 4),
        },
        "topics": {
            "topic_id": np.arange(topics + 1),
            "root_id": np.full(topics + 1, topics),
            "name": [f"topic {i}" for i in range(topics + 1)],
        },
        "tweets": {
            "tweet_id": np.cumsum(rng.integers(1, 1000, tweets)),
            "author_id": user_id[author],
            "created_at": when,
            "text": text,
            "topic_id": rng.integers(0, topics, tweets),
            "lang": _codes(
                rng.choice(len(LANGUAGES), tweets, p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.05]), dictionary
            ),
        },
    }
    tweet_id = tables["tweets"]["tweet_id"]
    tables["impressions"] = {
        "user_id": user_id[viewer],
        "tweet_id": tweet_id[viewed],
        "shown_at": viewed_at,
        "source": _codes(rng.integers(0, len(SOURCES), impressions), pa.array(SOURCES)),
        "propensity": rng.random(impressions, np.float32) / 2 + np.float32(0.01),
        "dwell_ms": rng.integers(0, 9000, impressions),
        **{kind: responds & (response == i) for i, kind in enumerate(RESPONSES)},
    }
    tables["interactions"] = {
        "user_id": user_id[viewer[responds]][by_time],
        "tweet_id": tweet_id[viewed[responds]][by_time],
        "kind": _codes(response[responds][by_time], pa.array(RESPONSES)),
        "at": answered_at[by_time],
    }
    reviewed = np.sort(rng.choice(tweets, tweets // 10, replace=False))
    tables["moderation"] = {
        "tweet_id": tweet_id[reviewed],
        "nsfw": rng.random(len(reviewed)) < 0.1,
        "toxic": rng.random(len(reviewed)) < 0.1,
        "reviewed_at": when[reviewed] + HOUR,
    }
    return write_dataset(folder, tables, manifest={"preset": "random", "seed": seed})


def _codes(codes: np.ndarray, words: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), words)

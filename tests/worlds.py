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

from mimic import DataLoader, MixerPipeline
from mimic.course import product_at
from mimic.course.village import (
    BEN,
    BREAD,
    CHLOE,
    CYCLING,
    DAN,
    END,
    EVE,
    FINN,
    GUS,
    HANA,
    HOUR,
    MARA,
    NOW,
    PEOPLE,
    START,
    village_tables,
)
from mimic.integrity import dataset_checksum, file_digest, manifest_digest
from mimic.schema import LANGUAGES, MANIFEST, RESPONSES, SCHEMA_VERSION, SOURCES, TABLES

# The village is defined where the course shows it; tests find everything here.
__all__ = ["BEN", "BREAD", "CHLOE", "CYCLING", "DAN", "END", "EVE", "FINN", "GUS", "HANA", "HOUR", "MARA"]
__all__ += ["NOW", "PEOPLE", "START", "random_world", "village", "village_tables", "write_dataset"]
__all__ += ["first_product", "seal", "write_manifest"]

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
    seal(content | overrides, folder)


def seal(content: dict, folder: Path) -> None:
    """Write a manifest with the digest of what it says."""
    (folder / MANIFEST).write_text(json.dumps(content | {"digest": manifest_digest(content)}))


def village(folder: Path) -> Path:
    """Eight people and twelve tweets, one of which lies in the future."""
    return write_dataset(folder, village_tables())


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
    viewed_at = np.sort(rng.integers(max(START + HOUR, int(when[0]) + 1), END, impressions))
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


def first_product(data: DataLoader, **parts: Any) -> MixerPipeline:
    """The product of chapter 1, which needs no training: for tests of the framework and its parts."""
    return product_at(data, chapter=1, **({"strict": False} | parts))

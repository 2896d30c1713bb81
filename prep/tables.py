"""From the simulated month to the tables of a data set: public ones and the hidden truth."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mimic.schema import LANGUAGES, RESPONSES, SOURCES, TABLES
from prep.arrays import Bools, Floats, Ints, offsets, order_by, rank_in_runs
from prep.authors import Authors
from prep.avoidance import Avoidance
from prep.graph import Follows
from prep.log import Log
from prep.moderation import Reviews
from prep.parameters import END, START
from prep.people import People
from prep.state import State
from prep.text import MUTABLE_WORDS
from prep.topics import LEAVES, ROOT_OF, ROOTS
from prep.tweets import Tweets

ID_EPOCH = 1_672_531_200_000
"""2023-01-01T00:00Z, ms: tweet ids count from here."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EdgeList:
    """The follow graph at the end of the window, sorted by (follower, followed). E edges."""

    follower: Ints
    """int64[E], row of the follower."""
    followed: Ints
    """int64[E], row of the followed."""
    created_at: Ints
    """int64[E], ms."""
    tie: Floats
    """float32[E], strength of the tie, 0 to 1, hidden."""


def all_edges(follows: Follows, state: State) -> EdgeList:
    """Planned edges and those that the log added."""
    new = state.new_follows
    key = np.concatenate([follows.key, new.key])
    order = np.argsort(key, kind="stable")
    return EdgeList(
        follower=key[order] // state.users,
        followed=key[order] % state.users,
        created_at=np.concatenate([state.followed_at, new.created_at])[order],
        tie=np.concatenate([follows.tie, new.tie.astype(np.float32)])[order],
    )


def tweet_ids(created_at: Ints) -> Ints:
    """Ids of tweets, int64[n], which are sorted by time.

    The millisecond is in the high bits, a running number in the low twelve: below 2**46 in all.
    """
    return ((created_at - ID_EPOCH) << 12) + rank_in_runs(created_at)


def column_values(column: pa.ChunkedArray[Any]) -> npt.NDArray[Any]:
    """A column as numpy; lists of fixed length become a matrix."""
    values: Any = column.combine_chunks()
    if pa.types.is_fixed_size_list(column.type):
        flat = values.flatten().to_numpy(zero_copy_only=False)
        return np.asarray(flat.reshape(-1, column.type.list_size))
    return np.asarray(values.to_numpy(zero_copy_only=False))


def _table(name: str, columns: dict[str, Any]) -> pa.Table:
    """A public table, in the types of the schema."""
    schema = TABLES[name]
    ready: list[Any] = [
        values if isinstance(values, pa.Array) else pa.array(values, type=schema.field(column).type)
        for column, values in columns.items()
    ]
    return pa.Table.from_arrays(ready, schema=schema)


def _code(codes: Ints, words: tuple[str, ...]) -> pa.Array[Any]:
    """Words by their numbers, as a dictionary column."""
    indices: Any = pa.array(codes.astype(np.int8))
    column: pa.Array[Any] = pa.DictionaryArray.from_arrays(indices, pa.array(words))
    return column


def _or_null(values: npt.NDArray[Any], missing: Bools) -> pa.Array[Any]:
    """Values with nulls where they are missing."""
    column: pa.Array[Any] = pa.array(values, mask=missing)
    return column


def users_table(
    people: People, edges: EdgeList, verified: Bools, written: tuple[pa.Array[Any], ...]
) -> pa.Table:
    """Accounts, with follower counts as of the start of day 1; `written` is name, handle and bio."""
    before = edges.created_at < START
    n = len(people)
    row, leaf = np.nonzero(people.declared)
    bounds: Any = pa.array(offsets(row, n).astype(np.int32))
    picked: Any = pa.array(leaf.astype(np.int16))
    interests = pa.ListArray.from_arrays(bounds, picked)
    name, handle, bio = written
    return _table(
        "users",
        {
            "user_id": people.user_id,
            "created_at": people.created_at,
            "verified": verified,
            "lang": _code(people.lang, LANGUAGES),
            "followers_count": np.bincount(edges.followed[before], minlength=n),
            "following_count": np.bincount(edges.follower[before], minlength=n),
            "name": name,
            "handle": handle,
            "bio": bio,
            "interests": interests,
        },
    )


def graph_tables(people: People, edges: EdgeList, avoidance: Avoidance, state: State) -> dict[str, pa.Table]:
    """Follows, blocks and mutes."""
    ids, a = people.user_id, avoidance
    blocker, blocked, at = state.blocks()
    order = np.lexsort((blocked, blocker, at))
    nobody, nothing = np.zeros(len(a.word), bool), np.zeros(len(a.muted), bool)
    muted = np.concatenate([ids[a.muted], np.zeros(len(a.word), np.int64)])
    words = [None] * len(a.muted) + [MUTABLE_WORDS[w] for w in a.word.tolist()]
    return {
        "follows": _table(
            "follows",
            {
                "follower_id": ids[edges.follower],
                "followed_id": ids[edges.followed],
                "created_at": edges.created_at,
            },
        ),
        "blocks": _table(
            "blocks", {"user_id": ids[blocker[order]], "blocked_id": ids[blocked[order]], "at": at[order]}
        ),
        "mutes": _table(
            "mutes",
            {
                "user_id": ids[np.concatenate([a.muter, a.word_muter])],
                "muted_id": _or_null(muted, np.concatenate([nothing, ~nobody])),
                "word": words,
                "at": np.concatenate([a.muted_at, a.word_at]),
            },
        ),
    }


def topics_table() -> pa.Table:
    """The tree: leaves 0 to 119, then their roots."""
    first_root = len(LEAVES)
    return _table(
        "topics",
        {
            "topic_id": np.arange(first_root + len(ROOTS)),
            "root_id": np.concatenate([ROOT_OF + first_root, first_root + np.arange(len(ROOTS))]),
            "name": [*LEAVES, *ROOTS],
        },
    )


def tweets_table(people: People, tweets: Tweets, ids: Ints, text: pa.Array[Any]) -> pa.Table:
    """Tweets sorted by id; `tweets` are in that order already."""
    parent = tweets.reply_to
    return _table(
        "tweets",
        {
            "tweet_id": ids,
            "author_id": people.user_id[tweets.author],
            "created_at": tweets.created_at,
            "text": text,
            "topic_id": tweets.platform_topic,
            "has_media": tweets.has_media,
            "has_link": tweets.has_link,
            "reply_to": _or_null(ids[parent], parent < 0),
            "lang": _code(tweets.lang, LANGUAGES),
        },
    )


def log_tables(people: People, ids: Ints, log: Log) -> dict[str, pa.Table]:
    """Impressions sorted by time (as `log` must be), and interactions, one row a response."""
    user = people.user_id
    impressions = {
        "user_id": user[log.user],
        "tweet_id": ids[log.tweet],
        "shown_at": log.shown_at,
        "session_id": log.session.astype(np.int64),
        "position": log.position,
        "source": _code(log.source, SOURCES),
        "propensity": log.propensity,
        "random_order": log.shuffled,
        "proof_user_id": _or_null(user[log.proof_user], log.proof_user < 0),
        "dwell_ms": log.dwell_ms,
        "survey": pa.array(log.survey == 1, mask=log.survey < 0),
        **{name: np.ascontiguousarray(log.responses[:, k]) for k, name in enumerate(RESPONSES)},
    }
    row, action = np.nonzero(log.responses)
    order = order_by((log.responded_at - START, END - START))
    row, action = row[order], action[order]
    reply = np.where(action == RESPONSES.index("reply"), log.reply[row], -1)
    interactions = {
        "user_id": user[log.user[row]],
        "tweet_id": ids[log.tweet[row]],
        "kind": _code(action, RESPONSES),
        "at": log.responded_at[order],
        "reply_id": _or_null(ids[reply], reply < 0),
    }
    return {
        "impressions": _table("impressions", impressions),
        "interactions": _table("interactions", interactions),
    }


def moderation_table(ids: Ints, reviews: Reviews) -> pa.Table:
    """What moderators decided."""
    return _table(
        "moderation",
        {
            "tweet_id": ids[reviews.tweet],
            "nsfw": reviews.nsfw,
            "toxic": reviews.toxic,
            "reviewed_at": reviews.reviewed_at,
        },
    )


def hidden_table(*parts: People | Authors | Tweets | EdgeList) -> pa.Table:
    """All per-row traits of the given things in one table; matrices become lists of fixed length."""
    columns: dict[str, pa.Array[Any]] = {}
    for part in parts:
        for field in dataclasses.fields(part):
            values = getattr(part, field.name)
            if field.name == "community_lang":  # one entry a community, not a user: it goes elsewhere
                continue
            if values.dtype == np.float64:  # the last bits differ between processors
                values = values.astype(np.float32)
            if values.ndim == 2:
                flat = pa.array(np.ascontiguousarray(values).ravel())
                columns[field.name] = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
            else:
                columns[field.name] = pa.array(values)
    return pa.table(columns)


def hidden_log_table(log: Log) -> pa.Table:
    """What the log's impressions hide, row for row."""
    hidden = ("tie", "proof", "author_seen", "topic_seen", "worth")
    return pa.table({name: pa.array(getattr(log, name)) for name in hidden})

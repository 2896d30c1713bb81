"""The tables of a data set: what a platform stores, column by column.

`prep` writes these tables and :class:`mimic.DataLoader` refuses to open anything else, so the
two rooms agree on one page. Times are int64 milliseconds since 1970-01-01T00:00Z, never the wall
clock. Ids are int64 and are not row numbers.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

SCHEMA_VERSION: Final = 1
"""Raised by one whenever a column's name, type or meaning changes."""

MANIFEST: Final = "manifest.json"
"""Written last, so that its presence means that every table is whole."""

LANGUAGES: Final = ("en", "ja", "es", "ar", "pt", "tr")
"""Language codes in the order of their share of users, the largest first."""

RESPONSES: Final = (
    "like",
    "reply",
    "retweet",
    "quote",
    "follow",
    "click",
    "profile_visit",
    "not_interested",
    "block",
    "report",
)
"""What a viewer can do with a tweet that is shown: one boolean column of `impressions` each."""

ENGAGEMENTS: Final = ("like", "reply", "retweet", "quote")
"""The public responses: they count as engagement and serve as social proof."""

SOURCES: Final = ("in_network", "followee", "popular", "topic", "random")
"""Components of the logging policy that chose the impressions of the log."""


def _column(name: str, type_: pa.DataType, meaning: str, *, nullable: bool = False) -> pa.Field[pa.DataType]:
    return pa.field(name, type_, nullable=nullable, metadata={"meaning": meaning})


_TEXT = pa.string()
_CODE = pa.dictionary(pa.int8(), pa.string())

TABLES: Final[dict[str, pa.Schema]] = {
    "users": pa.schema(
        [
            _column("user_id", pa.int64(), "distinct; 42 is always an active user"),
            _column("created_at", pa.int64(), "when the account was made, ms UTC"),
            _column("verified", pa.bool_(), "has the badge"),
            _column("lang", _CODE, "language of the interface, one of LANGUAGES"),
            _column("followers_count", pa.int64(), "followers at the start of day 1"),
            _column("following_count", pa.int64(), "accounts followed at the start of day 1"),
            _column("name", _TEXT, "display name"),
            _column("handle", _TEXT, "unique, without the @"),
            _column("bio", _TEXT, "profile text, may be empty"),
            _column("interests", pa.list_(pa.int16()), "leaf topics picked at sign-up, may be empty"),
        ]
    ),
    "follows": pa.schema(
        [
            _column("follower_id", pa.int64(), "who follows"),
            _column("followed_id", pa.int64(), "who is followed"),
            _column("created_at", pa.int64(), "since when, ms UTC"),
        ]
    ),
    "blocks": pa.schema(
        [
            _column("user_id", pa.int64(), "who blocks"),
            _column("blocked_id", pa.int64(), "who is blocked"),
            _column("at", pa.int64(), "ms UTC"),
        ]
    ),
    "mutes": pa.schema(
        [
            _column("user_id", pa.int64(), "who mutes"),
            _column("muted_id", pa.int64(), "the muted author, or null", nullable=True),
            _column("word", _TEXT, "the muted word (any case, anywhere in the text), or null", nullable=True),
            _column("at", pa.int64(), "ms UTC"),
        ]
    ),
    "topics": pa.schema(
        [
            _column("topic_id", pa.int16(), "leaves first, then their roots"),
            _column("root_id", pa.int16(), "the root above; a root's own id for a root"),
            _column("name", _TEXT, "English name"),
        ]
    ),
    "tweets": pa.schema(
        [
            _column("tweet_id", pa.int64(), "below 2**53, increasing with created_at; rows are sorted by it"),
            _column("author_id", pa.int64(), "who wrote it"),
            _column("created_at", pa.int64(), "ms UTC"),
            _column("text", _TEXT, "at most 280 characters"),
            _column("topic_id", pa.int16(), "leaf topic as the platform infers it: often wrong"),
            _column("has_media", pa.bool_(), "carries a picture or a video"),
            _column("has_link", pa.bool_(), "carries a link"),
            _column("reply_to", pa.int64(), "tweet_id of the parent, null for an original", nullable=True),
            _column("lang", _CODE, "language of the text"),
        ]
    ),
    "impressions": pa.schema(
        [
            _column("user_id", pa.int64(), "the viewer"),
            _column("tweet_id", pa.int64(), "what was seen"),
            _column("shown_at", pa.int64(), "ms UTC; rows are sorted by it"),
            _column("session_id", pa.int64(), "one visit of one viewer"),
            _column("position", pa.int16(), "place in the session's feed, from 0"),
            _column("source", _CODE, "component of the logging policy that drew the tweet, one of SOURCES"),
            _column(
                "propensity",
                pa.float32(),
                "probability of the draw under the whole policy, given the session's earlier draws",
            ),
            _column(
                "random_order", pa.bool_(), "the session's feed was shuffled instead of ordered by score"
            ),
            _column(
                "proof_user_id",
                pa.int64(),
                "the followee named on the card as having engaged, or null",
                nullable=True,
            ),
            _column("dwell_ms", pa.int32(), "how long the tweet stayed on the screen, ms"),
            _column(
                "survey",
                pa.bool_(),
                "answer to «was this worth your time?», null where it was not asked",
                nullable=True,
            ),
            *(_column(name, pa.bool_(), "the viewer's response") for name in RESPONSES),
        ]
    ),
    "interactions": pa.schema(
        [
            _column("user_id", pa.int64(), "who responded"),
            _column("tweet_id", pa.int64(), "to what"),
            _column("kind", _CODE, "one of RESPONSES"),
            _column("at", pa.int64(), "ms UTC; rows are sorted by it"),
            _column(
                "reply_id", pa.int64(), "tweet_id of the reply that was written, else null", nullable=True
            ),
        ]
    ),
    "moderation": pa.schema(
        [
            _column("tweet_id", pa.int64(), "a reviewed tweet"),
            _column("nsfw", pa.bool_(), "a reviewer's judgement, sometimes wrong"),
            _column("toxic", pa.bool_(), "a reviewer's judgement, sometimes wrong"),
            _column("reviewed_at", pa.int64(), "ms UTC"),
        ]
    ),
}
"""Every public table of a data set, by name; the file is `<name>.parquet`."""

"""From a world's parameters to its tables, in the order in which things depend on each other."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from prep.arrays import Bools, Ints, order_by, spans
from prep.authors import make_authors
from prep.avoidance import Avoidance, make_avoidance, rows_with_words
from prep.graph import Follows, make_follows
from prep.log import Log
from prep.moderation import make_reviews
from prep.month import Month, simulate_month
from prep.parameters import END, START
from prep.people import MARA, People, make_people
from prep.posting import make_tweets
from prep.tables import (
    all_edges,
    graph_tables,
    hidden_log_table,
    hidden_table,
    log_tables,
    moderation_table,
    topics_table,
    tweet_ids,
    tweets_table,
    users_table,
)
from prep.text import TweetPlan, write_people, write_tweets
from prep.tweets import Tweets
from prep.world import World

MARA_PROFILE = (
    "Mara Lindqvist",
    "mara_on_two",
    "Two wheels before breakfast, two loaves after. Locks everything twice.",
)
"""Name, handle and bio of user 42, whom the course follows."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Built:
    """All tables of a data set."""

    public: dict[str, pa.Table]
    truth: dict[str, pa.Table]
    truth_values: dict[str, object]
    """What the oracle needs besides tables: intercepts and the like, as JSON has them."""


def build(world: World, *, progress: bool = False) -> Built:
    """Make a whole world; the same world gives the same tables on any machine.

    Args:
        world: sizes, seed, parameters.
        progress: show bars on standard error.
    """
    steps = tqdm(total=6, desc=f"world {world.preset.name}-{world.seed}", disable=not progress, leave=False)
    steps.set_postfix_str("people and follows")
    people = make_people(world)
    follows = make_follows(world, people)
    authors = make_authors(world, people, follows)
    steps.update()
    steps.set_postfix_str("tweets")
    planned = make_tweets(world, people, follows, authors)
    steps.update()
    steps.set_postfix_str("text")
    text_rng = world.rng("text")
    text = write_tweets(text_plan(planned), text_rng)
    words = rows_with_words(text, planned)
    avoidance = make_avoidance(world, people, follows, authors, planned, words)
    steps.update()
    month = simulate_month(
        world,
        people,
        follows,
        authors,
        planned,
        avoidance,
        words,
        progress="the month, hour by hour" if progress else None,
    )
    steps.update()
    steps.set_postfix_str("replies")
    everything = month.truth.tweets
    replies = everything.take(np.arange(len(planned), len(everything)))
    text = pa.concat_arrays([text, write_tweets(text_plan(replies), text_rng)])
    steps.update()
    steps.set_postfix_str("tables")
    built = _tables(world, month, follows, avoidance, text)
    steps.update()
    steps.close()
    return built


def _tables(world: World, month: Month, follows: Follows, avoidance: Avoidance, text: pa.Array[Any]) -> Built:
    """All tables of a simulated month; `text` is in the order of the month's tweets."""
    people, authors = month.truth.people, month.truth.authors
    tweets, log, text = in_time_order(month.truth.tweets, month.log, text)
    edges = all_edges(follows, month.state)
    ids = tweet_ids(tweets.created_at)
    verified = _verified(world, people, np.bincount(follows.followed, minlength=len(people)))
    public = {
        "users": users_table(people, edges, verified, _profiles(world, people)),
        **graph_tables(people, edges, avoidance, month.state),
        "topics": topics_table(),
        "tweets": tweets_table(people, tweets, ids, text),
        **log_tables(people, ids, log),
        "moderation": moderation_table(ids, make_reviews(world, tweets)),
    }
    truth = {
        "users": hidden_table(people, authors),
        "tweets": hidden_table(tweets),
        "follows": hidden_table(edges),
        "impressions": hidden_log_table(log),
    }
    values: dict[str, object] = {
        "preset": world.preset.name,
        "seed": world.seed,
        "parameters": world.parameters(),
        "intercepts": month.truth.intercepts.tolist(),
        "worth_mean": month.truth.worth_mean,
        "mean_tie": follows.mean_tie,
        "community_lang": people.community_lang.tolist(),
    }
    return Built(public=public, truth=truth, truth_values=values)


def text_plan(tweets: Tweets) -> TweetPlan:
    """What the grammar needs to know of each tweet."""
    bait = (tweets.bait > 0).astype(np.int8) + (tweets.bait > 0.7)
    return TweetPlan(
        lang=tweets.lang.astype(np.int8, copy=False),
        topic=tweets.topic.astype(np.int16, copy=False),
        clarity=tweets.clarity.astype(np.int8, copy=False),
        length=tweets.length.astype(np.int16, copy=False),
        wording=tweets.wording.astype(np.int8, copy=False),
        has_media=tweets.has_media,
        has_link=tweets.has_link,
        hashtag=tweets.hashtag,
        bait=bait.astype(np.int8),
        nsfw=tweets.nsfw,
        toxic=tweets.toxic,
        is_reply=tweets.reply_to >= 0,
        event=tweets.event.astype(np.int8, copy=False),
    )


def in_time_order(tweets: Tweets, log: Log, text: pa.Array[Any]) -> tuple[Tweets, Log, pa.Array[Any]]:
    """Tweets sorted by time, with their texts; impressions sorted by time; rows renumbered."""
    order = np.argsort(tweets.created_at, kind="stable")
    place = np.empty(len(order) + 1, np.int64)
    place[order] = np.arange(len(order))
    place[-1] = -1  # "no row" stays so
    tweets = tweets.take(order)
    tweets = dataclasses.replace(tweets, reply_to=place[tweets.reply_to])
    # sessions, and places in them, ascend already, and the sort is stable
    by_time = order_by((log.shown_at - START, END - START))
    moved = log_rows(log, by_time)
    renumbered = dataclasses.replace(
        moved, tweet=place[moved.tweet].astype(np.int32), reply=place[moved.reply].astype(np.int32)
    )
    return tweets, renumbered, text.take(order)


def log_rows(log: Log, rows: Ints) -> Log:
    """Some rows of a log, in the given order, with the moments of their responses."""
    count = log.responses.sum(axis=1)
    start = np.cumsum(count) - count
    _, at = spans(start[rows], count[rows])
    columns = {f.name: getattr(log, f.name) for f in dataclasses.fields(log)}
    responded_at = columns.pop("responded_at")[at]
    return Log(responded_at=responded_at, **{name: values[rows] for name, values in columns.items()})


def _profiles(world: World, people: People) -> tuple[pa.Array[Any], ...]:
    """Name, handle and bio of everyone."""
    best = np.argsort(-people.interests, axis=1, kind="stable")[:, :2].astype(np.int16)
    columns = write_people(people.lang.astype(np.int8, copy=False), best, world.rng("profiles"))
    return tuple(
        pa.concat_arrays([pa.array([own]), column.cast(pa.string())[MARA + 1 :]])
        for own, column in zip(MARA_PROFILE, columns, strict=True)
    )


def _verified(world: World, people: People, followers: Ints) -> Bools:
    """The best known, and a few others."""
    rng = world.rng("verified")
    known = followers >= np.quantile(followers, 0.985)
    return np.asarray((known & (rng.random(len(people)) < 0.8)) | (rng.random(len(people)) < 0.01))

"""The answer to a request: the tweets shown, and everything needed to ask how they got there."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.batch import SCORE, Array, Candidates, Query, scatter
from mimic.data_loader import DataLoader
from mimic.schema import LANGUAGES
from mimic.trace import SHOWN, Trace
from mimic.why import Why

__all__ = ["Explainer", "Feed", "Written"]


class Explainer(Protocol):
    """A way into the funnel that can say why a tweet did not come through it."""

    @property
    def name(self) -> str:
        """The source's name."""
        ...

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why it did not bring a tweet, for people."""
        ...


@dataclass(frozen=True, eq=False)
class Written:
    """Columns that a component wrote, about the candidates that were in the race at the time."""

    stage: str
    """"hydrate" or "score"."""
    places: NDArray[np.int64]
    """int64[k]: where these candidates stand among the fetched."""
    columns: Mapping[str, Array]
    """Arrays of length k."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Feed:
    """What a request brought: `tweet_ids`, `table()`, `trace`, `candidates` and `why(tweet_id)`."""

    query: Query
    data: DataLoader
    fetched: Candidates
    """All n distinct tweets that the sources brought, in the order of finding, with their columns."""
    written: tuple[Written, ...]
    """What hydrators and scorers wrote, in order of work."""
    places: NDArray[np.int64]
    """int64[k]: where the tweets shown stand among the fetched, first to last."""
    trace: Trace
    sources: tuple[Explainer, ...]
    """The ways in, to ask why a tweet did not come."""

    @property
    def tweet_ids(self) -> NDArray[np.int64]:
        """int64[k]: the tweets shown, first to last."""
        return self.fetched.tweet_ids[self.places]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong without stopping the feed: one line a source that failed."""
        return tuple(f"source {step.name} {step.note}" for step in self.trace.steps if step.traceback)

    @cached_property
    def candidates(self) -> Candidates:
        """All tweets fetched, with all columns (NaN where a component did not see them), fate and reason."""
        size = len(self.fetched)
        columns = {
            name: scatter(values, written.places, size)
            for written in self.written
            for name, values in written.columns.items()
        }
        return self.fetched.with_columns(columns | {"fate": self.trace.fates, "reason": self.trace.reasons})

    def table(self) -> pd.DataFrame:
        """One row a tweet shown: rank (from 1), tweet_id, author_id, sources, score, text and more."""
        shown = self.candidates.take(self.places)
        data, tweets = self.data, shown.rows
        profiles = data.profiles(data.tweets["author"][tweets])
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(shown) + 1),
                "tweet_id": shown.tweet_ids,
                "author_id": profiles["user_id"],
                "sources": shown.sources,
                "score": shown.columns.get(SCORE, np.full(len(shown), np.nan)),
                "text": data.text(tweets),
                "author_name": profiles["name"],
                "author_handle": profiles["handle"],
                "author_verified": profiles["verified"],
                "lang": np.array(LANGUAGES)[data.tweets["lang"][tweets]],
                "topic": data.topics.texts("name", data.tweets["topic"][tweets]).to_pylist(),
                "created_at": data.tweets["created_at"][tweets],
                "age_hours": data.age_hours(tweets),
                "likes": data.counts("like")[tweets],
                "replies": data.reply_counts()[tweets],
                "retweets": data.counts("retweet")[tweets],
                "quotes": data.counts("quote")[tweets],
                "context": _contexts(shown),
            }
        )

    def why(self, tweet_id: int) -> Why:
        """What became of a tweet: any tweet of the snapshot. Raises UnknownTweet for others.

        Only sources that were asked explain themselves; a product whose own gate was closed asked none.
        """
        row = self.data.tweet_row(tweet_id)
        place = np.flatnonzero(self.fetched.rows == row)
        stopped = self.trace.stopped
        known = _story(self, int(place[0])) if len(place) else _NO_STORY | {"reason": stopped}
        notes = {step.name: step.note for step in self.trace.steps if step.stage == "source" and step.note}
        if stopped:
            notes = dict.fromkeys((source.name for source in self.sources), f"not asked: {stopped}")
        missed = {
            source.name: notes.get(source.name) or source.explain(self.query, tweet_id)
            for source in self.sources
            if source.name not in known["found"]
        }
        author = self.data.profiles(self.data.tweets["author"][[row]])["handle"][0]
        return Why(
            tweet_id=tweet_id, text=self.data.text(np.array([row]))[0], author=author, missed=missed, **known
        )

    def __repr__(self) -> str:
        shown, fetched = len(self.places), len(self.fetched)
        head = (
            f"Feed of user {self.query.user_id}: {shown} of {fetched} tweets fetched, {self.trace.ms:.1f} ms"
        )
        return "\n".join([head, *self.warnings, *(_line(row) for row in self.table().to_dict("records"))])

    def _repr_html_(self) -> str:
        from mimic.show import feed_html

        return feed_html(self)


_NO_STORY: dict[str, Any] = {
    "fate": "never fetched", "step": "", "rank": None, "found": {}, "facts": {}, "scores": {}
}  # fmt: skip


def _story(feed: Feed, place: int) -> dict[str, Any]:
    """What the trace and the columns know about the candidate at a place."""
    cause = feed.trace.causes[feed.trace.ends[place]]
    step = feed.trace.steps[cause.step]
    one = feed.candidates.take(np.array([place]))
    scored = {name for written in feed.written if written.stage == "score" for name in written.columns}
    numbers = {name: float(values[0]) for name, values in one.columns.items() if values.dtype.kind in "biuf"}
    known = {name: value for name, value in numbers.items() if not np.isnan(value)}
    return {
        "fate": cause.fate,
        "reason": cause.reason,
        "step": f"{step.stage} {step.name}",
        "rank": int(np.flatnonzero(feed.places == place)[0]) + 1 if cause.fate == SHOWN else None,
        "found": {name: int(known[f"{name}.rank"]) for name in one.finders if one.found_by(name)[0]},
        "facts": {name: value for name, value in known.items() if name not in scored},
        "scores": {name: known[name] for name in sorted(scored & known.keys(), key=_score_last)},
    }


def _score_last(name: str) -> tuple[bool, str]:
    return name == SCORE, name


def _line(row: dict[Any, Any]) -> str:
    text = textwrap.shorten(row["text"], 60, placeholder=" …")
    context = f" ({row['context']})" if row["context"] else ""
    about = f"@{row['author_handle']}, {row['age_hours']:.0f} h, {row['sources']}"
    return f"{row['rank']:>3}  {about}: {text}{context}"


def _contexts(shown: Candidates) -> list[str]:
    """The line above a card, in words: which followee retweeted the tweet, or which ones engaged with it."""
    names = ("in_network.retweeted_by", "proof_user_id", "proof_second_id", "proof_count")
    columns = [shown.columns.get(name, np.full(len(shown), np.nan)) for name in names]
    people = np.unique(np.concatenate(columns[:3]))
    people = people[~np.isnan(people)].astype(np.int64)
    handles = dict(
        zip(people.tolist(), shown.data.profiles(shown.data.user_rows(people))["handle"], strict=True)
    )
    return [_context(handles, *values) for values in zip(*columns, strict=True)]


def _context(
    handles: Mapping[float, str], retweeter: float, first: float, second: float, count: float
) -> str:
    if retweeter in handles:
        return f"@{handles[retweeter]} retweeted"
    if first not in handles:
        return ""
    others = f" and {count - 2:.0f} more" if count > 2 else ""
    both = f" and @{handles[second]}" if second in handles else ""
    return f"@{handles[first]}{both}{others}, whom you follow, engaged"

"""Reading the hidden truth back from a data set, and asking what stood when."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mimic.schema import ENGAGEMENTS
from prep.arrays import Floats, Ints, first_of_runs, found_in, offsets, order_by, spans
from prep.authors import Authors
from prep.folders import flaw, remedy
from prep.parameters import (
    HOUR,
    START,
    EventParameters,
    ExposureParameters,
    GraphParameters,
    PeopleParameters,
    PrepError,
    ResponseParameters,
    TweetParameters,
)
from prep.people import People
from prep.presets import Preset
from prep.response import Truth
from prep.showing import Showing
from prep.tables import column_values
from prep.tweets import Tweets
from prep.world import World


@dataclasses.dataclass(frozen=True, kw_only=True)
class HiddenWorld:
    """Everything that the oracle knows of one data set. Users and tweets are rows here."""

    folder: Path
    """Where the data set lies; its public tables are read when they are asked for."""
    truth: Truth
    """The response model."""
    tweet_id: Ints
    """int64[n], ascending."""
    mean_tie: float
    """Mean tie over the planned follow graph, by which kappa is measured."""
    edge_key: Ints
    """int64[E], follower * users + followed, ascending."""
    edge_created_at: Ints
    """int64[E], ms."""
    edge_tie: Floats
    """float32[E]."""

    @property
    def users(self) -> int:
        """Accounts."""
        return len(self.truth.people)

    def tick(self, at: Ints) -> Ints:
        """The last tick at or before each moment, ms: what happened before it counts."""
        step = self.truth.world.preset.tick_hours * HOUR
        return START + (np.asarray(at) - START) // step * step

    def ties(self, user: Ints, author: Ints, tick: Ints) -> Floats:
        """Tie of each user to the author beside it at a tick; NaN where there was no follow."""
        there, edge = found_in(self.edge_key, user * self.users + author)
        there &= self.edge_created_at[edge] < tick
        return np.where(there, self.edge_tie[edge].astype(np.float64), np.nan)

    def proof(self, user: Ints, tweet: Ints, tick: Ints) -> Floats:
        """Kappa: ties to the followees who had engaged before the tick, in mean ties."""
        who, at, start = self._engagements
        owner, row = spans(start[tweet], start[tweet + 1] - start[tweet])
        early = at[row] < tick[owner]
        owner, row = owner[early], row[early]
        tie = self.ties(user[owner], who[row], tick[owner])
        total = np.bincount(owner, np.nan_to_num(tie), minlength=len(tweet))
        return np.asarray(total / self.mean_tie)

    @functools.cached_property
    def _engagements(self) -> tuple[Ints, Ints, Ints]:
        """Who engaged when, each (user, tweet) once, grouped by tweet: user row, ms, offsets."""
        table = pq.read_table(
            self.folder / "interactions.parquet", columns=["user_id", "tweet_id", "kind", "at"]
        )
        public = pc.is_in(table["kind"].cast(pa.string()), pa.array(ENGAGEMENTS))
        table = table.filter(public)
        user = np.searchsorted(self.truth.people.user_id, table["user_id"].to_numpy())
        tweet = np.searchsorted(self.tweet_id, table["tweet_id"].to_numpy())
        order = order_by((tweet, len(self.tweet_id)), (user, self.users))  # stable: the first comes first
        first = order[first_of_runs(tweet[order], user[order])]
        return user[first], table["at"].to_numpy()[first], offsets(tweet[first], len(self.tweet_id))

    # --- what a user is not shown --------------------------------------------------------------

    def avoided(self, user: int, at: int) -> Ints:
        """Rows of authors whom the user blocked or muted, or who blocked the user, before `at`."""
        other, when, start = self._avoided
        part = slice(start[user], start[user + 1])
        return other[part][when[part] < at]

    @functools.cached_property
    def _avoided(self) -> tuple[Ints, Ints, Ints]:
        """Whom each user must not be shown and since when, grouped by user: author row, ms, offsets."""
        blocks = pq.read_table(self.folder / "blocks.parquet")
        mutes = pq.read_table(self.folder / "mutes.parquet")
        mutes = mutes.filter(pc.is_valid(mutes["muted_id"]))
        ids = self.truth.people.user_id
        blocker, blocked, muter, muted = (
            np.searchsorted(ids, column.to_numpy())
            for column in (blocks["user_id"], blocks["blocked_id"], mutes["user_id"], mutes["muted_id"])
        )
        user, other = np.concatenate([blocker, blocked, muter]), np.concatenate([blocked, blocker, muted])
        at = np.concatenate([blocks["at"].to_numpy(), blocks["at"].to_numpy(), mutes["at"].to_numpy()])
        order = order_by((user, self.users))
        return other[order], at[order], offsets(user, self.users)

    def seen(self, user: int, at: int) -> Ints:
        """Rows of tweets that were shown to the user before `at`."""
        tweet, shown_at, start = self._impressions
        part = slice(start[user], start[user + 1])
        return tweet[part][shown_at[part] < at]

    @functools.cached_property
    def _impressions(self) -> tuple[Ints, Ints, Ints]:
        """What each user was shown and when, grouped by user: tweet row, ms, offsets."""
        table = pq.read_table(
            self.folder / "impressions.parquet", columns=["user_id", "tweet_id", "shown_at"]
        )
        user = np.searchsorted(self.truth.people.user_id, table["user_id"].to_numpy())
        order = order_by((user, self.users))
        tweet = np.searchsorted(self.tweet_id, table["tweet_id"].to_numpy()[order])
        return tweet, table["shown_at"].to_numpy()[order], offsets(user, self.users)

    def with_muted_words(self, user: int, at: int) -> Ints:
        """Rows of tweets that hold a word that the user had muted before `at`."""
        muted = self._muted_words.get(user, [])
        rows = [self._rows_with(word) for word, when in muted if when < at]
        return np.concatenate([np.zeros(0, np.int64), *rows])

    @functools.cached_property
    def _muted_words(self) -> dict[int, list[tuple[str, int]]]:
        """By user row: each muted word and since when, ms."""
        table = pq.read_table(self.folder / "mutes.parquet")
        table = table.filter(pc.is_valid(table["word"]))
        words: dict[int, list[tuple[str, int]]] = {}
        user = np.searchsorted(self.truth.people.user_id, column_values(table["user_id"]))
        word, at = (column_values(table[name]).tolist() for name in ("word", "at"))
        for row, *entry in zip(user.tolist(), word, at, strict=True):
            words.setdefault(row, []).append((entry[0], entry[1]))
        return words

    def _rows_with(self, word: str) -> Ints:
        if word not in self._word_rows:
            found = pc.match_substring(self._lower_text, word.lower()).to_numpy()
            self._word_rows[word] = np.flatnonzero(found)
        return self._word_rows[word]

    @functools.cached_property
    def _word_rows(self) -> dict[str, Ints]:
        """Rows of the tweets that hold a word, for the words that were asked for."""
        return {}

    @functools.cached_property
    def _lower_text(self) -> pa.ChunkedArray[Any]:
        return pc.utf8_lower(pq.read_table(self.folder / "tweets.parquet", columns=["text"])["text"])

    # --- the log -------------------------------------------------------------------------------

    @property
    def impressions(self) -> int:
        """Rows of the log."""
        return int(pq.read_metadata(self.folder / "impressions.parquet").num_rows)

    def logged(self, rows: Ints) -> Showing:
        """Impressions as the response model saw them."""
        seen, hidden = self._log
        columns = {
            name: hidden[name].to_numpy()[rows].astype(np.int64) for name in ("author_seen", "topic_seen")
        }
        return Showing(
            viewer=np.searchsorted(self.truth.people.user_id, seen["user_id"].to_numpy()[rows]),
            tweet=np.searchsorted(self.tweet_id, seen["tweet_id"].to_numpy()[rows]),
            at=seen["shown_at"].to_numpy()[rows],
            tie=hidden["tie"].to_numpy()[rows].astype(np.float64),
            proof=hidden["proof"].to_numpy()[rows].astype(np.float64),
            position=seen["position"].to_numpy()[rows].astype(np.int64),
            **columns,
        )

    @functools.cached_property
    def _log(self) -> tuple[pa.Table, pa.Table]:
        names = ["user_id", "tweet_id", "shown_at", "position"]
        seen = pq.read_table(self.folder / "impressions.parquet", columns=names).combine_chunks()
        return seen, pq.read_table(self.folder / "truth" / "impressions.parquet").combine_chunks()


def load_truth(folder: Path) -> HiddenWorld:
    """Read the hidden truth of a data set.

    Raises:
        PrepError: the folder has no truth/, or it is not whole.
    """
    if wrong := flaw(folder):
        raise PrepError(f"{folder} holds no whole truth ({wrong}); generate it with {remedy(folder)}")
    hidden = folder / "truth"
    values: dict[str, Any] = json.loads((hidden / "world.json").read_text(encoding="utf-8"))
    users, written = _columns(hidden / "users.parquet"), _columns(hidden / "tweets.parquet")
    people = _filled(People, {**users, "community_lang": np.array(values["community_lang"], np.int8)})
    edges = _columns(hidden / "follows.parquet")
    truth = Truth(
        world=_world(values),
        people=people,
        authors=_filled(Authors, users),
        tweets=_filled(Tweets, written),
        intercepts=np.array(values["intercepts"]),
        worth_mean=values["worth_mean"],
    )
    ids = pq.read_table(folder / "tweets.parquet", columns=["tweet_id"])["tweet_id"].to_numpy()
    return HiddenWorld(
        folder=folder,
        truth=truth,
        tweet_id=ids,
        mean_tie=values["mean_tie"],
        edge_key=edges["follower"].astype(np.int64) * len(people) + edges["followed"],
        edge_created_at=edges["created_at"],
        edge_tie=edges["tie"],
    )


def _columns(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Every column as a numpy array; lists of fixed length become matrices."""
    table = pq.read_table(path)
    return {name: column_values(table[name]) for name in table.column_names}


def _filled(kind: Any, columns: dict[str, npt.NDArray[Any]]) -> Any:
    return kind(**{f.name: columns[f.name] for f in dataclasses.fields(kind)})


def _world(values: dict[str, Any]) -> World:
    """The parameters with which the data set was made."""
    p = values["parameters"]

    def make(kind: Any, fields: dict[str, Any]) -> Any:
        return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})

    return World(
        preset=make(Preset, p["preset"]),
        seed=values["seed"],
        people=make(PeopleParameters, p["people"]),
        graph=make(GraphParameters, p["graph"]),
        tweets=make(TweetParameters, p["tweets"]),
        events=make(EventParameters, p["events"]),
        exposure=make(ExposureParameters, p["exposure"]),
        response=make(ResponseParameters, p["response"]),
    )

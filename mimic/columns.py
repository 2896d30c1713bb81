"""From Parquet files to memory-mapped columns: built once, opened in milliseconds ever after.

Parquet is good for keeping and sending: small, typed, whole. It is slow for asking «who follows
42?» ten thousand times a second. So the first open rewrites each column as a flat array that the
operating system maps into memory, with three changes that everything later rests on:

* **Ids become row numbers.** `author_id` in the file is `author` in the store: the number of the
  author's row in `users` (−1 for none). Users are sorted by id, so a row number is found by binary
  search, and found once, not at each request.
* **Rows are in order of time.** A moment is then a row number: everything before noon is
  everything above a certain row. A snapshot that cannot see the future is a prefix.
* **Lists of lists are CSR** (`mimic.csr`), grouped here once: tweets by author, follows by
  follower, impressions by viewer, and so on.

This module is also where contradictions surface (an impression of a tweet that does not exist, a
negative count), because this is the one time that every value is looked at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tqdm import tqdm

from mimic.csr import CSR
from mimic.errors import BadDataset
from mimic.schema import LANGUAGES, RESPONSES, SOURCES, TABLES

__all__ = ["NONE", "TEXTS", "TIME", "Array", "build_columns", "rows_of"]

Array = NDArray[Any]

NONE: Final = -1
"""The row number that stands for «no row» (an original's `reply_to`, an impression's proof)."""

TIME: Final = {
    "follows": "created_at",
    "blocks": "at",
    "mutes": "at",
    "tweets": "created_at",
    "impressions": "shown_at",
    "interactions": "at",
    "moderation": "reviewed_at",
}
"""The column that says since when a row can be seen; `users` and `topics` have none."""

TEXTS: Final = {
    "users": ("name", "handle", "bio"),
    "mutes": ("word",),
    "topics": ("name",),
    "tweets": ("text",),
}
"""Columns of text, kept as Arrow arrays and not as numpy arrays."""

_CODES: Final = {"lang": LANGUAGES, "kind": RESPONSES, "source": SOURCES}
"""Columns stored as the position of a word in a list of `mimic.schema`."""

_ID: Final = {"users": "user_id", "tweets": "tweet_id", "topics": "topic_id"}
"""The column of ids that a table is known by; it stays a column of ids."""

_POINTS_TO: Final = {
    "follower_id": "users",
    "followed_id": "users",
    "blocked_id": "users",
    "muted_id": "users",
    "author_id": "users",
    "user_id": "users",
    "proof_user_id": "users",
    "tweet_id": "tweets",
    "reply_id": "tweets",
    "reply_to": "tweets",
    "topic_id": "topics",
    "root_id": "topics",
}
"""The table that a column of ids refers to."""

_NOT_STORED: Final = {"impressions": RESPONSES}
"""Whether a viewer responded is read from `interactions`, where each response has its moment. The
booleans of `impressions` know it from the start and would tell a snapshot what is yet to happen."""

_GROUPS: Final = {
    "follows": {"follower": "users", "followed": "users"},
    "tweets": {"author": "users"},
    "impressions": {"user": "users"},
    "interactions": {"user": "users"},
}


def rows_of(ids: Array, wanted: Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find `wanted` int64[n] in the ascending `ids`: row numbers int64[n] and whether each is there."""
    if not len(ids):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    rows = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return rows, ids[rows] == wanted


def build_columns(folder: Path) -> dict[str, Array | pa.Array[Any]]:
    """Read every table of a verified data set into columns named `table.column`.

    Raises BadDataset at the first value that cannot be. Shows a progress bar in a terminal.
    """
    columns: dict[str, Any] = {}
    first = ("topics", "users", "tweets")  # what the others refer to
    order = (*first, *(name for name in TABLES if name not in first))
    for table in tqdm(order, desc="columns", unit="table", disable=None, leave=False):
        _Table(folder, table, columns).build()
    columns["interactions.impression"] = _impression_of(columns)
    return columns


class _Table:
    """One Parquet file on its way into `columns`, which holds the tables that it refers to."""

    def __init__(self, folder: Path, table: str, columns: dict[str, Any]) -> None:
        self.path = folder / f"{table}.parquet"
        self.table = table
        self.columns = columns
        self.order = self._sorted()

    def build(self) -> None:
        """Add the table's columns and groupings. Raises BadDataset at the first value that cannot be."""
        for field in TABLES[self.table]:
            name = field.name
            if name in _NOT_STORED.get(self.table, ()):
                continue
            column = self._ordered(self._read(name))
            if name in TEXTS.get(self.table, ()):
                self._add_text(name, column)
            elif pa.types.is_list(field.type):
                self._add_lists(name, column)
            elif name in _CODES:
                self._add(name, self._codes(name, column))
            elif name in _POINTS_TO and name != _ID.get(self.table):
                self._add(name.removesuffix("_id"), self._references(name, column))
            else:
                self._add(name, self._values(field, column))
        if self.table in ("impressions", "interactions"):
            when, tweet = (self.columns[f"{self.table}.{part}"] for part in (TIME[self.table], "tweet"))
            born = self.columns["tweets.created_at"][tweet]
            self._refuse(when < born, f"{TIME[self.table]} is before the tweet was written", when)
        for key, target in _GROUPS.get(self.table, {}).items():
            groups = CSR.group(self.columns[f"{self.table}.{key}"], len(self._ids(target)))
            self._add(f"by_{key}.starts", groups.starts)
            self._add(f"by_{key}.values", groups.values)

    def _add(self, name: str, values: Array | pa.Array[Any]) -> None:
        self.columns[f"{self.table}.{name}"] = values

    def _ids(self, table: str) -> Array:
        ids: Array = self.columns[f"{table}.{_ID[table]}"]
        return ids

    def _sorted(self) -> NDArray[np.int64] | None:
        """The order that puts users and topics by id and small event tables by time.

        The large tables come in order of time already, and None says so once that is checked.
        """
        if self.table in ("users", "topics"):
            ids = self._read(_ID[self.table]).to_numpy()
            order = np.argsort(ids, kind="stable")
            self._refuse(np.diff(ids[order]) == 0, f"{_ID[self.table]} is not unique")
            return order
        times = self._read(TIME[self.table]).to_numpy()
        if self.table in ("tweets", "impressions", "interactions"):
            self._refuse(np.diff(times) < 0, f"rows are not sorted by {TIME[self.table]}")
            return None
        return np.argsort(times, kind="stable")

    def _read(self, name: str) -> pa.ChunkedArray[Any]:
        column = pq.read_table(self.path, columns=[name], memory_map=True).column(0)
        if column.null_count and not TABLES[self.table].field(name).nullable:
            raise BadDataset(f"{self.path}: {name} has empty values, which it may not")
        return column

    def _ordered(self, column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
        return column if self.order is None else column.take(self.order)

    def _add_text(self, name: str, column: pa.ChunkedArray[Any]) -> None:
        texts = column.cast(pa.large_string()).combine_chunks()
        self._add(name, texts)
        if self.table == "tweets":  # equal texts, equal numbers: finding duplicates need not read any text
            numbers = texts.dictionary_encode().indices
            self._add("text_number", numbers.to_numpy(zero_copy_only=False))

    def _add_lists(self, name: str, column: pa.ChunkedArray[Any]) -> None:
        lists = cast("pa.ListArray[Any]", column.combine_chunks())
        topics = lists.flatten().to_numpy(zero_copy_only=False)
        rows, found = rows_of(self._ids("topics"), topics)
        self._refuse(~found, f"{name} names an unknown topic", topics)
        sizes = lists.value_lengths().to_numpy(zero_copy_only=False)
        self._add(f"{name}.starts", np.concatenate(([0], np.cumsum(sizes, dtype=np.int64))))
        self._add(f"{name}.values", rows.astype(np.int16))

    def _codes(self, name: str, column: pa.ChunkedArray[Any]) -> Array:
        coded = cast("pa.DictionaryArray[Any, Any]", column.unify_dictionaries().combine_chunks())
        words = coded.dictionary.to_pylist()
        unknown = [word for word in words if word not in _CODES[name]]
        if unknown:
            raise BadDataset(f"{self.path}: {name} has the unknown value {unknown[0]!r}")
        code_of = np.array([_CODES[name].index(word) for word in words], np.int8)
        codes: Array = code_of[coded.indices.to_numpy(zero_copy_only=False)]
        return codes

    def _references(self, name: str, column: pa.ChunkedArray[Any]) -> Array:
        target = _POINTS_TO[name]
        empty = column.is_null().to_numpy()
        wanted = column.fill_null(pa.scalar(0, pa.int64())).to_numpy()
        rows, found = rows_of(self._ids(target), wanted)
        self._refuse(~found & ~empty, f"{name} names an unknown {_ID[target]}", wanted)
        rows[empty] = NONE
        return rows.astype(np.int16 if target == "topics" else np.int32)

    def _values(self, field: pa.Field[Any], column: pa.ChunkedArray[Any]) -> Array:
        if pa.types.is_boolean(field.type):
            bits = column.cast(pa.int8()).fill_null(pa.scalar(NONE, pa.int8())).to_numpy()
            return bits if field.nullable else bits.astype(bool)
        values = column.to_numpy()
        if pa.types.is_floating(field.type):
            self._refuse(~np.isfinite(values), f"{field.name} is not a number")
            self._refuse((values <= 0) | (values > 1), f"{field.name} is no probability", values)
        elif field.name == "tweet_id":
            self._refuse(np.diff(values) <= 0, "tweet_id does not increase from row to row")
            self._refuse((values < 0) | (values >= 1 << 53), "tweet_id is not in 0 … 2**53", values)
        elif field.name.endswith("_count") or field.name in ("position", "dwell_ms"):
            self._refuse(values < 0, f"{field.name} is negative", values)
        return values

    def _refuse(self, bad: Array, what: str, values: Array | None = None) -> None:
        if bad.any():
            row = int(np.argmax(bad))
            seen = "" if values is None else f": {values[row]}"
            raise BadDataset(f"{self.path}: {what}{seen}")


def _impression_of(columns: dict[str, Any]) -> Array:
    """Row of the impression that each interaction answers, int32[interactions], or NONE."""
    tweets = len(columns["tweets.tweet_id"])
    shown, answered = (
        columns[f"{table}.user"].astype(np.int64) * tweets + columns[f"{table}.tweet"]
        for table in ("impressions", "interactions")
    )
    order = np.argsort(shown, kind="stable")
    place, found = rows_of(shown[order], answered)
    return np.where(found, order[place] if len(order) else NONE, NONE).astype(np.int32)

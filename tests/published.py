"""A data set as plain columns, read without `mimic` or `prep`, so that tests of either can rely on it."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HOUR = 3_600_000
DAY = 24 * HOUR


class Table:
    """Columns of one Parquet file: numbers with -1 for null, codes as words, fixed lists as matrices."""

    def __init__(self, path):
        self.table = pq.read_table(path)

    def __len__(self):
        return self.table.num_rows

    def __getitem__(self, name):
        return self._columns(name)

    @functools.cache  # noqa: B019 - a table lives as long as the test session
    def _columns(self, name):
        column = self.table[name].combine_chunks()
        if pa.types.is_dictionary(column.type):
            return np.asarray(column.dictionary.to_pylist())[column.indices.to_numpy()]
        if pa.types.is_fixed_size_list(column.type):
            return column.flatten().to_numpy(zero_copy_only=False).reshape(len(self), -1)
        if pa.types.is_integer(column.type) and column.null_count:
            column = column.fill_null(-1)
        return column.to_numpy(zero_copy_only=False)


class Published:
    """All tables of a folder, public ones as attributes, hidden ones in `hidden`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.manifest = json.loads((self.folder / "manifest.json").read_text())
        for path in self.folder.glob("*.parquet"):
            setattr(self, path.stem, Table(path))
        self.hidden = {path.stem: Table(path) for path in (self.folder / "truth").glob("*.parquet")}
        self.world = json.loads((self.folder / "truth" / "world.json").read_text())
        self.start, self.now, self.end = (self.manifest[k] for k in ("start", "now", "end"))

    def user_row(self, ids):
        """Rows of users, all of whom must exist."""
        return _rows(self.users["user_id"], ids)

    def tweet_row(self, ids):
        """Rows of tweets, all of which must exist."""
        return _rows(self.tweets["tweet_id"], ids)

    def tick(self, at):
        """The last moment at which what had happened was taken in."""
        step = self.world["parameters"]["preset"]["tick_hours"] * HOUR
        return self.start + (at - self.start) // step * step

    @functools.cached_property
    def viewer(self):
        return self.user_row(self.impressions["user_id"])

    @functools.cached_property
    def shown(self):
        return self.tweet_row(self.impressions["tweet_id"])

    @functools.cached_property
    def author(self):
        return self.user_row(self.tweets["author_id"])

    @functools.cached_property
    def began(self):
        """The moment at which the session of each impression began."""
        session = self.impressions["session_id"]
        first = np.full(session.max() + 1, np.iinfo(np.int64).max)
        np.minimum.at(first, session, self.impressions["shown_at"])
        return first[session]

    def pair(self, users, others):
        """One number for each pair of user rows."""
        return users * np.int64(len(self.users)) + others

    def followed_since(self, users, others):
        """When each user began to follow the other; the end of time where that never happened."""
        follows = self.follows
        key = self.pair(self.user_row(follows["follower_id"]), self.user_row(follows["followed_id"]))
        return earliest(key, follows["created_at"], self.pair(users, others))


def earliest(keys, moments, wanted):
    """The earliest moment of each wanted key; the end of time for keys that do not occur."""
    order = np.lexsort((moments, keys))
    keys, moments = np.append(keys[order], -1), np.append(moments[order], np.iinfo(np.int64).max)
    at = np.searchsorted(keys[:-1], wanted)
    return np.where(keys[at] == wanted, moments[at], np.iinfo(np.int64).max)


def _rows(ids, wanted):
    at = np.searchsorted(ids, wanted)
    assert (ids[np.minimum(at, len(ids) - 1)] == wanted).all()
    return at

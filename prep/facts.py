"""What a built world holds, as arrays: the columns that the statistics of `measure.py` need."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from prep.arrays import Bools, Floats, Ints, order_by
from prep.parameters import HOUR
from prep.tables import column_values
from prep.world import World

Measures: TypeAlias = dict[str, float]
"""From the id of a row of the calibration table to what was measured."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
    """A world's tables, column by column; users and tweets are rows here. n impressions, T tweets."""

    world: World
    public: dict[str, pa.Table]
    truth: dict[str, pa.Table]

    def column(self, table: str, name: str) -> npt.NDArray[Any]:
        """A public column as numpy."""
        return column_values(self.public[table][name])

    def hidden(self, table: str, name: str) -> npt.NDArray[Any]:
        """A hidden column as numpy; lists of fixed length become matrices."""
        return column_values(self.truth[table][name])

    @functools.cached_property
    def users(self) -> int:
        """Accounts."""
        return self.public["users"].num_rows

    @functools.cached_property
    def viewer(self) -> Ints:
        """int64[n], row of the viewer of each impression."""
        return np.searchsorted(self.column("users", "user_id"), self.column("impressions", "user_id"))

    @functools.cached_property
    def shown(self) -> Ints:
        """int64[n], row of the tweet of each impression."""
        return np.searchsorted(self.column("tweets", "tweet_id"), self.column("impressions", "tweet_id"))

    @functools.cached_property
    def author(self) -> Ints:
        """int64[T], row of the author of each tweet."""
        return np.asarray(self.hidden("tweets", "author"), np.int64)

    @functools.cached_property
    def age(self) -> Floats:
        """float64[n], age of the tweet at each impression, hours."""
        shown_at = self.column("impressions", "shown_at")
        return np.asarray((shown_at - self.column("tweets", "created_at")[self.shown]) / HOUR)

    @functools.cached_property
    def by_tweet(self) -> Ints:
        """int64[n], rows of the impressions grouped by tweet, the earliest first."""
        return order_by((self.shown, self.public["tweets"].num_rows))

    @functools.cached_property
    def mutual(self) -> sp.csr_array:
        """float32[users, users], 1 where two users follow each other."""
        n, follower, followed = self.users, *self.edges
        graph = sp.csr_array((np.ones(len(follower), np.float32), (follower, followed)), shape=(n, n))
        return graph.multiply(graph.T).tocsr()

    @property
    def edges(self) -> tuple[Ints, Ints]:
        """int64[E] each, rows of follower and followed, sorted by both."""
        return self.hidden("follows", "follower"), self.hidden("follows", "followed")

    def source(self) -> Ints:
        """int8[n], component of the logging policy behind each impression, index into SOURCES."""
        codes: Any = self.public["impressions"]["source"].combine_chunks()
        return np.asarray(codes.indices)

    def response(self, name: str) -> Bools:
        """bool[n], one response."""
        return np.asarray(self.column("impressions", name), bool)


def gini(x: Ints) -> float:
    """Gini coefficient, zeros included."""
    x = np.sort(x).astype(np.float64)
    n = len(x)
    return float(2 * (np.arange(1, n + 1) * x).sum() / (n * x.sum()) - (n + 1) / n)


def top_share(x: Ints, share: float) -> float:
    """Part of the sum that the largest `share` of all hold."""
    x = np.sort(x)[::-1]
    return float(x[: int(share * len(x))].sum() / x.sum())


def tail_exponent(x: Ints) -> float:
    """Exponent of the density above the 0.9 quantile (Clauset, Shalizi and Newman 2009, discrete)."""
    low = np.floor(np.quantile(x, 0.9))
    tail = x[x >= low]
    return float(1 + len(tail) / np.log(tail / (low - 0.5)).sum())

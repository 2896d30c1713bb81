"""What flows through the funnel: a query comes in, a batch of candidates grows columns.

A candidate is not an object. Five hundred candidates are one `Candidates`: an array of tweet rows
and as many columns as the components wrote, each an array of the same length. Nothing changes a
batch; every operation returns another one that shares the arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.data_loader import DataLoader
from mimic.errors import BadQuery, UnknownColumn
from mimic.ids import is_whole

__all__ = ["SCORE", "Array", "Candidates", "Query", "Verdicts", "scatter"]

Array = NDArray[Any]

SCORE: Final = "score"
"""The column that selectors sort by: the latest score. Each scorer's own is kept beside it."""

_MAX_SIZE: Final = 100
_NOBODY: Final = np.zeros(0, np.uint32)


@dataclass(frozen=True, kw_only=True)
class Query:
    """A request: «the feed of this user, please». Raises BadQuery when it makes no sense."""

    user_id: int
    """Whose feed."""
    size: int = 20
    """Tweets wanted, 1 … 100."""
    served: tuple[int, ...] = ()
    """Tweet ids that this visit has shown already, on earlier pages."""
    exclude: tuple[int, ...] = ()
    """Tweet ids that the client does not want."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "user_id", _whole_number("user_id", self.user_id))
        object.__setattr__(self, "size", _whole_number("size", self.size))
        if not 1 <= self.size <= _MAX_SIZE:
            raise BadQuery(f"size must be 1 … {_MAX_SIZE}, got {self.size}")
        for name in ("served", "exclude"):
            ids = getattr(self, name)
            if isinstance(ids, str) or not isinstance(ids, Iterable):
                raise BadQuery(f"{name} must be a sequence of tweet ids, got {ids!r}")
            object.__setattr__(self, name, tuple(_whole_number(f"{name}[{i}]", x) for i, x in enumerate(ids)))


def _whole_number(name: str, value: object) -> int:
    if not is_whole(value):
        raise BadQuery(f"{name} must be a whole number, got {value!r}")
    return int(value)


@dataclass(frozen=True)
class Verdicts:
    """A filter's answer when it has several reasons: what is wrong with each candidate, if anything."""

    code: NDArray[np.int8]
    """int8[n]: 0 keeps the candidate, k removes it for reasons[k − 1]."""
    reasons: tuple[str, ...]
    """What to tell the user, one text a code."""

    @classmethod
    def of(cls, wrong: Mapping[str, Array]) -> Verdicts:
        """From reasons and the bool[n] of whom each meets; the first that is met counts."""
        code = np.select(list(wrong.values()), range(1, len(wrong) + 1), 0)
        return cls(code.astype(np.int8), tuple(wrong))


def _no_columns() -> Mapping[str, Array]:
    return {}


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """A batch of n distinct tweets on their way to a feed, column by column.

    `candidates["age_hours"]` is a column; `len(candidates)` is n. Columns cannot be written to.
    A source returns one of these with its rows best first; the pipeline merges them.
    """

    data: DataLoader
    """The snapshot that the rows count in."""
    rows: Array
    """int[n]: rows of `data.tweets`. A larger row is a newer tweet, with a larger id."""
    columns: Mapping[str, Array] = field(default_factory=_no_columns)
    """Named arrays of length n. Missing is NaN."""
    searched: int = 0
    """How many tweets the source looked at; only in a source's answer."""
    finders: tuple[str, ...] = ()
    """Names of the sources, in the order of the bits of `found`."""
    found: Array = field(default_factory=lambda: _NOBODY)
    """uint32[n]: bit i is set when finders[i] found the tweet; all zero in a source's answer."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", _frozen(self.rows))
        if self.found is _NOBODY:
            object.__setattr__(self, "found", np.zeros(len(self.rows), np.uint32))
        object.__setattr__(self, "columns", {name: _frozen(values) for name, values in self.columns.items()})

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> Array:
        """A column. Raises UnknownColumn with the columns there are when it has not been written."""
        try:
            return self.columns[name]
        except KeyError:
            there = ", ".join(self.columns) or "none yet"
            raise UnknownColumn(f"no column {name!r} among the candidates' columns ({there})") from None

    @property
    def tweet_ids(self) -> NDArray[np.int64]:
        """int64[n]: ids of the tweets."""
        ids: NDArray[np.int64] = self.data.tweets["tweet_id"][self.rows]
        return ids

    @property
    def sources(self) -> list[str]:
        """For each candidate the names of its finders, such as "in_network + graph"."""
        words = {bits: " + ".join(self._names(int(bits))) for bits in np.unique(self.found)}
        return [words[bits] for bits in self.found]

    def _names(self, bits: int) -> list[str]:
        return [name for i, name in enumerate(self.finders) if bits >> i & 1]

    def found_by(self, source: str) -> NDArray[np.bool_]:
        """bool[n]: whether this source found each candidate, alone or with others."""
        if source not in self.finders:
            return np.zeros(len(self), bool)
        found: NDArray[np.bool_] = (self.found >> self.finders.index(source) & 1).astype(bool)
        return found

    def take(self, places: Array) -> Candidates:
        """The candidates at some places, or where a mask is true, with all their columns."""
        columns = {name: values[places] for name, values in self.columns.items()}
        return replace(self, rows=self.rows[places], columns=columns, found=self.found[places])

    def with_columns(self, columns: Mapping[str, Array]) -> Candidates:
        """The same candidates with more columns, or with others of the same name."""
        return replace(self, columns={**self.columns, **columns})

    def table(self) -> pd.DataFrame:
        """One row a candidate: tweet_id, sources, then every column."""
        frame = {"tweet_id": self.tweet_ids, "sources": self.sources, **self.columns}
        return pd.DataFrame({name: _whole_if_ids(name, values) for name, values in frame.items()})

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {int(self.found_by(name).sum())}" for name in self.finders)
        columns = ", ".join(self.columns)
        return f"<Candidates: {len(self)} tweets ({counts or 'no source yet'}), columns {columns}>"

    def _repr_html_(self) -> str:
        from mimic.show import candidates_html

        return candidates_html(self)


def _frozen(values: Any) -> Array:
    array = np.asarray(values)
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def scatter(values: Array, places: Array, size: int) -> Array:
    """Spread `values` over `size` rows, missing elsewhere: NaN for numbers, None for the rest.

    Whole numbers and booleans become float64, exact below 2**53, because NaN is not a whole number.
    """
    if len(places) == size:
        spread = np.empty(size, values.dtype)
    elif values.dtype.kind in "biu":
        spread = np.full(size, np.nan)
    elif values.dtype.kind == "f":
        spread = np.full(size, np.nan, values.dtype)
    else:
        spread = np.full(size, None, object)
    spread[places] = values
    return spread


def _whole_if_ids(name: str, values: Any) -> Any:
    """Ids and ranks that had to be floats to hold NaN, shown as whole numbers or missing."""
    if (
        name.endswith((".rank", ".seed", "_id", "retweeted_by"))
        and getattr(values, "dtype", None) == np.float64
    ):
        return pd.array(values, dtype="Float64").astype("Int64")
    return values

"""One table at one moment: its columns, cut off at a row number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mimic.columns import Array
from mimic.store import Store

__all__ = ["Table"]


class Table:
    """The rows of one table that exist at the snapshot's moment.

    `table["column"]` is a read-only array with one entry a row; `len(table)` counts rows. Columns
    are those of `mimic.schema`, with ids turned into row numbers: `author_id` is `author` here.
    """

    def __init__(self, store: Store, name: str, rows: int) -> None:
        self.name = name
        self._store = store
        self._rows = rows
        self._views: dict[str, Array] = {}

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, column: str) -> Array:
        if column not in self._views:
            self._views[column] = self._store.array(f"{self.name}.{column}")[: self._rows]
        return self._views[column]

    def texts(self, column: str, rows: NDArray[np.integer[Any]]) -> pa.Array[Any]:
        """The texts of some rows, as an Arrow array (`.to_pylist()` gives strings)."""
        return self._store.texts(f"{self.name}.{column}").take(rows)

    def __repr__(self) -> str:
        return f"<{self.name}: {self._rows:,} rows>"

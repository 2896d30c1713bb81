"""What the benchmarks have written, for the chapters that show it: only of the very data set that is open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mimic.data_loader import DataLoader

__all__ = ["tables_of", "values_of"]


def tables_of(path: Path, data: DataLoader) -> dict[str, Any] | None:
    """The tables of a file of `benchmarks/results`; None where it was measured on another data set."""
    document = json.loads(path.read_text(encoding="utf-8"))
    if document["data"]["checksum"] != data.manifest.checksum:
        return None
    tables: dict[str, Any] = document["tables"]
    return tables


def values_of(table: Mapping[str, Mapping[str, Mapping[str, float]]]) -> pd.DataFrame:
    """A table's values without their intervals, one row a line."""
    rows = {row: {name: figure["value"] for name, figure in cells.items()} for row, cells in table.items()}
    return pd.DataFrame.from_dict(rows, orient="index")

"""The calibration table: what the world must look like, what it looks like, and who says so.

Bands of rows marked *ours* were set from eight drafts (mean ± 4 standard deviations, rounded) before
the final measurement, because decisions of the course move them away from the published figure: the
raised base rates, 80 communities, a log of one feed in twenty. Where the published figure lies beyond
such a band, the band reaches out to it. All other bands are those of the survey of published figures
that the world was built from. LOG.md has the story.
"""

from __future__ import annotations

import dataclasses
import json
import math
from importlib.resources import files
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa

from prep.measure import measure
from prep.world import World

Rows: TypeAlias = list[dict[str, Any]]
"""Rows of the table as JSON has them: the fields of `Target`, then what was measured."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """One row of the table, before measuring."""

    row: str
    """Short id, as in the book."""
    tier: str
    """A is tested at the course preset, B is shown."""
    statistic: str
    """What is measured, in words."""
    published: str
    """The published figure, with its year."""
    target: float
    """What the world aims at, at the course preset."""
    low: float
    """The least value that passes."""
    high: float
    """The greatest value that passes."""
    ours: bool = False
    """The band is ours: see the module's docstring."""


def targets() -> list[Target]:
    """All rows, in the order of the book."""
    rows: Rows = json.loads(files("prep").joinpath("calibration.json").read_text(encoding="utf-8"))
    return [Target(**row) for row in rows]


def calibrate(public: dict[str, pa.Table], truth: dict[str, pa.Table], world: World) -> Rows:
    """Measure a world against all targets; targets belong to the course preset."""
    measured = measure(public, truth, world)
    return [
        {
            **dataclasses.asdict(t),
            # where a small world has nothing to measure, null: JSON knows no NaN
            "measured": None if math.isnan(measured[t.row]) else round(measured[t.row], 6),
            "passed": bool(t.low <= measured[t.row] <= t.high),
        }
        for t in targets()
    ]


def calibration_table(manifest: dict[str, Any]) -> pd.DataFrame:
    """The table that a data set's manifest holds, one row a statistic; what was not measured is NaN."""
    table = pd.DataFrame(manifest["calibration"]).set_index("row")
    return table.astype({"measured": float})

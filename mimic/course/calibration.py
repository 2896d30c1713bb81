"""The calibration table of a data set for people to read, part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from mimic.errors import MimicError
from mimic.markup import MUTED, Shown, div, fold, frame, table, text

__all__ = ["GROUPS", "PUBLISHED", "calibration_rows", "counted", "group_of"]

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "follows": ("G", "primary share", "C"),
    "time": ("A", "E17", "E18", "E19", "E24"),
    "responses": ("rate", "E8", "E9", "E10", "E11", "E12", "E13", "E14", "E15", "E21", "E25"),
    "text": ("T",),
}
"""The parts, and how the ids of their rows begin."""

PUBLISHED: Final[Mapping[str, float]] = {
    "G1": 35,
    "G3": 0.76,
    "G5 top 20 %": 0.96,
    "G6": 2.28,
    "G8 followers": 0.40,
    "G8 following": 0.24,
    "G9": 0.36,
    "G10": 0.68,
    "G11 degree 4 to 6": 0.23,
    "G13 weak": 0.93,
    "G13 strong": 0.69,
    "G14": 4.1,
    "G17": 0.70,
    "A1": 0.80,
    "A2": 0.97,
    "A3": 0.48,
    "A4": 0.49,
    "A5 top tenth": 138,
    "A6": 0.56,
    "A8 hashtags": 0.10,
    "E11": 0.50,
    "E14": 0.95,
    "E18": 80,
    "E19 under 24 h": 0.95,
    "T1 over 140": 0.12,
    "T1 over 190": 0.05,
    "rate like": 0.012,
    "rate reply": 0.005,
    "rate retweet": 0.0042,
    "rate quote": 0.0005,
    "rate click": 0.003,
    "rate profile_visit": 0.0015,
    "rate not_interested": 0.0028,
    "rate report": 0.000014,
}
"""By row, the published figures that are one number and measure what the row measures. The table's column
`published` says who found them and when; of a range this is the end that is nearer to ours."""

_NOT_SHARES: Final = ("G3", "G4 Gini", "G11", "G19", "A11", "E8", "E9", "E10", "E13 Gini", "E17 Gini")
"""Rows between 0 and 1 that are no shares; all others in that range are shown in per cent."""

_HEADER: Final = ("row", "statistic", "published", "here", "allowed", "target", "")
_OURS: Final = " °"
"""Behind a band that the course set itself, from drafts of the world, and no publication."""
_PASSED: Final = {True: "✓", False: "✗\N{NO-BREAK SPACE}missed"}


def group_of(row: str) -> str:
    """The part that a row of the table belongs to.

    Raises:
        MimicError: it belongs to none.
    """
    for group, starts in GROUPS.items():
        if row.startswith(starts):
            return group
    raise MimicError(f"row {row!r} belongs to no part of the calibration table")


def calibration_rows(calibration: pd.DataFrame, group: str, lit: Sequence[str]) -> Shown:
    """One part of the table: some rows open, the others folded below them, and how many hold.

    Bands that are ours and no publication's are marked °.

    Args:
        calibration: the whole table, indexed by row, as `prep.calibration.calibration_table` gives it.
        group: one of `GROUPS`.
        lit: rows that stand open, in this order.
    """
    part = calibration[[group_of(str(row)) == group for row in calibration.index]]
    folded = [str(row) for row in part.index if row not in lit]
    html = frame(
        _html(calibration, lit, name=f"Calibration: {group}"),
        fold(f"The other {len(folded)} rows", _html(calibration, folded, name=f"Calibration: {group}, more")),
        div(text(counted(part)), f"{MUTED};margin-top:.4em"),
    )
    words = [" | ".join(_cells(calibration, row)) for row in [*lit, *folded]]
    return Shown(html, "\n".join([*words, counted(part)]))


def counted(calibration: pd.DataFrame) -> str:
    """How many rows of each tier lie in their bands, as a sentence."""
    passed, tested = calibration["passed"].astype(bool), calibration["tier"] == "A"
    return (
        f"In their band: {(passed & tested).sum()} of {tested.sum()} rows of tier A (tested), "
        f"{(passed & ~tested).sum()} of {(~tested).sum()} of tier B (shown)."
    )


def _html(calibration: pd.DataFrame, rows: Sequence[str], *, name: str) -> str:
    cells = [[text(cell) for cell in _cells(calibration, row)] for row in rows]
    return table(_HEADER, cells, name=name, numbers=(3, 4, 5))


def _cells(calibration: pd.DataFrame, row: str) -> tuple[str, ...]:
    """A row as words: three digits, and per cent where it is a share."""
    entry = calibration.loc[row]
    values = calibration.loc[[row], ["target", "low", "high", "measured"]].to_numpy(np.float64)[0]
    target, low, high, measured = values.tolist()
    share = low > -1e-3 and high <= 1 and not row.startswith(_NOT_SHARES)
    least = max(low, 0.0) if share else low  # so many deviations may reach below no share at all
    said = [_said(value, share=share) for value in (target, least, high, measured)]
    unit = " %" if share else ""
    allowed = f"{said[1]} to {said[2]}{unit}{_OURS if entry['ours'] else ''}"
    code = f"{row.split(maxsplit=1)[0]}\N{NO-BREAK SPACE}{entry['tier']}"
    words = code, str(entry["statistic"]), str(entry["published"])
    return *words, f"{said[3]}{unit}", allowed, f"{said[0]}{unit}", _PASSED[bool(entry["passed"])]


def _said(value: float, *, share: bool) -> str:
    return f"{100 * value if share else value:.3g}".replace("-", "−")

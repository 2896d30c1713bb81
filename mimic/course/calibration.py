"""The calibration table of a data set for people to read, part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from mimic.errors import MimicError
from mimic.markup import MUTED, Shown, div, fold, frame, table, text

__all__ = ["GROUPS", "NEAR", "PUBLISHED", "RANGES", "band_met", "base_rate_words", "base_rates"]
__all__ += ["calibration_rows", "counted", "group_of", "ratio", "some_rows"]

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
    "A5 the rest": 2,
    "A8 hashtags": 0.10,
    "A8 media": 0.40,
    "A13 median": 157 * 30,
    "E11": 0.50,
    "E14": 0.95,
    "E17 Gini": 0.97,
    "E18": 80,
    "E19 under 24 h": 0.95,
    "T1 over 140": 0.12,
    "T1 over 190": 0.05,
    "T1 at 280": 0.01,
    "T5": 3,
    "rate like": 0.012,
    "rate reply": 0.005,
    "rate retweet": 0.0042,
    "rate quote": 0.0005,
    "rate click": 0.003,
    "rate profile_visit": 0.0015,
    "rate not_interested": 0.0028,
    "rate report": 0.000014,
}
"""By row, the published figures that are one number and measure what the row measures, in the row's unit. The
table's column `published` says who found them and when."""

RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "G9": (0.36, 0.42),
    "A6": (0.56, 0.69),
    "A8 links": (0.19, 0.20),
    "A11": (0.3, 0.6),
    "T6 accounts": (0.05, 0.15),
}
"""The same for published figures that are a range, or several that differ: its ends."""

NEAR: Final = 0.1
"""How far from a published figure is near it, as a share of that figure."""

_NOT_SHARES: Final = ("G3", "G4 Gini", "G11", "G19", "A11", "E8", "E9", "E10", "E13 Gini", "E17 Gini")
"""Rows between 0 and 1 that are no shares; all others in that range are shown in per cent."""

_HEADER: Final = ("row", "statistic", "published", "here", "near", "in band", "our band")
_OURS: Final = " °"
"""Behind a band that the course set itself, from drafts of the world, and no publication."""
_PASSED: Final = {True: "✓", False: "✗\N{NO-BREAK SPACE}missed"}
_BOUNDS: Final = {"over": "under", "under": "over"}
"""What an estimate that is a bound makes of a factor over it."""


def group_of(row: str) -> str:
    """The part that a row of the table belongs to.

    Raises:
        MimicError: it belongs to none.
    """
    for group, starts in GROUPS.items():
        if row.startswith(starts):
            return group
    raise MimicError(f"row {row!r} belongs to no part of the calibration table")


def ratio(calibration: pd.DataFrame, row: str) -> float:
    """Measured here over published: 1 inside a range, NaN where no number can be compared."""
    measured = float(calibration.loc[[row], "measured"].to_numpy(np.float64)[0])
    low, high = RANGES.get(row, (PUBLISHED.get(row, np.nan),) * 2)
    nearest = min(max(measured, low), high) if low < high else low
    return measured / nearest


def band_met(calibration: pd.DataFrame, row: str) -> str:
    """Where a row lies, as words for a sentence: "above its band", "below its band" or "inside its band"."""
    low, high, measured = calibration.loc[[row], ["low", "high", "measured"]].to_numpy(np.float64)[0]
    return f"{'above' if measured > high else 'below' if measured < low else 'inside'} its band"


def base_rates(calibration: pd.DataFrame, measured: Mapping[str, float]) -> pd.DataFrame:
    """How much more often people respond here than is estimated of Twitter, most frequent first.

    Args:
        calibration: the whole table, indexed by row.
        measured: response to its share of impressions.

    Returns:
        Index: the responses. Columns: `published`, `measured` and `factor`, NaN where nothing is known, and
        `bound`: "over" or "under" where the estimate is only a bound from below or above, else "".
    """
    rows = [f"rate {name}" for name in measured]
    words = [str(calibration.loc[row, "published"]) for row in rows]
    bounds = ["over" if said.startswith("over") else "under" if "with all" in said else "" for said in words]
    rates = pd.DataFrame({"published": [PUBLISHED.get(row, np.nan) for row in rows]}, index=list(measured))
    rates["measured"] = list(measured.values())
    rates["factor"] = rates["measured"] / rates["published"]
    return rates.assign(bound=bounds).sort_values("measured", ascending=False)


def base_rate_words(rates: pd.DataFrame) -> pd.DataFrame:
    """`base_rates` for people to read: per cent, factors, and which of them are bounds."""
    names = [str(name).replace("_", " ") for name in rates.index]
    columns: dict[str, list[str]] = {"estimate for Twitter": [], "here": [], "factor": []}
    for bound, estimate, here, factor in rates[["bound", "published", "measured", "factor"]].itertuples(
        index=False
    ):
        known = np.isfinite(estimate)
        said = f"{bound} {100 * estimate:.3g} %" if known else "not known"
        raised = f"{_BOUNDS.get(bound, '')} × {factor:.1f}" if known else "not known"
        for column, cell in zip(columns.values(), (said, f"{100 * here:.3g} %", raised), strict=True):
            column.append(cell.strip())
    return pd.DataFrame(columns, index=names)


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
        _html(calibration, lit, name=f"Calibration: {group}") if lit else "",
        fold(
            f"The other {len(folded)} rows" if lit else f"All {len(folded)} rows on {group}",
            _html(calibration, folded, name=f"Calibration: {group}, more"),
        ),
        div(text(counted(part)), f"{MUTED};margin-top:.4em"),
    )
    words = [" | ".join(_cells(calibration, row)) for row in [*lit, *folded]]
    return Shown(html, "\n".join([*words, counted(part)]))


def some_rows(calibration: pd.DataFrame, rows: Sequence[str], *, name: str) -> Shown:
    """Some rows of any part, all of them open.

    Args:
        calibration: the whole table, indexed by row.
        rows: which, in this order.
        name: what they are, for those who hear the page.
    """
    words = [" | ".join(_cells(calibration, row)) for row in rows]
    return Shown(frame(_html(calibration, rows, name=name)), "\n".join(words))


def counted(calibration: pd.DataFrame) -> str:
    """How many rows of each tier lie in their bands, and how many near a publication, as two sentences."""
    passed, tested = calibration["passed"].astype(bool), calibration["tier"] == "A"
    near = [_is_near(ratio(calibration, str(row))) for row in calibration.index]
    return (
        f"In their band: {(passed & tested).sum()} of {tested.sum()} rows of tier A (tested), "
        f"{(passed & ~tested).sum()} of {(~tested).sum()} of tier B (shown). "
        f"Near what was published: {near.count(True)} of {len(near) - near.count(None)} that can be compared."
    )


def _is_near(over: float) -> bool | None:
    """Whether a ratio to the published figure is near 1; None where there is no ratio."""
    return None if np.isnan(over) else bool(abs(over - 1) <= NEAR)


def _html(calibration: pd.DataFrame, rows: Sequence[str], *, name: str) -> str:
    cells = [[text(cell) for cell in _cells(calibration, row)] for row in rows]
    return table(_HEADER, cells, name=name, numbers=(3, 6))


def _cells(calibration: pd.DataFrame, row: str) -> tuple[str, ...]:
    """A row as words: three digits, and per cent where it is a share."""
    entry = calibration.loc[row]
    low, high, measured = calibration.loc[[row], ["low", "high", "measured"]].to_numpy(np.float64)[0].tolist()
    share = low > -1e-3 and high <= 1 and not row.startswith(_NOT_SHARES)
    least = max(low, 0.0) if share else low  # so many deviations may reach below no share at all
    said = [_said(value, share=share) for value in (least, high, measured)]
    unit = " %" if share else ""
    band = f"{said[0]} to {said[1]}{unit}{_OURS if entry['ours'] else ''}"
    code = f"{row.split(maxsplit=1)[0]}\N{NO-BREAK SPACE}{entry['tier']}"
    words = code, str(entry["statistic"]), str(entry["published"])
    near, met = _near(ratio(calibration, row)), _PASSED[bool(entry["passed"])]
    return *words, f"{said[2]}{unit}", near, met, band


def _near(over: float) -> str:
    """A tick, how many times the published figure, or a dash."""
    verdict = _is_near(over)
    if verdict is None:
        return "–"
    return "✓" if verdict else f"×\N{NO-BREAK SPACE}{over:{'.1f' if over >= 1 else '.2g'}}"


def _said(value: float, *, share: bool) -> str:
    return f"{100 * value if share else value:.3g}".replace("-", "−")

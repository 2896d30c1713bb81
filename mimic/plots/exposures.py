"""How well scores agree with the true tie, by how much there was to go by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mimic.errors import MimicError
from mimic.palette import BASELINE, IN_NETWORK, OUT_OF_NETWORK, WARNING
from mimic.plots.style import figure

__all__ = ["by_exposure"]

_LOOKS: Final = (
    (IN_NETWORK, "-", "o"),
    (OUT_OF_NETWORK, "--", "s"),
    (WARNING, "-.", "^"),
    (BASELINE, ":", "v"),
)
_APART: Final = 0.075
"""Least distance of two names, as a share of the height."""


def by_exposure(table: pd.DataFrame, scores: Sequence[str], *, ylabel: str, xlabel: str) -> Figure:
    """A line a score over groups of pairs, each with its name at the end.

    Args:
        table: one row a group, from left to right; the column `n` says how many pairs it has; NaN where a
            score says nothing.
        scores: columns to draw, at most four.
        ylabel: what is measured.
        xlabel: what the groups are by.

    Raises:
        MimicError: too many scores, or a column is missing.
    """
    if missing := [name for name in ("n", *scores) if name not in table.columns]:
        raise MimicError(f"the table needs a column {missing[0]!r}; it has {', '.join(map(str, table))}")
    if not 1 <= len(scores) <= len(_LOOKS):
        raise MimicError(f"one to {len(_LOOKS)} scores can be told apart, got {len(scores)}")
    drawn, axes = figure(height=400)
    x = np.arange(len(table))
    ends: list[tuple[float, str, str]] = []
    for name, (colour, dashes, marker) in zip(scores, _LOOKS, strict=False):
        y = table[name].to_numpy(np.float64)
        axes.plot(x, y, color=colour, linestyle=dashes, marker=marker, markersize=7)
        known = y[~np.isnan(y)]
        ends.append((float(known[-1]) if len(known) else 0.0, name, colour))
    axes.axhline(0, color=BASELINE, linewidth=1)
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(-0.3, len(table) - 0.5 + 1.9))
    axes.set_xticks(x, [f"{name}\nn = {_short(n)}" for name, n in table["n"].items()])
    low, high = axes.get_ylim()
    place = -np.inf
    for end, name, colour in sorted(ends):
        place = max(end, place + _APART * (high - low))
        axes.text(len(table) - 0.85, place, name, color=colour, va="center")
    axes.set_axisbelow(True)
    axes.yaxis.grid(visible=True, linewidth=0.8)
    return drawn


def _short(n: int) -> str:
    return f"{n / 1000:.0f} k" if n >= 10_000 else f"{n / 1000:.1f} k" if n >= 1000 else str(n)

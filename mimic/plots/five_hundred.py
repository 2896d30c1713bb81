"""Figures of chapter 10: who found the best tweets, and a topic's hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mimic.errors import MimicError
from mimic.palette import BASELINE, INK, SEVERAL, WARNING, look_of
from mimic.plots.style import draw_truth, figure

__all__ = ["finders", "hourly"]

_SOURCE_OF = {"in-network": "in_network", "graph": "graph"}
"""Rows that are sources themselves; all others are engines of the out-of-network source."""
_HATCH = (1.0, 1.0, 1.0, 0.65)
"""White that lets the colour through, so that a hatch is never the page's own white."""


def finders(table: pd.DataFrame, *, best: float, xlabel: str) -> Figure:
    """What each source found of the best, split into what it found alone and what others found, too.

    Args:
        table: index names the sources from top to bottom; columns `alone` and `with others`.
        best: how many there are, drawn as the truth is.
        xlabel: what is counted.

    Raises:
        MimicError: a column is missing.
    """
    if missing := {"alone", "with others"} - set(table.columns):
        raise MimicError(f"the table needs a column {min(missing)!r}; it has {', '.join(table.columns)}")
    drawn, axes = figure(height=120 + 36 * len(table))
    several = look_of("in_network + graph")
    for y, (name, row) in enumerate(table.iterrows()):
        look = look_of(_SOURCE_OF.get(str(name), "out_of_network"))
        axes.barh(
            y, row["alone"], color=look.colour, hatch=look.hatch, edgecolor=_HATCH, linewidth=0, height=0.66
        )
        axes.barh(
            y,
            row["with others"],
            left=row["alone"],
            color=SEVERAL,
            hatch=several.hatch,
            edgecolor=_HATCH,
            linewidth=0,
            height=0.66,
        )
        total = row["alone"] + row["with others"]
        words = f"{row['alone']:.1f} + {row['with others']:.1f}"
        axes.annotate(words, (total, y), (6, 0), textcoords="offset points", va="center", color=INK)
    draw_truth(axes, [best, best], [-0.5, len(table) - 0.5])
    axes.set_yticks(range(len(table)), [str(name) for name in table.index])
    axes.set(ylim=(len(table) - 0.5, -0.5), xlim=(0, best * 1.03), xlabel=xlabel)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    ways = [look_of(name) for name in ("in_network", "graph", "out_of_network")]
    keys = [
        Patch(facecolor=look.colour, hatch=look.hatch, edgecolor=_HATCH, linewidth=0)
        for look in (*ways, several)
    ]
    names = ["", "", "alone, by colour of the source", "others found it, too"]
    axes.legend(
        keys, names, ncols=4, columnspacing=0.4, handletextpad=0.5, loc="lower left",
        bbox_to_anchor=(-0.02, 1.0), borderaxespad=0.4,
    )  # fmt: skip
    return drawn


def hourly(counts: NDArray[Any], usual: float, *, labels: Sequence[str], found: float, ylabel: str) -> Figure:
    """How much was written in each hour, what is usual, and when somebody noticed.

    Args:
        counts: int[h].
        usual: an hour, on other days.
        labels: int[h], names of the hours; every third is written.
        found: hours from the beginning of the first until the moment that is marked; NaN for none.
        ylabel: what is counted.
    """
    drawn, axes = figure(height=320)
    hours = np.arange(len(counts))
    late = hours + 1 > found if np.isfinite(found) else np.zeros(len(counts), bool)
    colour = look_of("out_of_network").colour
    axes.bar(hours + 0.5, counts, width=0.86, color=np.where(late, colour, BASELINE).tolist())
    axes.axhline(usual, color=INK, linestyle=(0, (2, 2)), linewidth=1.6)
    axes.annotate(f"usual: {usual:.1f}", (0, usual), (6, 22), textcoords="offset points", color=INK)
    if np.isfinite(found):
        axes.axvline(found, color=WARNING, linestyle="--", linewidth=2)
        place = (found, float(max(counts.max(), 1)))
        axes.annotate(
            "trends speaks", place, (-6, 0), textcoords="offset points", ha="right", va="top", color=WARNING
        )
    axes.set_xticks(hours[::3], list(labels)[::3])
    axes.set(xlim=(0, len(counts)), xlabel="hour of the day (UTC)", ylabel=ylabel)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.grid(visible=True, linewidth=0.8)
    axes.set_axisbelow(True)
    return drawn

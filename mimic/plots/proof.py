"""What a name on a card does: rates without names, the same tweets with the name taken off, and as shown."""

from __future__ import annotations

from typing import Final

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from mimic.errors import MimicError
from mimic.palette import BASELINE, GRAPH, INK
from mimic.plots.style import figure

__all__ = ["with_and_without"]

_COLUMNS: Final = ("no name", "name taken off", "with its name")


def with_and_without(table: pd.DataFrame, *, xlabel: str) -> Figure:
    """Three rates a row, joined: what stands in the log without a name, and with one, off and on.

    Args:
        table: index names the rows, from top to bottom; columns `no name` (NaN where everything has one),
            `name taken off`, which is drawn as the truth is, and `with its name`; rates from 0 to 1.
        xlabel: what they are rates of.

    Raises:
        MimicError: a column is missing.
    """
    if missing := [name for name in _COLUMNS if name not in table.columns]:
        raise MimicError(f"the table needs a column {missing[0]!r}; it has {', '.join(map(str, table))}")
    drawn, axes = figure(height=104 + 46 * len(table))
    rows = range(len(table))
    off, on = table["name taken off"], table["with its name"]
    axes.hlines(rows, off, on, color=GRAPH, linewidth=3)
    axes.hlines(rows, table["no name"], off, color=BASELINE, linewidth=3, linestyle=(0, (1, 1)))
    axes.plot(table["no name"], rows, "s", color=BASELINE, markersize=9, label="no name")
    axes.plot(
        off,
        rows,
        "D",
        mfc="none",
        color=INK,
        markersize=9,
        markeredgewidth=1.9,
        label="name taken off (oracle)",
    )
    axes.plot(on, rows, "o", color=GRAPH, markersize=10, label="with its name")
    axes.set_yticks(rows, [str(name) for name in table.index])
    axes.set(ylim=(len(table) - 0.5, -0.5), xlim=(0, None), xlabel=xlabel)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(visible=True, axis="x", linewidth=0.8)
    axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(-0.02, 1.0), columnspacing=1.2, handlelength=1.4)
    return drawn

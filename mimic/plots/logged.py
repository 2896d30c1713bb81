"""What a log can and cannot tell: its rates by position, and its praise against the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike

from mimic.errors import MimicError
from mimic.palette import IN_NETWORK, INK, OUT_OF_NETWORK, WARNING
from mimic.plots.style import draw_truth, figure

__all__ = ["by_position", "praise_and_truth"]

_LINES: Final = ((IN_NETWORK, "-", "o"), (OUT_OF_NETWORK, "--", "s"))
_PRAISE: Final = ("recall", "recall_low", "recall_high")
_TRUTH: Final = ("coverage", "coverage_low", "coverage_high")
_LETTER: Final = 2.25
"""Width of a letter, in hundredths of the width of the axes."""

_EDGE: Final = 104.0
"""Where the axes end."""

Box: TypeAlias = tuple[float, float, float, float]
"""Left, bottom, right, top, in data coordinates."""


def by_position(
    rates: Mapping[str, ArrayLike],
    truth: ArrayLike,
    *,
    ylabel: str,
    truth_name: str = "the oracle",
    spreads: Mapping[str, ArrayLike] | None = None,
) -> Figure:
    """A rate at each place of a feed, for up to two kinds of sessions, and what is true of the last kind.

    Args:
        rates: name to float[n], the rate at places 0 … n − 1.
        truth: float[n], drawn as the truth is.
        ylabel: what the rate is of.
        truth_name: what the truth is called.
        spreads: name to float[n], half the width of the interval around each rate.

    Raises:
        MimicError: more than two kinds, or lengths that differ.
    """
    lengths = {len(np.asarray(values)) for values in (*rates.values(), truth)}
    if not 1 <= len(rates) <= len(_LINES) or len(lengths) > 1:
        raise MimicError(
            f"needs one or two rates as long as the truth, got {len(rates)} of {sorted(lengths)}"
        )
    drawn, axes = figure(height=330)
    for (name, values), (colour, dashes, marker) in zip(rates.items(), _LINES, strict=False):
        axes.plot(np.asarray(values), color=colour, linestyle=dashes, marker=marker, label=name)
        if spreads and name in spreads:
            middle, half = np.asarray(values), np.asarray(spreads[name])
            axes.fill_between(np.arange(len(middle)), middle - half, middle + half, color=(colour, 0.25))
    draw_truth(axes, np.arange(lengths.pop()), truth)
    axes.plot([], [], color=INK, linestyle=(0, (3, 3)), linewidth=1.8, label=truth_name)
    axes.set(ylim=(0, None), xlabel="position in the feed, from 0", ylabel=ylabel)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(visible=True, axis="y", linewidth=0.8)
    axes.legend(loc="upper right")
    return drawn


def praise_and_truth(table: pd.DataFrame, *, lit: Sequence[str] = (), best: str = "") -> Figure:
    """One dot a method: how much of the log's answers it finds, and how much of what is truly best.

    Args:
        table: index names the methods; columns `recall`, `coverage`, and the ends of both intervals,
            `recall_low`, `recall_high`, `coverage_low` and `coverage_high`, all in per cent.
        lit: methods to look at, in vermilion.
        best: the method that knows the truth, drawn hollow.

    Raises:
        MimicError: a column is missing.
    """
    if missing := [name for name in (*_PRAISE, *_TRUTH) if name not in table.columns]:
        raise MimicError(f"the table needs a column {missing[0]!r}; it has {', '.join(map(str, table))}")
    drawn, axes = figure(height=420, width=400)
    for name, row in table.iterrows():
        colour = _colour(name, lit, best)
        marker = "s" if name in lit else "D" if name == best else "o"
        x, y = row["recall"], row["coverage"]
        axes.plot([row["recall_low"], row["recall_high"]], [y, y], color=colour, linewidth=1.8)
        axes.plot([x, x], [row["coverage_low"], row["coverage_high"]], color=colour, linewidth=1.8)
        face = "none" if name == best else colour
        axes.plot(x, y, marker, color=colour, mfc=face, markersize=10, markeredgewidth=2)
    axes.set(xlim=(-2, _EDGE), ylim=(-2, 106), xlabel="logged recall: of the answers in the log, %")
    axes.set_ylabel("true coverage: of the best 100, %")
    axes.grid(visible=True, linewidth=0.8)
    axes.set_axisbelow(True)
    _name_dots(axes, table, lit, best)
    return drawn


def _colour(name: object, lit: Sequence[str], best: str) -> str:
    return WARNING if name in lit else INK if name == best else IN_NETWORK


def _name_dots(axes: Axes, table: pd.DataFrame, lit: Sequence[str], best: str) -> None:
    """A name beside each dot, where it covers no other name and no dot."""
    dots = [(row["recall"], row["coverage"]) for _, row in table.iterrows()]
    taken = [(x - 2.2, y - 3.0, x + 2.2, y + 3.0) for x, y in dots]
    for name, (x, y) in zip(table.index.astype(str), dots, strict=True):
        low, high = table.loc[name, ["recall_low", "recall_high"]]
        wide = _LETTER * len(name)
        left, right, middle = low - wide - 1.5, high + 1.5, min(x - wide / 2, _EDGE - wide)
        places = [(right, y - 2), (middle, y - 10), (middle, y + 4), (left, y - 2)]
        places += [(side, height) for height in (y + 4, y - 10) for side in (left, right)]
        boxes = [(start, bottom, start + wide, bottom + 5.8) for start, bottom in places]
        fits = [box for box in boxes if _inside(box) and not any(_meet(box, it) for it in taken)]
        box = (fits or boxes)[0]
        taken.append(box)
        axes.text(box[0], box[1] + 0.6, name, color=_colour(name, lit, best), va="bottom")


def _inside(box: Box) -> bool:
    """Whether a box lies within the axes; there is room above them."""
    return box[0] >= 0 and box[1] >= -2 and box[2] <= _EDGE


def _meet(one: Box, other: Box) -> bool:
    """Whether two boxes overlap."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

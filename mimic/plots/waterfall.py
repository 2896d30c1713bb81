"""A sum as stairs: where each term takes it, from left to right as on a ruler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from mimic.errors import MimicError
from mimic.palette import GRAPH, INK, WARNING
from mimic.plots.style import figure

__all__ = ["add_up", "waterfall"]

_CHANCES: Final = (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 0.99, 0.999)
"""Probabilities that may be written along the upper edge."""
_ROW: Final = 31
"""Height of a row, CSS pixels."""


def add_up(terms: Mapping[str, float], decimals: int = 3) -> dict[str, float]:
    """The terms of a sum, rounded so that what is printed adds up to the rounded sum.

    Each is rounded together with all before it, so none is off by more than one unit of its last digit, and
    zeros stay zeros. Rounded one by one, a dozen terms can miss their sum by several units.
    """
    after = np.round(np.cumsum(np.array([0.0, *terms.values()])), decimals)
    steps = np.round(np.diff(after), decimals) + 0.0  # no zero keeps a minus
    return dict(zip(terms, steps.tolist(), strict=True))


def waterfall(
    terms: Mapping[str, float], *, total: str = "sum", xlabel: str = "log-odds", decimals: int = 2
) -> Figure:
    """Log-odds added up term by term, one row each; along the upper edge the same as a probability.

    The first term starts at 0 and is drawn as a line; terms that raise the sum are green and point to the
    right, those that lower it are vermilion, hatched, and point to the left.

    Args:
        terms: name to value, in the order of adding; at least two.
        total: what the sum is called, in the last row.
        xlabel: what is added.
        decimals: of every number; the terms are rounded by `add_up`, so a reader's sum agrees.

    Raises:
        MimicError: fewer than two terms, or a value that is not a number.
    """
    if len(terms) < 2 or not np.isfinite(list(terms.values())).all():
        raise MimicError("a waterfall needs at least two terms, and a finite number in each")
    names, values = list(terms), np.array(list(add_up(terms, decimals).values()))
    drawn, axes = figure(height=110 + _ROW * (len(names) + 1))
    after = np.cumsum(values)
    _rows(axes, names, values, after, decimals)
    axes.plot(after[-1], len(names), "D", color=INK, markersize=9)
    axes.set_yticks(range(len(names) + 1), [*names, total])
    axes.set_ylim(len(names) + 0.6, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    room = 0.16 * (after.max() - after.min() + 0.1)
    axes.set(xlabel=xlabel, xlim=(after.min() - room, after.max() + room))
    chance = _percent(1 / (1 + np.exp(-after[-1])))
    _label(axes, after[-1], len(names), f" {after[-1]:.{decimals}f}, a chance of {chance}", side=-1)
    _chances(axes)
    return drawn


def _rows(axes: Axes, names: list[str], values: np.ndarray, after: np.ndarray, decimals: int) -> None:
    """A bar for each term from where the sum was to where it is, and a thread to the next row."""
    for y in range(len(names)):
        value, end = float(values[y]), float(after[y])
        axes.plot([end, end], [y - 0.34, y + 1.34], color=INK, linewidth=0.9)
        if y == 0:
            axes.plot(end, y, "o", color=INK, markersize=8)
            _label(axes, end, y, f"{end:.{decimals}f}", side=1)
            continue
        up = value >= 0
        (bar,) = axes.barh(
            y, value, left=end - value, height=0.62, facecolor=(GRAPH if up else WARNING, 0.75)
        )
        if not up:
            bar.set(hatch="////", edgecolor=WARNING, linewidth=0)
        _label(axes, end, y, f"{value:+.{decimals}f}", side=1 if up else -1)


def _label(axes: Axes, x: float, y: float, words: str, *, side: int) -> None:
    align = "left" if side > 0 else "right"
    words = words.replace("-", "−")
    axes.annotate(words, (x, y), xytext=(9 * side, 0), textcoords="offset points", ha=align, va="center")


def _chances(axes: Axes) -> None:
    """The same axis once more, as probabilities."""
    low, high = axes.get_xlim()
    chances = np.array(_CHANCES)
    places = np.log(chances / (1 - chances))
    inside = (places > low) & (places < high)
    above = axes.secondary_xaxis("top")
    above.set_xticks(places[inside])
    above.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _percent(1 / (1 + np.exp(-x)))))
    above.set_xlabel("probability")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"

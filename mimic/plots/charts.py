"""Charts that several chapters draw: distributions, rhythms, published beside measured, intervals.

Each returns a figure for `mimic.plots.show`; the numbers behind it belong into a table beside it. Lines
and points carry their names, markers and dashes say again what colours say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from mimic.errors import MimicError
from mimic.palette import BASELINE, GRAPH, IN_NETWORK, INK, OUT_OF_NETWORK, SEVERAL
from mimic.plots.style import draw_truth, figure

__all__ = ["beside_published", "by_hour", "ccdf", "decay", "intervals", "lorenz"]

Floats = NDArray[np.float64]

_SERIES: Final = (
    (IN_NETWORK, "-", "o"),
    (OUT_OF_NETWORK, "--", "s"),
    (GRAPH, "-.", "^"),
    (SEVERAL, ":", "D"),
    (BASELINE, (0, (8, 2, 1, 2, 1, 2)), "v"),
    ("#56B4E9", (0, (1, 1)), "P"),
)
"""Colour, dashes and marker of series that mean no source: never more than six in one chart."""


def ccdf(
    series: Mapping[str, ArrayLike], *, xlabel: str, exponent: float | None = None, source: str = ""
) -> Figure:
    """Share of accounts (or tweets) with at least x, on logarithmic axes: a power law is a straight line.

    Args:
        series: name to counts, int[n] each; zeros are counted in the share and have no place on the axis.
        xlabel: what is counted.
        exponent: of the density, as published; a line of slope 1 − exponent is drawn beside the first series.
        source: who published it, beside that line.
    """
    drawn, axes = figure(height=380)
    for (name, counts), (colour, dashes, _) in zip(_few(series).items(), _SERIES, strict=False):
        axes.plot(*_at_least(np.asarray(counts)), color=colour, linestyle=dashes, label=name)
    axes.set(xscale="log", yscale="log", xlabel=xlabel, ylabel="share with at least as many")
    if exponent is not None:
        _slope(axes, *_at_least(np.asarray(next(iter(series.values())))), exponent, source)
    _plain_numbers(axes)
    _key(axes)
    return drawn


def _at_least(counts: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Distinct values above 0, ascending, and the share of entries that reach each."""
    values, numbers = np.unique(counts, return_counts=True)
    share = np.cumsum(numbers[::-1])[::-1] / len(counts)
    return values[values > 0].astype(np.float64), share[values > 0]


def _slope(axes: Axes, x: Floats, share: Floats, exponent: float, source: str) -> None:
    """A line of slope 1 − exponent along the tail, a little to its right."""
    last = len(x) - 1
    start, stop = (min(int(place), last) for place in np.searchsorted(-share, [-0.1, -0.001]))
    along = np.array([x[start], x[stop]])
    line = share[start] * (along / along[0]) ** (1 - exponent)
    along = along * 1.9
    axes.plot(along, line, color=INK, linestyle=(0, (2, 2)), linewidth=1.6)
    text = f"slope 1 − {exponent:g}" + (f"\n{source}" if source else "")
    middle = float(np.sqrt(along.prod())), float(np.sqrt(line.prod()))
    axes.annotate(text, middle, xytext=(10, 2), textcoords="offset points", color=INK, va="bottom")


def by_hour(counts: Mapping[str, ArrayLike], *, xlabel: str = "hour of the day (UTC)") -> Figure:
    """Share of each series in each hour of the day: bars for one series, steps for several.

    Args:
        counts: name to how many in each hour, int[24].
        xlabel: whose hours they are.
    """
    drawn, axes = figure(height=320)
    hours = np.arange(24)
    for (name, numbers), (colour, dashes, _) in zip(_few(counts).items(), _SERIES, strict=False):
        share = np.asarray(numbers, np.float64)
        if share.shape != (24,):
            raise MimicError(f"{name!r} must have 24 numbers, one an hour, got shape {share.shape}")
        share = share / share.sum()
        if len(counts) == 1:
            axes.bar(hours + 0.5, share, width=0.86, color=colour)
        else:
            around = np.append(share, share[0])  # a day has no end
            axes.plot(np.arange(25) + 0.5, around, color=colour, linestyle=dashes, label=name)
    axes.set(xlim=(0, 24), ylim=(0, None), xlabel=xlabel, ylabel="share of the day")
    axes.set_xticks(range(0, 25, 3))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    _grid(axes, "y")
    _key(axes)
    return drawn


def decay(
    ages: Mapping[str, ArrayLike], *, unit: str = "hours", published: Mapping[str, float] | None = None
) -> Figure:
    """How fast tweets are used up: share of all views that have come by an age, with the half-life marked.

    Args:
        ages: name to the age of a tweet at each of its views (or likes), float[n], in `unit`.
        unit: of the ages.
        published: source to half-life in `unit`, marked on the axis of the half.
    """
    drawn, axes = figure(height=340)
    for (name, values), (colour, dashes, marker) in zip(_few(ages).items(), _SERIES, strict=False):
        at = np.quantile(np.asarray(values, np.float64), np.linspace(0, 1, 401))
        text = f"{name}: half after {at[200]:.2g} {unit}"
        axes.plot(at, np.linspace(0, 1, 401), color=colour, linestyle=dashes)
        axes.plot([at[200]] * 2, [0, 0.5], color=colour, linestyle=":", linewidth=1.4)
        axes.plot(at[200], 0.5, marker, color=colour, markersize=9, label=text)
    for source, half in (published or {}).items():
        _hollow(axes, [half], [0.5], INK, f"{source}: {half:.2g} {unit}")
    axes.set(xlim=(0, None), ylim=(0, 1.02), xlabel=f"age of the tweet ({unit})", ylabel="share so far")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    _grid(axes, "y")
    _key(axes)
    return drawn


def beside_published(
    table: pd.DataFrame, *, xlabel: str, scale: str = "linear", published: str = "published"
) -> Figure:
    """Published and measured figures, one row each: hollow diamonds and blue dots.

    Args:
        table: index names the rows, from top to bottom; columns `published` (NaN where there is none) and
            `measured`; `low` and `high`, where given, are the band that the measured value may lie in.
        xlabel: what is measured, with its unit.
        scale: "linear" or "log".
        published: what the diamonds are called.
    """
    _expect(table, "published", "measured")
    drawn, axes = figure(height=70 + 31 * len(table))
    y = np.arange(len(table))
    if {"low", "high"} <= set(table.columns):
        axes.hlines(y, table["low"], table["high"], color=(BASELINE, 0.35), linewidth=9)
    axes.hlines(y, table["published"], table["measured"], color=INK, linewidth=1.2)
    _hollow(axes, table["published"], y, INK, published)
    axes.plot(table["measured"], y, "o", color=IN_NETWORK, markersize=9, label="measured here")
    _rows(axes, [str(name) for name in table.index])
    axes.set(xscale=scale, xlabel=xlabel)
    _key(axes)
    _plain_numbers(axes)
    _grid(axes, "x")
    return drawn


def intervals(
    table: pd.DataFrame,
    *,
    xlabel: str,
    best: float | None = None,
    best_name: str = "the oracle's best",
    mark: str = "",
    lit: Sequence[str] = (),
) -> Figure:
    """Values with intervals, one row each, for comparing feeds: «The climb».

    Args:
        table: index names the rows, from top to bottom; columns `value`, `low` and `high`; a further column
            named `mark`, where given, is drawn as diamonds, such as one person beside the mean of many.
        xlabel: what is measured, with its unit.
        best: the most that can be had, drawn as the truth is.
        best_name: what that is.
        mark: name of the further column, for the legend.
        lit: rows in blue; the others are grey. None means all.
    """
    _expect(table, "value", "low", "high", *([mark] if mark else []))
    drawn, axes = figure(height=76 + 33 * len(table))
    for y, (name, row) in enumerate(table.iterrows()):
        colour = IN_NETWORK if not lit or name in lit else BASELINE
        axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=3, solid_capstyle="butt")
        axes.plot(row["value"], y, "o" if colour == IN_NETWORK else "s", color=colour, markersize=9)
    if mark:
        axes.plot([], [], "o", color=INK, markersize=9, label="mean, with its interval")
        _hollow(axes, table[mark], np.arange(len(table)), OUT_OF_NETWORK, mark)
    _rows(axes, [str(name) for name in table.index])
    if best is not None:
        draw_truth(axes, [best, best], [-0.5, len(table) - 0.5])
        axes.annotate(best_name, (best, -0.5), xytext=(-5, 3), textcoords="offset points", ha="right")
    axes.set(xlabel=xlabel)
    _key(axes)
    _plain_numbers(axes)
    _grid(axes, "x")
    return drawn


def lorenz(series: Mapping[str, ArrayLike], *, xlabel: str, ylabel: str) -> Figure:
    """How unequal a thing is shared out: the share that the poorest x % hold, with Gini's coefficient.

    Args:
        series: name to what each holds, float[n], zeros included.
        xlabel: who holds it, such as "share of accounts, from the fewest followers".
        ylabel: what is held.
    """
    drawn, axes = figure(height=400, width=520)
    axes.plot([0, 1], [0, 1], color=INK, linestyle=(0, (2, 2)), linewidth=1.4)
    axes.annotate("all equal", (0.4, 0.4), xytext=(-8, 4), textcoords="offset points", ha="right")
    for (name, holds), (colour, dashes, _) in zip(_few(series).items(), _SERIES, strict=False):
        sorted_holds = np.sort(np.asarray(holds, np.float64))
        held = np.concatenate(([0.0], np.cumsum(sorted_holds) / sorted_holds.sum()))
        of = np.linspace(0, 1, len(held))
        gini = 1.0 - 2.0 * np.trapezoid(held, of)
        axes.plot(of, held, color=colour, linestyle=dashes, label=f"{name}: Gini {gini:.2f}")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=xlabel, ylabel=ylabel)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    _key(axes)
    return drawn


def _few(series: Mapping[str, ArrayLike]) -> Mapping[str, ArrayLike]:
    if not 1 <= len(series) <= len(_SERIES):
        raise MimicError(
            f"a chart holds 1 to {len(_SERIES)} series that can be told apart, got {len(series)}"
        )
    return series


def _expect(table: pd.DataFrame, *columns: str) -> None:
    if missing := [name for name in columns if name not in table.columns]:
        raise MimicError(
            f"the table needs a column {missing[0]!r}; it has {', '.join(map(str, table.columns))}"
        )


def _rows(axes: Axes, names: Sequence[str]) -> None:
    """Rows from top to bottom, without an axis line of their own."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _key(axes: Axes) -> None:
    """What the lines and marks are called, in one row above the chart; nothing where nothing has a name."""
    handles, names = axes.get_legend_handles_labels()
    if names:
        axes.legend(
            handles, names, ncols=len(names), columnspacing=1.6, handlelength=2.4,
            loc="lower left", bbox_to_anchor=(-0.02, 1.0), borderaxespad=0.4,
        )  # fmt: skip


def _hollow(axes: Axes, x: ArrayLike, y: ArrayLike, colour: str, name: str) -> None:
    """Diamonds that one can look through, for what is compared with."""
    axes.plot(x, y, "D", mfc="none", color=colour, markersize=8, markeredgewidth=1.9, label=name)


def _grid(axes: Axes, which: str) -> None:
    axes.set_axisbelow(True)
    (axes.xaxis if which == "x" else axes.yaxis).grid(visible=True, linewidth=0.8)


def _plain_numbers(axes: Axes) -> None:
    """Ticks as people write numbers: 10,000 and 0.01, not powers of ten."""
    for axis, scale in ((axes.xaxis, axes.get_xscale()), (axes.yaxis, axes.get_yscale())):
        if scale == "log":
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
            axis.set_minor_locator(NullLocator())

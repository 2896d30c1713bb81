"""Nearest neighbours drawn: cells in a plane, a walk on a graph, recall against time, time against size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from mimic.errors import MimicError
from mimic.palette import BASELINE, GRAPH, IN_NETWORK, INK, OUT_OF_NETWORK, WARNING
from mimic.plots.style import figure

__all__ = ["cells_figure", "growth_figure", "recall_figure", "walk_figure"]

_MOST: Final = 16
"""Points with names that can still be read."""
_LOOKS: Final = ((IN_NETWORK, "-", "o"), (OUT_OF_NETWORK, "--", "s"), (GRAPH, "-.", "^"))
_FINE: Final = 400
"""Grid that cells are coloured on."""


def cells_figure(
    points: ArrayLike, names: Sequence[object], middles: ArrayLike, query: ArrayLike, *, probes: int = 1
) -> Figure:
    """Points in a plane, the cells of their middles, and which of them a query reads.

    Args:
        points: float[n, 2], at most 16.
        names: of the points.
        middles: float[cells, 2].
        query: float[2].
        probes: cells that are read, in blue; the others are in grey.

    Raises:
        MimicError: too many points, or another number of names.
    """
    at, mid, asks = (np.asarray(values, np.float64) for values in (points, middles, query))
    _few(at, names)
    drawn, axes = figure(height=430, width=520)
    low, high = _frame(at)
    order = np.argsort(((mid - asks) ** 2).sum(axis=1))
    place = np.argsort(order)  # of each cell among the nearest
    _fill(axes, mid, place, probes, (low[0], high[0], low[1], high[1]))
    read = place[_cell_of(at, mid)] < probes
    _dots(axes, at, names, np.where(read, IN_NETWORK, BASELINE))
    for middle, rank in zip(mid, place, strict=True):
        axes.plot(
            *middle, "+", color=IN_NETWORK if rank < probes else INK, markersize=15, markeredgewidth=2.4
        )
    _query(axes, asks)
    _plane(axes, low, high)
    return drawn


def walk_figure(
    points: ArrayLike,
    names: Sequence[object],
    graph: Sequence[set[int]],
    query: ArrayLike,
    steps: Sequence[tuple[int, Sequence[int], Sequence[int]]],
) -> Figure:
    """A walk on a graph, a panel a step: in blue what is kept, in orange where it stands, in grey unseen.

    Args:
        points: float[n, 2], at most 16.
        names: of the points.
        graph: neighbours of each point.
        query: float[2].
        steps: where each step stands, what has been measured, what is kept.

    Raises:
        MimicError: too many points, or no step.
    """
    at, asks = np.asarray(points, np.float64), np.asarray(query, np.float64)
    _few(at, names)
    if not steps:
        raise MimicError("a walk has one step at least")
    rows = (len(steps) + 1) // 2
    drawn, axes = figure(height=300 * rows)
    axes.remove()
    panels = drawn.subplots(rows, 2, squeeze=False).ravel()
    low, high = _frame(at)
    for number, panel in enumerate(panels):
        if number >= len(steps):
            _key_of_walk(panel)
            continue
        stands, measured, kept = steps[number]
        _edges(panel, at, graph, stands)
        colours = [
            OUT_OF_NETWORK if k == stands else IN_NETWORK if k in kept else INK if k in measured else "none"
            for k in range(len(at))
        ]
        _dots(panel, at, names, colours)
        _query(panel, asks)
        _plane(panel, low, high)
        panel.set_title(f"step {number + 1}: at {names[stands]}", fontweight="normal")
    return drawn


def recall_figure(table: pd.DataFrame, *, exact_ms: float) -> Figure:
    """Recall against time, one line an index: to the right is what finds more, below what is fast.

    Args:
        table: columns `index` (its name), `looks at` (probes or beam), `recall` (0 to 1) and `ms`.
        exact_ms: what exact search takes, a grey line.

    Raises:
        MimicError: a column is missing, or there are more indexes than can be told apart.
    """
    if missing := [name for name in ("index", "looks at", "recall", "ms") if name not in table]:
        raise MimicError(f"the table needs a column {missing[0]!r}; it has {', '.join(map(str, table))}")
    names = list(dict.fromkeys(table["index"]))
    if len(names) > len(_LOOKS):
        raise MimicError(f"{len(_LOOKS)} indexes can be told apart, got {len(names)}")
    drawn, axes = figure(height=400)
    for name, (colour, dashes, marker) in zip(names, _LOOKS, strict=False):
        rows = table[table["index"] == name]
        axes.plot(100 * rows["recall"], rows["ms"], color=colour, linestyle=dashes, marker=marker, label=name)
        for row in rows.itertuples(index=False):
            x, y = 100 * float(row.recall), float(row.ms)
            axes.annotate(f"{row[1]}", (x, y), xytext=(-5, 6), textcoords="offset points", ha="right")
    axes.axhline(exact_ms, color=BASELINE, linewidth=1.8)
    left = 100 * float(table["recall"].min())
    axes.annotate("exact search", (left, exact_ms), xytext=(0, 4), textcoords="offset points", color=INK)
    axes.set(yscale="log", xlabel="recall of the exact 200, %", ylabel="time of a query, ms")
    axes.set_xlim(left - 4, 102)
    _plain(axes)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=len(names), borderaxespad=0.4)
    return drawn


def growth_figure(
    sizes: ArrayLike,
    lines: Mapping[str, ArrayLike],
    *,
    powers: Mapping[str, float],
    until: float,
    live: float | None = None,
) -> Figure:
    """Time of a query as the number of vectors grows, drawn on in dots to where nothing was measured.

    Args:
        sizes: numbers of vectors, ascending.
        lines: name to ms at each size.
        powers: name to p: from the last size on, time is drawn as growing with the number to the power p.
        until: number of vectors up to which lines are drawn on.
        live: a number of vectors to mark.

    Raises:
        MimicError: fewer than two sizes, or more lines than can be told apart.
    """
    at = np.asarray(sizes, np.float64)
    if len(at) < 2 or not 1 <= len(lines) <= len(_LOOKS):
        raise MimicError(f"needs two sizes and 1 to {len(_LOOKS)} lines, got {len(at)} and {len(lines)}")
    drawn, axes = figure(height=360)
    for (name, values), (colour, dashes, marker) in zip(lines.items(), _LOOKS, strict=False):
        ms = np.asarray(values, np.float64)
        axes.plot(at, ms, color=colour, linestyle=dashes, marker=marker, label=name)
        end = ms[-1] * (until / at[-1]) ** powers[name]
        axes.plot([at[-1], until], [ms[-1], end], color=colour, linestyle=":")
        axes.plot(until, end, marker, mfc="none", color=colour, markersize=9, markeredgewidth=2)
    axes.axhline(1.0, color=WARNING, linewidth=1.4)
    axes.annotate("1 ms", (at[0], 1.0), xytext=(0, 4), textcoords="offset points", color=WARNING)
    if live:
        axes.axvline(live, color=INK, linewidth=1.2, linestyle=(0, (2, 2)))
        axes.text(live * 1.08, 0.04, "live now", transform=axes.get_xaxis_transform())
    axes.set(
        xscale="log", yscale="log", xlabel="vectors (hollow: extrapolated)", ylabel="time of a query, ms"
    )
    _plain(axes)
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, 0.88))
    return drawn


def _few(points: NDArray[np.float64], names: Sequence[object]) -> None:
    if len(points) > _MOST or len(points) != len(names):
        raise MimicError(
            f"draws {_MOST} points at most, each with a name; got {len(points)} and {len(names)}"
        )


def _frame(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The corners of a map, with room for names on the right."""
    return points.min(axis=0) - 1, points.max(axis=0) + np.array([1.8, 1.0])


def _cell_of(points: NDArray[np.float64], middles: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(((points[:, None] - middles) ** 2).sum(axis=2).argmin(axis=1), np.int64)


def _fill(axes: Axes, middles: NDArray[np.float64], place: Any, probes: int, extent: Any) -> None:
    """The plane, cell by cell, and the borders between the cells."""
    left, right, bottom, top = extent
    x, y = np.linspace(left, right, _FINE), np.linspace(bottom, top, _FINE)
    grid = np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2)
    cell = _cell_of(grid, middles).reshape(_FINE, _FINE)
    read = ListedColormap([f"{INK}18", f"{IN_NETWORK}38"])
    axes.imshow(place[cell] < probes, origin="lower", extent=extent, cmap=read, vmin=0, vmax=1, aspect="auto")
    for number in range(len(middles)):
        axes.contour(x, y, cell == number, levels=[0.5], colors=INK, linewidths=1.4)


def _key_of_walk(axes: Axes) -> None:
    """What the colours of a walk mean, where a panel is left over."""
    axes.set_axis_off()
    for face, edge, name in (
        (OUT_OF_NETWORK, OUT_OF_NETWORK, "stands here"),
        (IN_NETWORK, IN_NETWORK, "kept in mind"),
        (INK, INK, "measured"),
        ("none", INK, "not looked at"),
    ):
        axes.plot([], [], "o", mfc=face, color=edge, markersize=9, markeredgewidth=1.6, label=name)
    axes.legend(loc="center left")


def _edges(axes: Axes, points: NDArray[np.float64], graph: Sequence[set[int]], stands: int) -> None:
    for k, others in enumerate(graph):
        for other in others:
            if other > k:
                own = stands in (k, other)
                x, y = points[[k, other]].T
                axes.plot(
                    x, y, color=OUT_OF_NETWORK if own else f"{INK}70", linewidth=2 if own else 1.2, zorder=1
                )


def _dots(axes: Axes, points: NDArray[np.float64], names: Sequence[object], colours: Any) -> None:
    for (x, y), name, colour in zip(points, names, colours, strict=True):
        edge = INK if colour == "none" else colour
        axes.plot(x, y, "o", mfc=colour, color=edge, markersize=9, markeredgewidth=1.6)
        axes.annotate(str(name), (x, y), xytext=(7, 5), textcoords="offset points")


def _query(axes: Axes, query: NDArray[np.float64]) -> None:
    axes.plot(*query, "*", color=WARNING, markersize=17)
    x, y = query
    axes.annotate("Mara", (x, y), xytext=(-10, -16), textcoords="offset points", color=WARNING, ha="right")


def _plane(axes: Axes, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="cycling … bread", ylabel="… chess")
    axes.set_xticks([])
    axes.set_yticks([])


def _plain(axes: Axes) -> None:
    """Ticks as people write numbers."""
    axes.set_axisbelow(True)
    axes.grid(visible=True, linewidth=0.8)
    for axis, scale in ((axes.xaxis, axes.get_xscale()), (axes.yaxis, axes.get_yscale())):
        if scale == "log":
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
            axis.set_minor_locator(NullLocator())

"""Vectors to look at: a small space with its translations, clouds of points, losses, trade-offs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from mimic.errors import MimicError
from mimic.palette import BASELINE, GRAPH, IN_NETWORK, INK, OUT_OF_NETWORK, SEVERAL, WARNING
from mimic.plots.style import figure

__all__ = ["clouds", "lines", "loss_curves", "translations"]

_LOOKS: Final = (
    (IN_NETWORK, "-", "o"),
    (OUT_OF_NETWORK, "--", "s"),
    (GRAPH, "-.", "^"),
    (SEVERAL, ":", "D"),
    (WARNING, (0, (8, 2, 1, 2, 1, 2)), "v"),
    (BASELINE, (0, (1, 1)), "P"),
)
"""Colour, dashes and marker of kinds that mean no source."""

_NARROW: Final = 345
"""Width of a figure that a phone shows whole, CSS pixels."""
_NEAR: Final = 0.07
"""Share of the picture's size within which points get one name."""
_ROW: Final = 78
"""Letters of a key that fit into one row, five for each mark."""

Points = Mapping[str, Sequence[float]]


def translations(people: Points, tweets: Points, moves: Sequence[tuple[str, str, Sequence[float]]]) -> Figure:
    """A space of two dimensions: people as dots, tweets as squares, and where relations move somebody.

    Args:
        people: name to place.
        tweets: name to place.
        moves: who is moved, by what relation, by how much.
    """
    drawn, axes = figure(height=430)
    everything = np.array([*people.values(), *tweets.values()], np.float64)
    size, middle = np.ptp(everything, axis=0), everything.mean(axis=0)
    for points, colour, marker in ((people, IN_NETWORK, "o"), (tweets, OUT_OF_NETWORK, "s")):
        axes.plot(*np.array(list(points.values())).T, marker, color=colour, markersize=9, linestyle="none")
        for names, (x, y) in _together(points, _NEAR * size):
            left, below = x > middle[0], points is tweets
            offset = (6 if left else -4, -8 if below else 8)
            axes.annotate(
                ", ".join(names), (x, y), xytext=offset, textcoords="offset points", color=INK,
                ha="right" if left else "left", va="top" if below else "bottom",
            )  # fmt: skip
    for who, relation, (dx, dy) in moves:
        x, y = people[who]
        arrow = {"arrowstyle": "-|>", "color": GRAPH, "linewidth": 2}
        axes.annotate("", (x + dx, y + dy), xytext=(x, y), arrowprops=arrow)
        axes.annotate(relation, (x + dx, y + dy), xytext=(4, -14), textcoords="offset points", color=GRAPH)
        axes.plot(x + dx, y + dy, "^", mfc="none", color=GRAPH, markersize=9)
    for line in (axes.axhline, axes.axvline):
        line(0, color=INK, linewidth=0.7)
    axes.margins(0.14)
    axes.set(xlabel="first entry of the vector", ylabel="second entry")
    return drawn


def _together(points: Points, near: NDArray[np.float64]) -> list[tuple[list[str], tuple[float, float]]]:
    """Names of points that lie too near one another to be named apart, with the place of the first."""
    groups: list[tuple[list[str], tuple[float, float]]] = []
    for name, (x, y) in points.items():
        for names, (there_x, there_y) in groups:
            if abs(x - there_x) <= near[0] and abs(y - there_y) <= near[1]:
                names.append(name)
                break
        else:
            groups.append(([name], (x, y)))
    return groups


def clouds(
    panels: Mapping[str, tuple[ArrayLike, ArrayLike]],
    names: Sequence[str],
    marks: Mapping[str, tuple[str, Sequence[float]]] | None = None,
) -> Figure:
    """The same kinds of points in several projections, two panels a row.

    Args:
        panels: title to places, float[n, 2], and the kind of each point, int[n] below `len(names)`.
        names: of the kinds, six at most.
        marks: title of a panel to a name and its place, drawn as a star.

    Raises:
        MimicError: more kinds than can be told apart.
    """
    if not 1 <= len(names) <= len(_LOOKS):
        raise MimicError(f"a cloud holds 1 to {len(_LOOKS)} kinds that can be told apart, got {len(names)}")
    rows = -(-len(panels) // 2)
    drawn, first = figure(height=70 + 200 * rows, width=_NARROW)
    first.remove()
    grid = drawn.subplots(rows, min(2, len(panels)), squeeze=False).ravel()
    for unused in grid[len(panels) :]:
        unused.remove()
    for axes, (title, (places, kinds)) in zip(grid, panels.items(), strict=False):
        xy, kind = np.asarray(places), np.asarray(kinds)
        for k, (colour, _, marker) in zip(range(len(names)), _LOOKS, strict=False):
            axes.plot(*xy[kind == k].T, marker, color=(colour, 0.75), markersize=4, linestyle="none")
        if marks and title in marks:
            name, (x, y) = marks[title]
            axes.plot(x, y, "*", color=INK, markersize=17, markeredgecolor="white")
            axes.annotate(name, (x, y), xytext=(9, 7), textcoords="offset points", color=INK, weight="bold")
        axes.set_title(title, weight="normal")
        axes.xaxis.set_major_locator(NullLocator())
        axes.yaxis.set_major_locator(NullLocator())
    for name, (colour, _, marker) in zip(names, _LOOKS, strict=False):
        grid[0].plot([], [], marker, color=colour, linestyle="none", label=name)
    drawn.legend(loc="outside upper left", ncols=2)
    return drawn


def loss_curves(
    losses: Mapping[str, ArrayLike], *, guess: float | None = None, guess_name: str = "guessing", ylabel: str
) -> Figure:
    """Loss by step, each point a mean over a fiftieth of the steps around it.

    Args:
        losses: name to the loss of each step.
        guess: the loss of whoever knows nothing, a dotted line.
        guess_name: what that line is called.
        ylabel: what kind of loss.
    """
    drawn, axes = figure(height=330)
    for (name, values), (colour, dashes, _) in zip(losses.items(), _LOOKS, strict=False):
        steps = np.asarray(values, np.float64)
        axes.plot(*_smooth(steps), color=colour, linestyle=dashes, label=name)
    if guess is not None:
        axes.axhline(guess, color=INK, linestyle=":", linewidth=1.6)
        axes.annotate(guess_name, (1, guess), xycoords=("axes fraction", "data"), xytext=(-4, 4),
                      textcoords="offset points", ha="right", color=INK)  # fmt: skip
    axes.set(xlabel="step of training", ylabel=ylabel)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.grid(visible=True, axis="y", linewidth=0.8)
    if len(losses) > 1:
        _key(axes, losses)
    return drawn


def _smooth(values: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    width = max(1, len(values) // 50)
    whole = len(values) // width * width
    return np.arange(0, whole, width) + width / 2, values[:whole].reshape(-1, width).mean(axis=1)


def lines(table: pd.DataFrame, *, xlabel: str, ylabel: str, even: bool = False) -> Figure:
    """One line a column against the table's index, each with its name at its right end.

    Args:
        table: numbers; the index is the x axis.
        xlabel: what the index is, with its unit.
        ylabel: what the columns are, with their unit.
        even: place the values of the index at even distances, for those that grow by factors.

    Raises:
        MimicError: more columns than can be told apart.
    """
    if not 1 <= len(table.columns) <= len(_LOOKS):
        raise MimicError(f"draws 1 to {len(_LOOKS)} lines that can be told apart, got {len(table.columns)}")
    drawn, axes = figure(height=350)
    x = np.arange(len(table)) if even else table.index.to_numpy(np.float64)
    for name, (colour, dashes, marker) in zip(table, _LOOKS, strict=False):
        axes.plot(x, table[name], color=colour, linestyle=dashes, marker=marker, markersize=8, label=name)
    axes.set_xticks(x, [f"{value:g}" for value in table.index])
    axes.set(ylim=(0, None), xlabel=xlabel, ylabel=ylabel)
    axes.grid(visible=True, axis="y", linewidth=0.8)
    if len(table.columns) > 1:
        _key(axes, table.columns)
    return drawn


def _key(axes: Axes, names: Iterable[object]) -> None:
    """What the lines are called, above the chart: in one row where that fits."""
    letters = sum(len(str(name)) + 5 for name in names)
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=4 if letters < _ROW else 2, borderaxespad=0.4
    )

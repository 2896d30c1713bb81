"""Figures of chapter 5: posting lists on a time axis, a model as staircases, what a budget keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from mimic.errors import MimicError
from mimic.palette import BASELINE, IN_NETWORK, INK, WARNING
from mimic.plots.style import draw_truth, figure

__all__ = ["budgets", "posting_lists", "staircases"]

Floats = NDArray[np.float64]

_DASHES: Final = ((0, (1, 1.2)), (0, (4, 2)), (0, (8, 2, 1, 2)), "-")
_MARKERS: Final = ("x", "v", "^", "s")


def posting_lists(posts: pd.DataFrame, followed: Sequence[str], limit: int) -> Figure:
    """Who posted when: one line a person, the newest on the left, and where a search for `limit` stops.

    Args:
        posts: poster, tweet_id, author and hours (before now).
        followed: posters whose lists are read, drawn above the others and numbered from the newest.
        limit: how many posts are fetched.
    """
    others = sorted(set(posts["poster"]) - set(followed))
    people = [*followed, *others]
    drawn, axes = figure(height=90 + 44 * len(people))
    read = posts[posts["poster"].isin(followed)].sort_values("hours", ignore_index=True)
    for y, name in enumerate(people):
        colour = IN_NETWORK if name in followed else BASELINE
        axes.axhline(y, color=colour, linewidth=1.2, alpha=0.5)
        for post in posts[posts["poster"] == name].to_dict("records"):
            again = post["author"] != name
            face = "none" if again else colour
            axes.plot(post["hours"], y, "D" if again else "o", color=colour, mfc=face, markersize=9, mew=2)
            _name_post(axes, post, y, colour)
    for order, post in enumerate(read.to_dict("records"), start=1):
        place = (post["hours"], people.index(post["poster"]))
        axes.annotate(f"{order}.", place, (0, -19), textcoords="offset points", ha="center", color=INK)
    if limit < len(read):
        stop = read["hours"].iloc[limit - 1 : limit + 1].mean()
        axes.axvline(stop, color=WARNING, linestyle="--", linewidth=2)
        words = f"stop after {limit}"
        axes.annotate(words, (stop, len(people) - 0.45), (5, 4), textcoords="offset points", color=WARNING)
    axes.set_yticks(range(len(people)), [f"@{name}" for name in people])
    axes.set(ylim=(len(people) - 0.4, -0.7), xlim=(-0.8, posts["hours"].max() + 3))
    axes.set_xlabel("hours ago (the newest on the left; a diamond is a retweet)")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    return drawn


def _name_post(axes: Axes, post: Mapping[Any, Any], y: int, colour: str) -> None:
    where = (post["hours"], y)
    words = str(post["tweet_id"])
    axes.annotate(words, where, (0, 8), textcoords="offset points", ha="center", color=colour)


def staircases(panels: Mapping[str, tuple[Floats, Floats]], *, ylabel: str) -> Figure:
    """What each bin of some features adds to a score, one small chart a feature, on one scale.

    Args:
        panels: label of the axis to the upper ends of all bins but the last, and the weight of each bin.
        ylabel: what is added.

    Raises:
        MimicError: a panel has not one weight more than ends.
    """
    for name, (ends, weights) in panels.items():
        if len(weights) != len(ends) + 1:
            raise MimicError(f"{name!r} has {len(ends)} ends, so {len(ends) + 1} weights; got {len(weights)}")
    rows = -(-len(panels) // 2)
    drawn, alone = figure(height=36 + 168 * rows)
    alone.remove()
    grid = drawn.subplots(rows, 2, sharey=True, squeeze=False)
    for axes, (name, (ends, weights)) in zip(grid.flat, panels.items(), strict=False):
        axes.axhline(0, color=INK, linewidth=1)
        span = float(np.ptp(ends)) if len(ends) > 1 else 1.0
        low = min(0.0, float(ends.min(initial=0.0)))
        high = float(ends.max(initial=1.0)) + 0.08 * (span or 1.0)
        axes.stairs(weights, [low - 0.04 * span, *ends, high], baseline=None, color=IN_NETWORK, linewidth=2.4)
        axes.set_xlabel(name)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.grid(visible=True, linewidth=0.8)
    for axes in grid.flat[len(panels) :]:
        axes.remove()
    drawn.supylabel(ylabel, color=INK, fontsize="medium")
    return drawn


def budgets(table: pd.DataFrame, *, ylabel: str, truth: str, lit: str) -> Figure:
    """What each method keeps as the budget grows, with the names at the left ends of the lines.

    Args:
        table: index names the methods, columns are budgets, ascending; per cent.
        ylabel: what is kept.
        truth: the row that is drawn as the truth is.
        lit: the row in blue; the others are grey.

    Raises:
        MimicError: more grey rows than there are kinds of lines.
    """
    grey = [name for name in table.index if name not in (truth, lit)]
    if len(grey) > len(_DASHES):
        raise MimicError(f"a chart holds {len(_DASHES)} baselines that can be told apart, got {len(grey)}")
    drawn, axes = figure(height=420)
    x = np.asarray(table.columns, np.float64)
    for name, dashes, marker in zip(grey, _DASHES, _MARKERS, strict=False):
        axes.plot(x, table.loc[name], color=BASELINE, linestyle=dashes, marker=marker, markersize=7)
    axes.plot(x, table.loc[lit], color=IN_NETWORK, marker="o", markersize=8)
    draw_truth(axes, x, table.loc[truth])
    starts = table.iloc[:, 0].sort_values()
    for (name, _), y in zip(starts.items(), _apart(starts.to_numpy(), 6.6), strict=True):
        colour = IN_NETWORK if name == lit else INK
        axes.annotate(str(name), (x[0], y), (-10, 0), textcoords="offset points", ha="right", va="center",
                      color=colour)  # fmt: skip
    axes.set(xscale="log", xlim=(x[0] / 2.3, x[-1] * 1.06), ylim=(0, 103))
    axes.set_xticks(x)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="budget, tweets a reader", ylabel=ylabel)
    axes.yaxis.grid(visible=True, linewidth=0.8)
    return drawn


def _apart(heights: Floats, least: float) -> Floats:
    """Ascending heights pushed apart until neighbours are `least` from each other, as little as needed."""
    placed = heights.astype(np.float64).copy()
    for _ in range(200):
        gaps = np.diff(placed)
        close = np.flatnonzero(gaps < least - 1e-6)
        if not len(close):
            break
        for i in close:
            push = (least - (placed[i + 1] - placed[i])) / 2
            placed[i], placed[i + 1] = placed[i] - push, placed[i + 1] + push
    return placed

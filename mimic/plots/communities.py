"""The search for communities and the choice of how fine: curves of chapter 6."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from mimic.errors import MimicError
from mimic.palette import GRAPH, IN_NETWORK, INK, OUT_OF_NETWORK, WARNING
from mimic.plots.style import figure

__all__ = ["choices", "searches", "with_each_like"]

_LINES: Final = ((IN_NETWORK, "--", "s"), (GRAPH, "-", "o"), (WARNING, "-.", "^"))
_TWO: Final = ((GRAPH, "-", "o"), (OUT_OF_NETWORK, "--", "s"))


def searches(records: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]], *, goal: str) -> Figure:
    """What happened in each sweep of up to three searches: how good the partition is, and who moved.

    Args:
        records: name to the objective and the share of the vertices that moved, float64[sweeps] each.
        goal: what the objective is called.

    Raises:
        MimicError: none, or more than three.
    """
    if not 1 <= len(records) <= len(_LINES):
        raise MimicError(f"draws 1 to {len(_LINES)} searches, got {len(records)}")
    drawn, axes = figure(height=440)
    axes.remove()
    above, below = drawn.subplots(2, 1, sharex=True)
    for (name, (good, moved)), (colour, dashes, marker) in zip(records.items(), _LINES, strict=False):
        sweep = np.arange(1, len(good) + 1)
        look = {"color": colour, "linestyle": dashes, "marker": marker, "markersize": 6}
        above.plot(sweep, good, label=name, **look)
        below.plot(sweep, 100 * np.asarray(moved), **look)
    above.set(ylabel=goal)
    below.set(ylabel="moved, %", xlabel="sweep", ylim=(0, 103))
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    for part in (above, below):
        part.grid(visible=True, axis="y", linewidth=0.8)
    above.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=len(records), columnspacing=1.4)
    return drawn


def choices(curves: Mapping[str, pd.DataFrame], *, y: str, ylabel: str) -> Figure:
    """A measure of partitions by how many communities they have; what the held-out follows chose is ringed.

    Args:
        curves: name to a table with columns `communities`, `likelihood` and `y`, one row a resolution; one
            or two curves. The row of greatest likelihood is ringed.
        y: the column to draw.
        ylabel: what it is.

    Raises:
        MimicError: none, or more than two curves.
    """
    if not 1 <= len(curves) <= len(_TWO):
        raise MimicError(f"draws one or two curves, got {len(curves)}")
    drawn, axes = figure(height=330)
    for (name, table), (colour, dashes, marker) in zip(curves.items(), _TWO, strict=False):
        along, up = table["communities"].to_numpy(float), table[y].to_numpy(float)
        axes.plot(along, up, color=colour, linestyle=dashes, marker=marker, markersize=7, label=name)
        best = int(np.argmax(table["likelihood"].to_numpy(float)))
        axes.plot(along[best], up[best], "o", mfc="none", color=colour, markersize=16, markeredgewidth=2)
    axes.set(xlabel="communities found", ylabel=ylabel)
    axes.margins(y=0.14)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.grid(visible=True, axis="y", linewidth=0.8)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2)
    return drawn


def with_each_like(moments: ArrayLike, values: Mapping[str, ArrayLike], likes: ArrayLike) -> Figure:
    """A tweet's embedding over time: a line a community, and a tick for each like.

    Args:
        moments: hours since the tweet was written, float[n], ascending.
        values: community to its entry at each moment, float[n]; one to three of them.
        likes: hours at which likes came, float[k].

    Raises:
        MimicError: none, or more than three communities.
    """
    if not 1 <= len(values) <= len(_LINES):
        raise MimicError(f"draws 1 to {len(_LINES)} communities, got {len(values)}")
    drawn, axes = figure(height=350)
    for (name, line), (colour, dashes, _) in zip(values.items(), _LINES, strict=False):
        axes.plot(np.asarray(moments), np.asarray(line), color=colour, linestyle=dashes, label=name)
    top = max(float(np.max(np.asarray(line))) for line in values.values())
    came, low = np.asarray(likes, np.float64), -0.05 * top
    axes.plot(came, np.full(len(came), low), "|", color=INK, markersize=13, label="a like")
    axes.set(xlabel="hours since it was written", ylabel="the tweet's embedding", ylim=(-0.1 * top, None))
    axes.grid(visible=True, axis="y", linewidth=0.8)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=1, borderaxespad=0.2)
    return drawn

"""A graph as two arrays: where each node's part begins, and all neighbours one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from mimic.csr import CSR
from mimic.errors import MimicError
from mimic.palette import BASELINE, IN_NETWORK, INK
from mimic.plots.style import figure

__all__ = ["csr_figure"]

_MOST: Final = 16
"""Cells in a row that can still be read."""


def csr_figure(graph: CSR, names: Sequence[str], *, lit: int | None = None) -> Figure:
    """Both arrays of a small graph, and lines from each node to its part of the values.

    Args:
        graph: at most 16 nodes and values; values are numbers of nodes.
        names: what the nodes are called.
        lit: a node whose part is in blue.

    Raises:
        MimicError: the graph is too large to be drawn, or has another number of names.
    """
    if max(len(graph) + 1, len(graph.values)) > _MOST or len(names) != len(graph):
        raise MimicError(f"draws {_MOST} nodes and values at most, each with a name; got {len(graph)} nodes")
    drawn, axes = figure(height=260)
    starts, values = graph.starts, graph.values
    left = (len(starts) - len(values)) / 2
    for node, name in enumerate(names):
        axes.text(node + 0.5, 3.75, name, ha="center", va="bottom")
    for k, start in enumerate(starts):
        own = lit is not None and k in (lit, lit + 1)
        _cell(axes, k, 2.6, str(start), lit=own)
    for place, value in enumerate(values):
        own = lit is not None and bool(starts[lit] <= place < starts[lit + 1])
        _cell(axes, left + place, 0.6, str(value), lit=own)
        axes.text(left + place + 0.5, 0.42, names[value], ha="center", va="top")
    _lines(axes, starts, left, lit)
    axes.text(-0.25, 3.1, "starts", ha="right", va="center")
    axes.text(-0.25, 1.1, "values", ha="right", va="center")
    axes.set(xlim=(-1.6, len(starts) + 0.3), ylim=(-0.4, 4.5))
    axes.set_axis_off()
    return drawn


def _cell(axes: Axes, x: float, y: float, words: str, *, lit: bool) -> None:
    """A box with a number."""
    edge, face = (IN_NETWORK, (IN_NETWORK, 0.16)) if lit else (INK, "none")
    axes.add_patch(Rectangle((x + 0.03, y), 0.94, 1.0, facecolor=face, edgecolor=edge, linewidth=1.6))
    axes.text(x + 0.5, y + 0.5, words, ha="center", va="center")


def _lines(axes: Axes, starts: NDArray[Any], left: float, lit: int | None) -> None:
    """From each start to the gap in the values that it names."""
    for k, start in enumerate(starts):
        own = lit is not None and k in (lit, lit + 1)
        colour, width = (IN_NETWORK, 2.4) if own else (BASELINE, 1.2)
        axes.plot([k + 0.5, left + start], [2.57, 1.63], color=colour, linewidth=width)

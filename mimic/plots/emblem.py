"""The emblem of the course: one request, from all tweets to a feed, and what left on the way and why.

Time runs from left to right. The height of the stream is the logarithm of how many tweets are left; its
bands are the sources, in their colours to the end; what was removed leaves downwards in grey, with count
and reason; beneath stand the milliseconds. The strip is the same figure, small, with one stage lit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path

from mimic.errors import MimicError
from mimic.feed import Feed
from mimic.palette import INK, REMOVED
from mimic.plots.flow import STAGES, TYPICAL, Flow, flow_of
from mimic.plots.stream import BANDS_START, END, HATCH, MERGED, SPANS, Stream
from mimic.plots.style import figure

__all__ = ["funnel", "strip_figure"]

_WIDTH: Final = 700
_FIRST_ROW: Final = 318.0
_ROW: Final = 23.0
"""Where the first reason stands below the stream, and how far the next is from it, pixels."""
_FADED: Final = f"{REMOVED}70"
"""Stages of the strip that are not lit."""


def funnel(feed: Feed) -> Figure:
    """Draw what happened to a request.

    Args:
        feed: the answer, with its trace.

    Returns:
        A figure 700 CSS pixels wide, for `mimic.plots.show`; the height grows with the reasons.
    """
    flow = flow_of(feed)
    drawn, axes = _canvas(round(_FIRST_ROW + _ROW * len(flow.drops) + 60))
    stream = Stream(flow, middle=180.0, decade=58.0, gap=13.0)
    _draw_block(axes, stream)
    _draw_wedges(axes, stream)
    stream.draw(axes, BANDS_START, END)
    _draw_drops(axes, stream)
    _draw_band_names(axes, stream)
    _draw_screen(axes, stream, height=196.0)
    _draw_counts(axes, flow)
    _draw_clock(axes, flow)
    return drawn


def strip_figure(*stages: str) -> Figure:
    """The funnel, small, with some stages lit and the others in grey: «you are here».

    Args:
        *stages: some of `STAGES`; none means all.

    Raises:
        MimicError: there is no such stage.
    """
    if unknown := set(stages) - set(STAGES):
        raise MimicError(f"no stage {min(unknown)!r} in the funnel; there are: {', '.join(STAGES)}")
    lit = stages or STAGES
    drawn, axes = _canvas(122)
    stream = Stream(TYPICAL, middle=46.0, decade=20.0, gap=4.0)
    _draw_block(axes, stream, strength=1.0 if "tweets" in lit else 0.4)
    _draw_wedges(axes, stream, colour=None if "sources" in lit else REMOVED)
    for stage in STAGES[1:]:
        stream.draw(axes, *SPANS[stage], colour=None if stage in lit else _FADED)
    _draw_screen(axes, stream, height=84.0, most=10, colour=None if "feed" in lit else _FADED)
    for stage in STAGES:
        _draw_station(axes, stage, weight="bold" if stage in lit else "normal")
    return drawn


def _canvas(height: int) -> tuple[Figure, Axes]:
    """Axes that count pixels from the top left."""
    drawn, axes = figure(width=_WIDTH, height=height)
    drawn.set_layout_engine("none")
    axes.set_position((0, 0, 1, 1))
    axes.set(xlim=(0, _WIDTH), ylim=(height, 0))
    axes.axis("off")
    return drawn, axes


def _draw_block(axes: Axes, stream: Stream, strength: float = 1.0) -> None:
    """All tweets of the window: a block of grains."""
    (start, stop), height = SPANS["tweets"], float(stream.height_of(stream.flow.searched))
    axes.add_patch(
        Rectangle(
            (start + 6, stream.middle - height / 2), stop - start - 12, height, linewidth=0,
            facecolor=(REMOVED, 0.22 * strength), edgecolor=(REMOVED, 0.7 * strength), hatch="...",
        )
    )  # fmt: skip


def _draw_wedges(axes: Axes, stream: Stream, colour: str | None = None) -> None:
    """From the block to where each band begins."""
    if not stream.flow.bands:
        return
    x = np.linspace(SPANS["tweets"][1] - 4, BANDS_START, 60)
    upper, lower = stream.upper[0], stream.lower[0]
    scale = float(stream.height_of(stream.flow.searched)) / max(lower[-1] - upper[0], 1.0)
    stretch = scale + (1 - scale) * np.linspace(0, 1, len(x)) ** 1.5
    for band, look in enumerate(stream.flow.bands):
        above, below = (stream.middle + (edge[band] - stream.middle) * stretch for edge in (upper, lower))
        axes.fill_between(x, above, below, facecolor=colour or look.colour, alpha=0.17, linewidth=0)


def _draw_band_names(axes: Axes, stream: Stream) -> None:
    """Name and count of each band, left of where it begins, no two on top of each other."""
    wanted = (stream.upper[0] + stream.lower[0]) / 2
    steps = np.arange(len(wanted)) * 19.0
    places = np.maximum.accumulate(wanted - steps) + steps
    for look, count, y in zip(stream.flow.bands, stream.flow.fetched.tolist(), places, strict=True):
        _write_pair(axes, BANDS_START - 7, y, look.word, f"{count:,}", strong=1)


def _write_pair(axes: Axes, right: float, y: float, first: str, second: str, *, strong: int) -> None:
    """Two words side by side that end at `right`; the one numbered `strong`, 0 or 1, is bold."""
    for number, word in ((1, second), (0, first)):
        weight = "bold" if number == strong else "normal"
        text = axes.text(right, y, word, ha="right", va="center", color=INK, fontweight=weight)
        right = axes.transData.inverted().transform(text.get_window_extent())[0, 0] - 5


def _draw_drops(axes: Axes, stream: Stream) -> None:
    """What leaves: a grey drip for each reason, the last one the deepest, so that no text is crossed."""
    for number, (drop, x) in enumerate(zip(stream.flow.drops, stream.places, strict=True)):
        count, end = int(drop.counts.sum()), _FIRST_ROW + _ROW * number
        axes.add_patch(_drip(x, stream.bottom(x) - 1, end, 1.6 + 2.1 * float(np.log10(1 + count))))
        _write_pair(axes, x - 8, end, f"{count:,}", drop.reason, strong=0)


def _drip(x: float, top: float, end: float, half: float) -> PathPatch:
    """A drop that flares where it leaves the stream and thins towards its end."""
    neck = min(top + 30, (top + end) / 2)
    move, line, curve = Path.MOVETO, Path.LINETO, Path.CURVE4
    steps = [
        (move, (x - half - 9, top)),
        (curve, (x - half, top + 4)), (curve, (x - half, neck - 10)), (curve, (x - half, neck)),
        (line, (x - 1.2, end)), (line, (x + 1.2, end)), (line, (x + half, neck)),
        (curve, (x + half, neck - 10)), (curve, (x + half, top + 4)), (curve, (x + half + 9, top)),
    ]  # fmt: skip
    codes, points = zip(*steps, strict=True)
    return PathPatch(Path(points, codes), facecolor=REMOVED, alpha=0.55, linewidth=0)


def _draw_screen(
    axes: Axes, stream: Stream, *, height: float, most: int = 20, colour: str | None = None
) -> None:
    """The feed on a screen: one line for each of its first tweets, in the colour of who found it."""
    left, top = END + 6.0, stream.middle - height / 2
    style = "round,pad=0,rounding_size=10"
    axes.add_patch(FancyBboxPatch((left, top), 72, height, boxstyle=style, fc="none", ec=INK, linewidth=1.8))
    rows, lengths = stream.flow.shown[:most], (37, 29, 41, 25, 33)
    pitch = (height - 20) / max(len(rows), 1)
    thick = min(pitch, 14.0)
    for row, band in enumerate(rows):
        y, look = top + 10 + pitch * row, stream.flow.bands[band]
        spot = Rectangle((left + 9, y), 9, thick * 0.72, fc=colour or look.colour, ec=HATCH, linewidth=0)
        spot.set_hatch(look.hatch)
        axes.add_patch(spot)
        words = (left + 22, y + thick * 0.1), lengths[row % 5], thick * 0.46
        axes.add_patch(Rectangle(*words, facecolor=(REMOVED, 0.5), linewidth=0))


def _draw_counts(axes: Axes, flow: Flow) -> None:
    """How many are left, above the stream."""
    columns = (
        (44, flow.searched, "in 48 hours"),
        (MERGED - 20, int(flow.fetched.sum()), "fetched"),
        (SPANS["features"][0] + 30, flow.left_after("budget"), "candidates"),
        (SPANS["scores"][1] - 18, flow.left_after("scores"), "left to rank"),
        (END + 42, len(flow.shown), "shown"),
    )
    for x, count, word in columns:
        axes.text(x, 14, f"{count:,}", ha="center", va="center", color=INK, fontweight="bold")
        axes.text(x, 32, word, ha="center", va="center", color=INK)


def _draw_clock(axes: Axes, flow: Flow) -> None:
    """Milliseconds of each stage along an arrow of time."""
    y = axes.get_ylim()[0] - 46
    axes.add_patch(FancyArrowPatch((6, y), (694, y), arrowstyle="-|>", mutation_scale=12, color=INK))
    for stage in STAGES[1:]:
        start, stop = SPANS[stage]
        middle = (start + min(stop, END)) / 2
        axes.plot([start, start], [y - 5, y + 5], color=INK, linewidth=1.2)
        word = "order" if stage == "feed" else stage
        axes.text(middle, y + 17, word, ha="center", va="center", color=INK)
        axes.text(middle, y + 35, f"{flow.ms[stage]:.1f} ms", ha="center", va="center", color=INK)


def _draw_station(axes: Axes, stage: str, *, weight: str) -> None:
    """Name of a stage of the strip, with a bar above it when it is lit."""
    start, stop = (SPANS[stage][0], SPANS[stage][1]) if stage != "feed" else (END - 6, _WIDTH)
    middle = (start + stop) / 2
    axes.text(middle, 110, stage, ha="center", va="center", color=INK, fontweight=weight)
    if weight == "bold":
        axes.plot([middle - 24, middle + 24], [96, 96], color=INK, linewidth=2.5, solid_capstyle="round")

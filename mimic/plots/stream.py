"""The geometry of the funnel: where its bands run, and where drops leave them."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mimic.plots.flow import Flow

__all__ = ["BANDS_START", "END", "HATCH", "MERGED", "SPANS", "Stream"]

Floats = NDArray[np.float64]

SPANS: Final = {
    "tweets": (0.0, 66.0),
    "sources": (66.0, 266.0),
    "budget": (266.0, 326.0),
    "features": (326.0, 386.0),
    "filters": (386.0, 446.0),
    "scores": (446.0, 504.0),
    "feed": (504.0, 700.0),
}
"""Where each stage stands, pixels of a figure that is 700 wide."""
BANDS_START: Final = 206.0
"""Where the bands begin, apart from each other."""
MERGED: Final = 262.0
"""Where they touch."""
END: Final = 616.0
"""Where the stream reaches the screen."""
HATCH: Final = (1.0, 1.0, 1.0, 0.36)
"""Colour of hatches: a breath of white."""

_CUT: Final = 566.0
"""Before this, the last drops have left."""
_SHRINKING: Final = 26.0
"""Over how many pixels the stream narrows where something leaves."""


class Stream:
    """The edges of the bands over x, computed once.

    The stream is `decade` pixels high for each factor of ten of how many are left, and each band has its
    share of that height.
    """

    def __init__(self, flow: Flow, *, middle: float, decade: float, gap: float) -> None:
        self.flow = flow
        self.middle = middle
        self.places = _drop_places(flow)
        """Where each drop leaves."""
        self._decade = decade
        self._x = np.linspace(BANDS_START, END, 800)
        counts = self._counts_left()
        total = counts.sum(axis=1)
        heights = counts / np.maximum(total, 1e-9)[:, None] * self.height_of(total)[:, None]
        apart = gap * (1 - _smooth((self._x - BANDS_START - 8) / (MERGED - BANDS_START - 8)))
        bands = np.arange(len(flow.bands))
        top = middle - (heights.sum(axis=1) + apart * max(len(bands) - 1, 0)) / 2
        self.upper: Floats = top[:, None] + np.cumsum(heights, axis=1) - heights + apart[:, None] * bands
        """float64[x, bands]: upper edge of each band, pixels from the top."""
        self.lower: Floats = self.upper + heights
        """float64[x, bands]: lower edge."""

    def height_of(self, tweets: Floats | int) -> Floats:
        """Height of a stream of so many tweets, pixels."""
        return np.asarray(self._decade * np.log10(1.0 + np.asarray(tweets, np.float64)))

    def _counts_left(self) -> Floats:
        left = np.tile(self.flow.fetched.astype(np.float64), (len(self._x), 1))
        for drop, place in zip(self.flow.drops, self.places, strict=True):
            width = END - place if drop is self.flow.drops[-1] else _SHRINKING
            left -= _smooth((self._x - place + 8) / width)[:, None] * drop.counts
        return np.maximum(left, 0.0)

    def bottom(self, x: float) -> float:
        """Lower edge of the whole stream at x, pixels from the top."""
        return float(np.interp(x, self._x, self.lower[:, -1]))

    def draw(self, axes: Axes, start: float, stop: float, colour: str | None = None) -> None:
        """Fill the bands between two places, in their own colours unless one is given."""
        here = (self._x >= start) & (self._x <= stop + 1)  # a pixel over the seam
        for band, look in enumerate(self.flow.bands):
            axes.fill_between(
                self._x[here],
                self.upper[here, band],
                self.lower[here, band],
                facecolor=colour or look.colour,
                edgecolor=HATCH,
                hatch=look.hatch,
                linewidth=0,
            )


def _smooth(t: Floats) -> Floats:
    """From 0 to 1 without a corner."""
    t = np.clip(t, 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t))


def _drop_places(flow: Flow) -> list[float]:
    """Where each drop leaves: those of one stage side by side within it."""
    places = []
    for number, drop in enumerate(flow.drops):
        mates = [i for i, other in enumerate(flow.drops) if other.stage == drop.stage]
        start, stop = SPANS[drop.stage]
        places.append(start + (min(stop, _CUT) - start) * (mates.index(number) + 0.5) / len(mates))
    return places

"""Do stated probabilities come true? Observed over expected counts, bin by bin, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import ArrayLike, NDArray

from mimic.errors import MimicError
from mimic.palette import IN_NETWORK, WARNING
from mimic.plots.style import draw_truth, figure

__all__ = ["reliability", "reliability_table"]

_LEVEL = 1.96
"""Standard deviations of a normal distribution that hold 95 %."""


def reliability_table(
    stated: ArrayLike, happened: ArrayLike, *, bins: int = 40, least: float = 200
) -> pd.DataFrame:
    """Rows binned by stated probability, in even steps of its logarithm, each bin with enough to count.

    Args:
        stated: float[n], probabilities of independent events, above 0.
        happened: bool[n], whether each did.
        bins: how many at most.
        least: events that a bin expects at least; one that expects fewer is joined to the next above it.

    Returns:
        One row a bin, from the least probable: `rows`, mean `stated` probability, `expected` and `observed`
        events, their `ratio` and the ends `low` and `high` of its 95 % interval: ± 1.96 standard deviations
        of a sum of coins with the stated chances.

    Raises:
        MimicError: the two differ in length, are empty, or a probability is not above 0.
    """
    p, y = np.asarray(stated, np.float64), np.asarray(happened, bool)
    if p.shape != y.shape or not p.size or not p.min() > 0:
        raise MimicError(f"needs as many outcomes as probabilities above 0, got {y.shape} and {p.shape}")
    of = np.digitize(np.log(p), np.linspace(np.log(p.min()), np.log(p.max()), bins + 1)[1:-1])
    of = _joined(np.bincount(of, p, minlength=bins).tolist(), least)[of]
    rows, expected, observed = np.bincount(of), np.bincount(of, p), np.bincount(of, y)
    ratio = observed / expected
    spread = _LEVEL * np.sqrt(np.bincount(of, p * (1 - p))) / expected
    return pd.DataFrame(
        {
            "rows": rows,
            "stated": expected / rows,
            "expected": expected,
            "observed": observed.astype(np.int64),
            "ratio": ratio,
            "low": ratio - spread,
            "high": ratio + spread,
        }
    )


def _joined(expected: list[float], least: float) -> NDArray[np.int64]:
    """The new number of each bin: bins are filled from below, and what is left over joins the last."""
    numbers, held, current = [], 0.0, 0
    for events in expected:
        numbers.append(current)
        held += events
        if held >= least:
            held, current = 0.0, current + 1
    return np.array([min(number, max(current - 1, 0)) for number in numbers], np.int64)


def reliability(table: pd.DataFrame, *, events: str) -> Figure:
    """Observed per expected events against the stated probability; an honest one stays around 1.

    Args:
        table: from `reliability_table`.
        events: what is counted, such as "likes".
    """
    drawn, axes = figure(height=330)
    stated, low, high, ratio = (
        table[name].to_numpy(np.float64) for name in ("stated", "low", "high", "ratio")
    )
    missed = (low > 1) | (high < 1)
    for colour, marker, rows in ((IN_NETWORK, "o", ~missed), (WARNING, "s", missed)):
        axes.vlines(stated[rows], low[rows], high[rows], color=colour, linewidth=2.4)
        axes.plot(stated[rows], ratio[rows], marker, color=colour, markersize=7)
    axes.set(xscale="log", xlabel="stated probability", ylabel=f"{events} seen per {events} expected")
    draw_truth(axes, axes.get_xlim(), [1, 1])
    reach = 1.15 * max(float((high - 1).max()), float((1 - low).max()), 0.02)
    axes.set_ylim(1 - reach, 1 + reach)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g} %"))
    axes.set_xticks(_ticks(*axes.get_xlim()))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_axisbelow(True)
    axes.yaxis.grid(visible=True, linewidth=0.8)
    return drawn


def _ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten that lie between two probabilities, at most eight."""
    places = [float(f"{digit}e{power}") for power in range(-6, 0) for digit in (1, 2, 5)]
    inside = [place for place in places if low < place < high]
    return inside if len(inside) <= 8 else inside[:: -(-len(inside) // 8)]

"""What the funnel figure shows, read off a feed: who found its candidates, and where they ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mimic.feed import Feed
from mimic.palette import Look, look_of
from mimic.trace import SHOWN

__all__ = ["STAGES", "TYPICAL", "Drop", "Flow", "flow_of"]

STAGES: Final = ("tweets", "sources", "budget", "features", "filters", "scores", "feed")
"""The stages of the picture, from left to right."""

_STAGE_OF: Final = {
    "gate": "sources",
    "source": "sources",
    "merge": "budget",
    "budget": "budget",
    "hydrate": "features",
    "filter": "filters",
    "score": "scores",
    "post filter": "scores",
    "select": "feed",
    "late filter": "feed",
    "feed": "feed",
}
"""Which of them a step of the trace belongs to."""


@dataclass(frozen=True, kw_only=True)
class Drop:
    """Candidates that leave together."""

    stage: str
    """One of STAGES."""
    reason: str
    counts: NDArray[np.int64]
    """int64[bands]: how many of each band."""


@dataclass(frozen=True, kw_only=True)
class Flow:
    """The numbers of the picture."""

    searched: int
    """Tweets of the window."""
    bands: tuple[Look, ...]
    """Kinds of candidates by who found them, from top to bottom."""
    fetched: NDArray[np.int64]
    """int64[bands]: distinct candidates of each."""
    drops: tuple[Drop, ...]
    """In order of time."""
    shown: tuple[int, ...]
    """Band of each tweet of the feed, first to last."""
    ms: dict[str, float]
    """Milliseconds of each of STAGES but the first."""

    def left_after(self, stage: str) -> int:
        """Candidates that are left after a stage."""
        until = STAGES.index(stage)
        gone = sum(int(drop.counts.sum()) for drop in self.drops if STAGES.index(drop.stage) <= until)
        return int(self.fetched.sum()) - gone


def flow_of(feed: Feed) -> Flow:
    """Read the picture off a feed."""
    bands, band = _bands(feed)
    trace, drops = feed.trace, []
    for number in sorted(range(len(trace.causes)), key=lambda number: trace.causes[number].step):
        cause, counts = trace.causes[number], np.bincount(band[trace.ends == number], minlength=len(bands))
        if cause.fate != SHOWN and counts.sum():
            stage = _STAGE_OF[trace.steps[cause.step].stage]
            drops.append(Drop(stage=stage, reason=cause.reason, counts=counts))
    ms = dict.fromkeys(STAGES[1:], 0.0)
    for step in trace.steps:
        ms[_STAGE_OF[step.stage]] += step.ms
    return Flow(
        searched=len(feed.data.tweets) - feed.data.since("tweets"),
        bands=bands,
        fetched=np.bincount(band, minlength=len(bands)),
        drops=tuple(drops),
        shown=tuple(band[feed.places].tolist()),
        ms=ms,
    )


def _bands(feed: Feed) -> tuple[tuple[Look, ...], NDArray[np.int64]]:
    """The kinds of candidates, and the kind of each: found by one source, or by several at once.

    «Several» comes after the first source, so that the bands that share tweets touch.
    """
    found_by = np.array(feed.fetched.sources, dtype=object)
    several = np.array([" + " in name for name in found_by], bool)
    names = [name for name in feed.fetched.finders if (found_by == name).any()]
    looks = [look_of(name) for name in names]
    if several.any():
        names[1:1], looks[1:1] = [""], [replace(look_of("a + b"), word="several")]
    kinds = np.where(several, "", found_by)
    return tuple(looks), np.array([names.index(kind) for kind in kinds], np.int64)


def _drop(stage: str, reason: str, *counts: int) -> Drop:
    return Drop(stage=stage, reason=reason, counts=np.array(counts, np.int64))


TYPICAL: Final = Flow(
    searched=17_000,
    bands=tuple(look_of(name) for name in ("in_network", "graph", "out_of_network")),
    fetched=np.array([200, 100, 450], np.int64),
    drops=(
        _drop("budget", "over budget", 0, 0, 250),
        _drop("filters", "filtered", 20, 10, 20),
        _drop("feed", "not among the best", 170, 86, 174),
    ),
    shown=(0, 2, 0, 1, 0, 2, 0, 0, 2, 1) * 2,
    ms={},
)
"""A request as they mostly are, for the strip, which is drawn before anything has run."""

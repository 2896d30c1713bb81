"""The sizes of worlds."""

from __future__ import annotations

import dataclasses
from typing import Final


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preset:
    """The size of a world."""

    name: str
    users: int
    """Accounts."""
    tweets: int
    """Originals and replies in 30 days, to within a few per cent."""
    impressions: int
    """Rows of the log, to within a few per cent."""
    communities: int
    """Planted communities: about 60 of the 10 000 users' producers each at course."""
    mean_out: float
    """Follow stubs a user drawn before duplicates and rejections are dropped (to meet row G1)."""
    follow_back: float
    """Base probability of following back; rises with size so that reciprocity stays .41 (row G9)."""
    tick_hours: int
    """Hours between two refreshes of counts, proofs and the logger's index."""
    filled: float
    """What sessions show against what their drawn depths ask for, because lists run dry; used to plan
    how many sessions fill the log, no more."""


PRESETS: Final = {
    "tiny": Preset(
        name="tiny",
        users=500,
        tweets=10_000,
        impressions=50_000,
        communities=10,
        mean_out=34.0,
        follow_back=0.36,
        tick_hours=3,
        filled=0.58,
    ),
    "course": Preset(
        name="course",
        users=10_000,
        tweets=250_000,
        impressions=2_500_000,
        communities=80,
        mean_out=110.0,
        follow_back=0.46,
        tick_hours=1,
        filled=0.83,
    ),
    "million": Preset(
        name="million",
        users=100_000,
        tweets=2_000_000,
        impressions=20_000_000,
        communities=400,
        mean_out=135.0,
        follow_back=0.48,
        tick_hours=1,
        filled=0.87,
    ),
}
"""The three sizes: unit tests, the book, benchmarks."""

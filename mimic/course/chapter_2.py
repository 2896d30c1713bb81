"""Exercises of chapter 2: measuring the world."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mimic.course.exercise import Exercise, close_to, number, number_from
from mimic.data_loader import DataLoader

__all__ = ["RECIPROCITY"]

_RTOL: Final = 0.012
"""Room for an answer with two digits."""


@lru_cache(maxsize=1)
def _returned(data: DataLoader) -> NDArray[np.bool_]:
    """Whether each follow is returned, bool[follows]."""
    users = len(data.users)
    there = data.follows["follower"].astype(np.int64) * users + data.follows["followed"]
    back = data.follows["followed"].astype(np.int64) * users + data.follows["follower"]
    return np.isin(there, back)


def _share(data: DataLoader) -> float:
    return float(_returned(data).mean())


def _pairs(data: DataLoader) -> float:
    """Share of connected pairs that are connected both ways."""
    both = _returned(data).sum() / 2
    return float(both / (len(data.follows) - both))


def _people(data: DataLoader) -> float:
    """Share of people who have anyone who follows them back."""
    return len(np.unique(data.follows["follower"][_returned(data)])) / len(data.users)


def _density(data: DataLoader) -> float:
    users = len(data.users)
    return float(_returned(data).sum() / (users * (users - 1)))


RECIPROCITY: Final[Exercise[DataLoader]] = Exercise(
    solve=_share,
    read=number,
    agrees=close_to(_RTOL),
    misconceptions=(
        number_from(
            lambda data: 100 * _share(data),
            "This is a percentage. A share lies between 0 and 1: divide by 100.",
            _RTOL,
        ),
        number_from(
            _pairs,
            "This is the share of connected *pairs* that are connected both ways: one pair of friends counts "
            "once there. The question is about follows, and such a pair has two of them. Papers report "
            "either, so it pays to look which.",
            _RTOL,
        ),
        number_from(
            lambda data: _share(data) / 2,
            "This counts each returned pair once and divides by all follows, which count such a pair twice. "
            "Above and below the line the same thing must be counted.",
            _RTOL,
        ),
        number_from(
            lambda data: 2 * _share(data),
            "This counts every returned follow twice: once from each side, although both sides are already "
            "rows of the table.",
            _RTOL,
        ),
        number_from(
            lambda data: 1 - _share(data),
            "This is the share of follows that are *not* returned.",
            _RTOL,
        ),
        number_from(
            _people,
            "This is the share of people whom somebody follows back. The question is about follows.",
            _RTOL,
        ),
        number_from(
            _density,
            "This divides by all follows that there could be. The question asks about those that there are.",
            _RTOL,
        ),
    ),
    praise="Of all follows, that many have a follow in the other direction.",
    hint="Not this one. For each row (a, b) of the follows ask whether (b, a) is one too; take the mean.",
)
"""The share of follows that are returned."""

"""Exercises of chapter 3: adjacency as two arrays, the future, and the logger's hand in the log."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mimic.course.exercise import Exercise, close_to, number, number_from
from mimic.data_loader import DataLoader
from mimic.schema import RESPONSES, SOURCES

__all__ = ["FUTURE_LIKES", "MOST_FOLLOWED", "WEIGHTED_LIKES"]


MOST_FOLLOWED: Final[Exercise[DataLoader]] = Exercise(
    solve=lambda data: float(data.followers.sizes.max()),
    read=number,
    agrees=close_to(0.0),
    misconceptions=(
        number_from(
            lambda data: float(data.followers.sizes.argmax()),
            "This is the row of the account, not how many follow it: `argmax` says where, `max` how much.",
        ),
        number_from(
            lambda data: float(data.users["user_id"][data.followers.sizes.argmax()]),
            "This is the id of the account. The question is how many follow it.",
        ),
        number_from(
            lambda data: float(data.following.sizes.max()),
            "This is the longest run of `data.following`: how many accounts the busiest follower follows. "
            "Followers are runs of `data.followers`.",
        ),
        number_from(
            lambda data: float(data.followers.starts.max()),
            "This is where the last run ends, which is the number of all follows. A run's length is the "
            "difference of two neighbours in `starts`.",
        ),
        number_from(
            lambda data: float(data.users["followers_count"].max()),
            "This is the column of the users' table, which holds the count of the first day. The graph knows "
            "the present one.",
        ),
        number_from(
            lambda data: float(data.followers.sizes.max() - 1),
            "One too few: a run from `starts[k]` up to, but without, `starts[k + 1]` has exactly their "
            "difference as its length.",
        ),
    ),
    praise="One subtraction of neighbours gives all counts at once, and no list was walked.",
    hint="Not this one. The lengths of all runs are `np.diff(data.followers.starts)`; which is asked?",
)
"""How many followers the most followed account has."""


def _likes_to_come(data: DataLoader) -> NDArray[np.int64]:
    """Tweets (rows of the whole data set) of all likes that come at `now` or later."""
    log = data.as_of(data.manifest.end).interactions
    later = (log["kind"] == RESPONSES.index("like")) & (log["at"] >= data.now)
    tweets: NDArray[np.int64] = log["tweet"][later].astype(np.int64)
    return tweets


def _answers_to_come(data: DataLoader) -> float:
    log = data.as_of(data.manifest.end).interactions
    return float(((log["at"] >= data.now) & (log["tweet"] < len(data.tweets))).sum())


FUTURE_LIKES: Final[Exercise[DataLoader]] = Exercise(
    solve=lambda data: float((_likes_to_come(data) < len(data.tweets)).sum()),
    read=number,
    agrees=close_to(0.0),
    misconceptions=(
        number_from(
            lambda data: float(len(_likes_to_come(data))),
            "This counts all likes to come, those of tweets included that nobody has written yet. A feature "
            "of today's tweets cannot hold them.",
        ),
        number_from(
            _answers_to_come,
            "This counts every kind of answer. The question is about likes.",
        ),
        number_from(
            lambda data: float(data.counts("like").sum()),
            "These are the likes that are known now. The leak is what the whole files add to them.",
        ),
        number_from(
            lambda data: float(data.counts("like").sum() + (_likes_to_come(data) < len(data.tweets)).sum()),
            "These are all likes that the files hold of today's tweets. Take away those that are known now.",
        ),
        number_from(
            lambda data: float(len(np.unique(_likes_to_come(data)[_likes_to_come(data) < len(data.tweets)]))),
            "This counts the tweets that will be liked. A tweet can be liked more than once.",
        ),
    ),
    praise="That many likes would have told the model how today's tweets will end.",
    hint="Not this one. Compare the likes of `data.as_of(data.manifest.end)` with those of `data`, tweet by "
    "tweet, for tweets that exist now.",
)
"""How many likes of today's tweets are still to come."""


_RTOL: Final = 2e-3
"""Room for an answer with three digits; the wrong ideas are further away than that."""


def _weighted(data: DataLoader, weight: NDArray[np.float64]) -> float:
    return float(np.average(data.responded("like"), weights=weight))


def _propensity(data: DataLoader) -> NDArray[np.float64]:
    return data.impressions["propensity"].astype(np.float64)


def _of_random_draws(data: DataLoader) -> float:
    drawn = data.impressions["source"] == SOURCES.index("random")
    return float(data.responded("like")[drawn].mean()) if drawn.any() else float("nan")


WEIGHTED_LIKES: Final[Exercise[DataLoader]] = Exercise(
    solve=lambda data: _weighted(data, 1 / _propensity(data)),
    read=number,
    agrees=close_to(_RTOL),
    misconceptions=(
        number_from(
            lambda data: float(data.responded("like").mean()),
            "This is the plain rate of the log: it says how well liked the logger's choice was.",
            _RTOL,
        ),
        number_from(
            lambda data: float((data.responded("like") / _propensity(data)).mean()),
            "The likes are weighted, but divided by the number of rows. Divide by the sum of the weights, "
            "so that the result is a share.",
            _RTOL,
        ),
        number_from(
            lambda data: _weighted(data, _propensity(data)),
            "The weights are the propensities themselves: this makes the logger's favourites count even "
            "more. What was likely to be shown must count less.",
            _RTOL,
        ),
        number_from(
            _of_random_draws,
            "This takes the random draws alone: an honest estimate from one row in twenty. The question is "
            "to use all rows, with weights.",
            _RTOL,
        ),
        number_from(
            lambda data: 100 * _weighted(data, 1 / _propensity(data)),
            "This is a percentage. A rate lies between 0 and 1: divide by 100.",
            _RTOL,
        ),
    ),
    praise="Weighted so, each tweet counts as often as if it had been drawn evenly.",
    hint="Not this one. Weigh each impression by 1 / propensity, and divide the weighted likes by the "
    "summed weights.",
)
"""The like rate with each impression weighted by 1 / propensity."""

"""Impressions as examples for the light rankers: what an answer is worth, and what was known at the time.

Two light rankers learn from the log, one of the network's tweets and one of strangers'. Both take
impressions as rows, both weigh answers alike, and both see a tweet as it was when it was shown.

**Counts have a moment.** A tweet that ends with forty likes had none when it was shown to its first reader.
Trained on the forty, a model learns that liked tweets have likes. So every count is as of its row's
impression (`mimic.point_in_time`), and a request uses the counts of its own moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mimic.columns import NONE
from mimic.data_loader import HOUR_MS, DataLoader
from mimic.point_in_time import count_before
from mimic.schema import ENGAGEMENTS, RESPONSES

__all__ = ["ANSWERED_WITHIN_MS", "IMPORTANCE", "LightRows", "columns_of_tweets", "counts_then", "in_order"]
__all__ += ["worth_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

IMPORTANCE: Final = {
    "click": 0.3,
    "like": 1.0,
    "profile_visit": 1.0,
    "reply": 9.0,
    "retweet": 1.0,
    "quote": 1.0,
}
"""How often a row with such an answer counts; answers add up, and a row without any counts once
(timelines/data_processing/ad_hoc/earlybird_ranking/common/EarlybirdTrainingConfiguration.scala). Its link
and photo clicks and video views are not in our log; a quote there is a retweet."""

ANSWERED_WITHIN_MS: Final = 10 * 60_000
"""Time after which an impression's answers are all in: the last ten minutes give no rows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LightRows:
    """Impressions as examples. N rows."""

    impression: Ints
    """int64[N]: rows of `data.impressions`; ascending within a day."""
    features: Floats
    """float64[N, F]: the ranker's columns as of each impression."""
    answered: NDArray[np.bool_]
    """bool[N]: whether the viewer gave any of the answers in IMPORTANCE."""
    weight: Floats
    """float64[N]: the sum of their importance, 1 where there is none; more where a row stands for several."""


def worth_of(data: DataLoader, impressions: Ints) -> Floats:
    """Summed importance of the answers that some impressions (rows) got, float64[n]."""
    return np.asarray(
        np.sum([value * data.responded(kind)[impressions] for kind, value in IMPORTANCE.items()], axis=0)
    )


def counts_then(data: DataLoader, tweets: NDArray[Any], at: NDArray[np.int64]) -> dict[str, Ints]:
    """Likes, replies, retweets and quotes that tweets (rows) had at moments (ms), int64[n] each."""
    log = data.interactions
    kinds = {kind: log["kind"] == RESPONSES.index(kind) for kind in ENGAGEMENTS}
    return {kind: count_before(log["tweet"][of], log["at"][of], tweets, at) for kind, of in kinds.items()}


def columns_of_tweets(
    data: DataLoader, viewers: NDArray[Any], tweets: NDArray[Any], at: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """What follows from the tables alone: age, flags, whether the language is the viewer's interface's."""
    table = data.tweets
    return {
        "age_hours": (at - table["created_at"][tweets]) / HOUR_MS,
        "has_media": table["has_media"][tweets],
        "has_link": table["has_link"][tweets],
        "is_reply": table["reply_to"][tweets] != NONE,
        "own_language": table["lang"][tweets] == data.users["lang"][viewers],
        "verified": data.users["verified"][table["author"][tweets]],
    }


def in_order(columns: Mapping[str, NDArray[Any]], names: Iterable[str]) -> Floats:
    """Named columns side by side, float64[n, F]."""
    return np.stack([np.asarray(columns[name], np.float64) for name in names], axis=1)

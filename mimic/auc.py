"""How well does a score put what happened before what did not, and is it better than another score?

The area under the ROC curve is the chance that of two impressions, one liked and one not, the liked
one has the larger score. Its interval is drawn like every interval here: people are drawn with
replacement, each with all of their impressions, and two scores are compared on the same draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.errors import MimicError
from mimic.evaluation import Interval

__all__ = ["auc_draws", "interval_of_draws"]

_DRAWS: Final = 200
"""Samples of users. Fewer than for means, because each needs a pass over all impressions."""
_AT_ONCE: Final = 25
"""Samples that are worked on together: bounds the memory to about 25 numbers an impression."""


def auc_draws(
    happened: NDArray[np.bool_],
    scores: Mapping[str, NDArray[np.floating[Any]]],
    users: NDArray[np.integer[Any]],
    *,
    rng: np.random.Generator,
    draws: int = _DRAWS,
) -> pd.DataFrame:
    """AUC of each score on the rows themselves, and on samples of their users.

    Args:
        happened: bool[n], what was to be foretold.
        scores: name to float[n]; equal scores count half.
        users: int[n], whose row each is.
        rng: draws the users.
        draws: how often.

    Returns:
        One column a score; row 0 is the AUC of the rows as they are, rows 1 … draws those of the samples,
        NaN for a sample in which everything happened or nothing did.

    Raises:
        MimicError: everything happened or nothing did.
    """
    if happened.all() or not happened.any():
        raise MimicError("an AUC needs rows where it happened and rows where it did not")
    people, of = np.unique(users, return_inverse=True)
    times = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), size=draws)
    times = np.concatenate((np.ones((1, len(people)), np.int64), times))
    return pd.DataFrame({name: _weighted(happened, score, of, times) for name, score in scores.items()})


def interval_of_draws(draws: pd.Series[float], level: float = 0.95) -> Interval:
    """The first entry with the middle `level` of the others around it, NaN left out."""
    low, high = np.nanquantile(draws.iloc[1:], [(1 - level) / 2, (1 + level) / 2])
    return Interval(value=float(draws.iloc[0]), low=float(low), high=float(high))


def _weighted(
    happened: NDArray[np.bool_],
    score: NDArray[np.floating[Any]],
    of: NDArray[np.int64],
    times: NDArray[np.int64],
) -> NDArray[np.float64]:
    """AUC with each row counted as often as its user was drawn, float64[draws]."""
    order = np.argsort(score, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(score[order]) > 0))  # of each run of equal scores
    happened, of = happened[order], of[order]
    parts = []
    for some in np.array_split(times, -(-len(times) // _AT_ONCE)):
        weight = some[:, of].astype(np.float64)
        good, bad = (np.add.reduceat(weight * is_, first, axis=1) for is_ in (happened, ~happened))
        below = np.cumsum(bad, axis=1) - bad / 2
        pairs = good.sum(axis=1) * bad.sum(axis=1)
        parts.append((good * below).sum(axis=1) / np.where(pairs > 0, pairs, np.nan))
    return np.concatenate(parts)

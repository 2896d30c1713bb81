"""Does a cheap ranker let through what an expensive one wants? Twitter judges its light ranker this way.

On a sample of full requests both rank all candidates; the questions are how many of the expensive one's best
k are among the cheap one's best k, and what share of its scores these hold
(timelines/data_processing/ad_hoc/earlybird_ranking/model_evaluation). Whoever knows the truth can put it in
the expensive one's place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.ordering import best_first

__all__ = ["agreement", "agreement_table"]


def agreement(light: NDArray[Any], heavy: NDArray[Any], rows: NDArray[Any], k: int) -> tuple[float, float]:
    """How much of a heavy ranker's best k a light ranker's best k holds, in one request.

    Args:
        light: float[n], scores by the cheap ranker.
        heavy: float[n], scores of the same candidates by the expensive one.
        rows: int[n], their rows; of equal scores the larger row comes first.
        k: how many go on.

    Returns:
        Recall, the share of the heavy ranker's best k; and the sum of heavy scores of the light ranker's best
        k, for a ratio of sums over requests.
    """
    mine, best = best_first(light, rows, k), best_first(heavy, rows, k)
    return len(np.intersect1d(mine, best)) / max(len(best), 1), float(heavy[mine].sum())


def agreement_table(
    requests: list[tuple[Mapping[str, NDArray[Any]], NDArray[Any], NDArray[Any]]], ks: tuple[int, ...]
) -> pd.DataFrame:
    """`agreement` of several light rankers with one heavy ranker over requests.

    Args:
        requests: for each the light scores by name, the heavy scores, and the rows.
        ks: how many go on; a request counts for k when it has more than k candidates.

    Returns:
        One row a ranker; for each k "recall@k" (mean over requests) and "value@k" (heavy scores of its best
        k ÷ heavy scores of the heavy ranker's best k, a ratio of sums; for scores that are values).
    """
    table: dict[str, dict[str, float]] = {}
    for k in ks:
        counted = [request for request in requests if len(request[2]) > k]
        top = sum(agreement(heavy, heavy, rows, k)[1] for _, heavy, rows in counted)
        for name in requests[0][0] if requests else ():
            found = np.array([agreement(light[name], heavy, rows, k) for light, heavy, rows in counted])
            found = found.reshape(-1, 2)
            row = table.setdefault(name, {})
            row[f"recall@{k}"] = float(found[:, 0].mean()) if len(found) else float("nan")
            row[f"value@{k}"] = float(found[:, 1].sum() / top) if top else float("nan")
    return pd.DataFrame.from_dict(table, orient="index")

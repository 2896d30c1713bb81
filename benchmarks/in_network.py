"""Does the light ranker let the right tweets through? `python benchmarks/in_network.py --data DIR`.

For active users the network's eligible tweets are ranked by plain rules, by the light ranker and by a heavier
one (boosted trees on the same rows), and held against the heavier one and against the oracle.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np
import samples
from numpy.typing import NDArray
from samples import Figure, Request, Table
from sklearn.ensemble import HistGradientBoostingClassifier

from mimic import DataLoader
from mimic.agreement import agreement_table
from mimic.retrieval.light_ranker import LIGHT_FEATURES, LightRanker, LightRankerConfig, light_rows
from mimic.retrieval.real_graph import RealGraph
from prep.oracle import Oracle

Array = NDArray[Any]

KS: Final = (20, 50, 100)
"""How many go on to the next stage."""
AFFINITY: Final = list(LIGHT_FEATURES).index("affinity")


def heavier(late: DataLoader, graph: RealGraph) -> HistGradientBoostingClassifier:
    """Boosted trees on the light ranker's own rows: they may combine features, where it adds them up."""
    rows = light_rows(late, graph.model, LightRankerConfig())
    trees = HistGradientBoostingClassifier(max_iter=150, min_samples_leaf=50, early_stopping=False)
    return trees.fit(rows.features, rows.answered, sample_weight=rows.weight)


def scores(
    request: Request, ranker: LightRanker, trees: HistGradientBoostingClassifier, rng: np.random.Generator
) -> tuple[dict[str, Array], Array, Array]:
    """What each rule says of the network's tweets, their true values, and their rows."""
    inside = np.flatnonzero(request.inside)
    rows = request.rows[inside]
    features = ranker.features(request.user, rows)
    said = {
        "random": rng.random(len(rows)),
        "newest": rows.astype(np.float64),
        "affinity": features[:, AFFINITY],
        "light ranker": ranker.model.log_odds(features),
        "boosted trees": trees.decision_function(features) if len(rows) else np.zeros(0),
    }
    return said, request.value[inside], rows


def main() -> int:
    """Print the tables and write them."""
    asked = samples.options(__doc__ or "")
    oracle, late = Oracle.open(asked.data), DataLoader.open(asked.data)
    trees = heavier(late, RealGraph.of(late))
    rng, requests = np.random.default_rng(asked.seed), []
    sample = samples.active_users(late, asked.users, asked.seed)
    with samples.progress(sum(len(users) for _, users in sample)) as bar:
        for at, users in sample:
            data = late.as_of(at)
            ranker = LightRanker.of(data, RealGraph.of(data, fitted=late), fitted=late)
            requests += [scores(r, ranker, trees, rng) for r in samples.requests(oracle, data, users, bar)]
    by_trees = [(said, said["boosted trees"], rows) for said, _, rows in requests]
    tables = {
        "against boosted trees": table(agreement_table(by_trees, KS).filter(like="recall"), requests),
        "against the oracle": table(agreement_table(requests, KS), requests),
    }
    samples.publish(asked, late, "in_network", tables)
    return 0


def table(frame: Any, requests: list[tuple[dict[str, Array], Array, Array]]) -> Table:
    """A frame as the tables that are published; n counts requests with more than k candidates, if any."""

    def figure(column: str, value: float) -> Figure:
        k = int(column.split("@")[1])
        return {"value": round(value, 5), "n": sum(len(rows) > k for *_, rows in requests)}

    known = [column for column in frame if frame[column].notna().all()]
    return {row: {c: figure(c, frame.loc[row, c]) for c in known} for row in frame.index}


if __name__ == "__main__":
    sys.exit(main())

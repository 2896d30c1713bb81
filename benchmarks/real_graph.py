"""Are ties right? `python benchmarks/real_graph.py --data DIR`.

RealGraph against rules of one line: who interacts on the next day, over all candidates and over pairs that
met; whether what it says comes true; what a model of candidates says of everybody else; and the rank
correlation with the true strength of ties, which only this script looks at, by how often a pair had met.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np
import pandas as pd
import samples
from numpy.typing import NDArray
from samples import Table

from mimic import DataLoader
from mimic.columns import rows_of
from mimic.data_loader import HOUR_MS
from mimic.evaluation import auc_draws, interval_of_draws
from mimic.next_day import NextDay, tie_correlations
from mimic.plots.reliability import reliability_table
from mimic.retrieval.edge_log import EdgeLog, split_pairs
from mimic.retrieval.real_graph import RealGraph, held_out_sources
from prep.oracle import Oracle

Array = NDArray[Any]

EARLY_DAYS: Final = 12
"""Days of log that the early fit has."""
DRAWS: Final = 100
"""Samples of sources for an interval of an AUC."""
BINS: Final = 10
"""Groups by what was said, in even steps of its logarithm."""


def methods(outcome: NextDay, seed: int) -> Table:
    """AUC and PR-AUC of every score, over all candidates and where they met; the AUCs with intervals."""
    table = samples.plain(outcome.table(), len(outcome.pairs))
    for column, among in {"AUC": np.ones(len(outcome.pairs), bool), "AUC, met": outcome.met}.items():
        scores = {name: score[among] for name, score in outcome.scores.items()}
        rng = np.random.default_rng(seed)
        draws = auc_draws(outcome.interacted[among], scores, outcome.sources[among], rng=rng, draws=DRAWS)
        for name in scores:
            found = interval_of_draws(draws[name])
            se = float(draws[name].iloc[1:].std())
            table[name][column] |= {
                "low": round(found.low, 5),
                "high": round(found.high, 5),
                "se": round(se, 5),
            }
    for figures in table.values():
        for column in ("AUC, met", "PR-AUC, met"):
            figures[column]["n"] = int(outcome.met.sum())
    return table


def calibration(said: Array, happened: Array) -> Table:
    """Groups of pairs by what was said: mean of that, and how often it came true as a ratio; then all."""
    table: Table = {}
    for bins in (BINS, 1):
        for k, row in reliability_table(said, happened, bins=bins).iterrows():
            n, true = int(row["rows"]), {name: round(row[name], 5) for name in ("low", "high")}
            table["all" if bins == 1 else f"group {k}"] = {
                "said": {"value": round(row["stated"], 5), "n": n},
                "came true": {"value": round(row["observed"] / n, 5), "n": n},
                "came true ÷ said": {"value": round(row["ratio"], 5), **true, "n": n},
            }
    return table


def with_the_truth(oracle: Oracle, outcome: NextDay) -> pd.DataFrame:
    """Rank correlations on follow edges, by how often something was shown."""
    data = outcome.data
    truth = oracle._h.ties(*split_pairs(data, outcome.pairs), np.full(len(outcome.pairs), data.now))
    views = EdgeLog.of(data, "impressions")
    place, there = rows_of(outcome.pairs, views.pair)
    return tie_correlations(outcome.scores, truth, np.bincount(place[there], minlength=len(outcome.pairs)))


def main() -> int:
    """Print the tables and write them."""
    options = samples.options(str(__doc__).splitlines()[0], users=None)
    oracle, late = Oracle.open(options.data), DataLoader.open(options.data)
    early = late.as_of(late.manifest.start + EARLY_DAYS * 24 * HOUR_MS)
    graph = RealGraph.of(late)
    outcome = NextDay.of(late, graph)
    unseen = NextDay.of(late, graph, held_out_sources(late))
    selection = outcome.selection_table(rng=np.random.default_rng(options.seed))
    met = outcome.met
    tables = {
        "who interacts on the next day": methods(outcome, options.seed),
        "the same, of sources that it was not trained on": methods(unseen, options.seed),
        "the same, early fit": methods(NextDay.of(early, RealGraph.of(early)), options.seed),
        "tie: said and came true": calibration(outcome.scores["tie"], outcome.interacted),
        "affinity, where they met: said and came true": calibration(
            outcome.scores["affinity"][met], outcome.interacted[met]
        ),
        "candidates and everybody else": samples.plain(selection),
        "rank correlation with the true tie on follow edges, by impressions": samples.plain(
            with_the_truth(oracle, outcome)
        ),
    }
    samples.publish(options, late, "real_graph", tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())

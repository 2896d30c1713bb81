"""Does each stage of the funnel matter? `python benchmarks/stages.py --data DIR [--users 1000]`.

Asks the oracle, for a thousand active users, where the best tweets are, how many of them a feed can
get at from in-network alone, from the product's five hundred and from everything, and what the
feeds are worth that a plain rule or the product makes of them. Then how well the log can be foretold at
all: the RCE (relative cross-entropy) of the true probabilities.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import samples
import sources
from numpy.typing import NDArray
from samples import Bootstrap, Request, Table
from sklearn.metrics import roc_auc_score
from sources import Moment

from mimic import DataLoader, MixerPipeline, Query, for_you
from mimic.schema import RESPONSES
from prep.oracle import Oracle

Array = NDArray[Any]

FEED: Final = 20
"""Tweets in a feed."""
CAP: Final = 200
"""In-network candidates at most."""
FEEDS: Final = {
    "random": "random eligible tweets",
    "topic": "topic history × freshness × popularity",
    "newest": "chronological: the newest in-network tweets",
    "product": "the product's own feed",
    "in-network": "best order of in-network alone (newest 200)",
    "own": "best order of the product's five hundred",
    "all": "best order of everything eligible (the oracle's)",
}


def feeds(
    oracle: Oracle, r: Request, moment: Moment, product: MixerPipeline, rng: np.random.Generator
) -> dict[str, Array]:
    """The feeds to compare: tweet ids in order."""
    inside = np.flatnonzero(r.inside)[::-1]
    shown = product.run(Query(user_id=r.user_id, size=FEED))
    own = r.place(shown.candidates.tweet_ids)

    def best(places: Array) -> Array:
        some = places[samples.best_places(r.value[places], 15 * FEED)]  # the rest cannot come so far
        return oracle.best_order(r.user_id, r.ids[some], r.data.now, size=FEED) if len(some) else r.ids[some]

    return {
        "random": r.ids[rng.choice(len(r.ids), min(FEED, len(r.ids)), replace=False)],
        "topic": r.ids[sources.topic_popular(moment, r, FEED, strangers=False)],
        "newest": r.ids[inside[:FEED]],
        "product": shown.tweet_ids,
        "in-network": best(inside[:CAP]),
        "own": best(own),
        "all": best(np.arange(len(r.ids))),
    }


def measure(oracle: Oracle, r: Request, moment: Moment, shown: dict[str, Array]) -> dict[str, float]:
    """Everything that is averaged later, for one request."""
    at, best = r.data.now, r.best
    engaged = moment.popularity[r.rows - moment.first] > 1
    supply = int(r.inside.sum())
    row: dict[str, float] = {"user": r.user, "eligible": len(r.ids), "supply": supply, "capped": supply > CAP}
    row |= {"best in-network": r.inside[best].mean(), "best unengaged": 1 - engaged[best].mean()}
    row |= {"unengaged": 1 - engaged.mean()}
    for name, ids in shown.items():
        row[f"tweets of {name}"] = len(ids)
        row[f"in-network of {name}"] = r.inside[r.place(ids)].mean() if len(ids) else 0.0
        for kind, fatigue in (("tired", True), ("fresh", False)):
            value = oracle.feed_value(r.user_id, ids, at, fatigue=fatigue) if len(ids) else 0.0
            row[f"{kind} {name}"] = value
    return row


def ask(oracle: Oracle, data: DataLoader, users: int, seed: int) -> pd.DataFrame:
    """One row a request."""
    rng, rows = np.random.default_rng(seed), []
    sample = samples.active_users(data, users, seed)
    with samples.progress(sum(len(drawn) for _, drawn in sample)) as bar:
        for at, drawn in sample:
            snapshot = data.as_of(at)
            moment, product = Moment(snapshot), for_you(snapshot, strict=True)
            for r in samples.requests(oracle, snapshot, drawn, bar):
                rows += [measure(oracle, r, moment, feeds(oracle, r, moment, product, rng))]
    return pd.DataFrame(rows)


def where_the_best_are(rows: pd.DataFrame, draws: Bootstrap) -> Table:
    """Shares of the best hundred, and the supply of in-network tweets."""
    shares = {
        "share of the best 100 that is in-network": "best in-network",
        "share of the best 100 that nobody has engaged with": "best unengaged",
        "share of all eligible that nobody has engaged with": "unengaged",
        "eligible tweets": "eligible",
        "in-network tweets among them": "supply",
        f"share of users with more than {CAP}": "capped",
    }
    table = {label: {"mean": draws.mean(rows[name].to_numpy(float))} for label, name in shares.items()}
    for percent in (10, 25, 50, 75, 90):
        value = float(np.percentile(rows["supply"], percent))
        table[f"in-network tweets, {percent}th percentile"] = {"mean": {"value": value, "n": len(rows)}}
    return table


def feed_values(rows: pd.DataFrame, draws: Bootstrap) -> Table:
    """What the feeds are worth; ratios are ratios of means."""
    table: Table = {}
    for name, label in FEEDS.items():
        tired = rows[f"tired {name}"].to_numpy(float)
        table[label] = {
            "value": draws.mean(tired),
            "without fatigue": draws.mean(rows[f"fresh {name}"].to_numpy(float)),
            "÷ oracle's": draws.mean(tired, rows["tired all"].to_numpy(float)),
            "÷ chronological": draws.mean(tired, rows["tired newest"].to_numpy(float)),
            "÷ own best order": draws.mean(tired, rows["tired own"].to_numpy(float)),
            "in-network": draws.mean(rows[f"in-network of {name}"].to_numpy(float)),
            "tweets": draws.mean(rows[f"tweets of {name}"].to_numpy(float)),
        }
    return table


def cross_entropy(happened: Array, p: Array) -> float:
    """Mean cross-entropy of probabilities, nats."""
    p = np.clip(p, 1e-9, 1 - 1e-7)
    return float(-np.where(happened, np.log(p), np.log1p(-p)).mean())


def foretelling(oracle: Oracle, data: DataLoader) -> Table:
    """RCE of the true probabilities against the base rate before `data.now`, and AUC."""
    log = pq.read_table(data.path / "impressions.parquet", columns=["shown_at", *RESPONSES])
    late = log["shown_at"].to_numpy() >= data.now
    true = oracle.logged()
    table: Table = {}
    for name in RESPONSES:
        happened, p = log[name].to_numpy(), true[name].to_numpy().astype(np.float64)
        base = np.full(len(p), happened[~late].mean())
        for when, rows in (("all days", late | True), ("days 28 to 30", late)):
            plain = cross_entropy(happened[rows], base[rows])
            figures = {
                "RCE": 100 * (1 - cross_entropy(happened[rows], p[rows]) / plain),
                "AUC": float(roc_auc_score(happened[rows], p[rows])) if happened[rows].any() else 0.5,
                "rate": float(happened[rows].mean()),
                "expected ÷ observed": float(p[rows].sum() / max(happened[rows].sum(), 1)),
            }
            n = int(rows.sum())
            table[f"{name}, {when}"] = {k: {"value": round(v, 5), "n": n} for k, v in figures.items()}
    return table


def main() -> int:
    """Print the tables and write them."""
    options = samples.options("Does each stage of the funnel matter?")
    oracle, data = Oracle.open(options.data), DataLoader.open(options.data)
    rows = ask(oracle, data, options.users, options.seed)
    draws = Bootstrap.of(rows["user"].to_numpy(), options.seed)
    tables = {
        "where the best are": where_the_best_are(rows, draws),
        "value of feeds of 20": feed_values(rows, draws),
        "the log foretold by the truth": foretelling(oracle, data),
    }
    samples.publish(options, data, "stages", tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())

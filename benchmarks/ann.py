"""What do approximate indexes save, and what do they miss? `python benchmarks/ann.py --data DIR`.

The real vectors of a data set: its live tweets by the two towers, with their loss by age, asked by its own
users. Then what the product asks for: one user's nearest strangers' tweets. One thread.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
import samples
import torch

from mimic import DataLoader
from mimic.retrieval.ann import KINDS, IndexConfig, compare
from mimic.retrieval.two_tower import TwoTower

QUERIES: Final = 500
"""Users who ask."""
LIMIT: Final = 1_000
"""Tweets that the product's source asks for."""


def kinds(vectors: int) -> dict[str, IndexConfig]:
    """The indexes of the lesson, with more cells where the root of the number of vectors is larger."""
    cells = max(KINDS["ivf, 16 probes"].cells, 2 ** round(np.log2(np.sqrt(vectors))))
    return {
        name: replace(config, cells=cells) if config.kind == "ivf" else config
        for name, config in KINDS.items()
    }


def requests(data: DataLoader, towers: TwoTower, users: np.ndarray) -> pd.DataFrame:
    """Milliseconds of one user's search among strangers' tweets."""
    times = []
    for user in users.tolist():
        unwanted = np.zeros(len(data.users), bool)
        unwanted[[user, *data.following.of(user)]] = True
        start = time.perf_counter()
        towers.search(user, unwanted, LIMIT)
        times.append(1e3 * (time.perf_counter() - start))
    low, high = np.quantile(times, [0.5, 0.95])
    return pd.DataFrame(
        {"median ms": low, "95 % ms": high, "n": len(times)}, index=[towers.index.config.kind]
    )


def main() -> int:
    """Print the tables and write them."""
    torch.set_num_threads(1)
    options = samples.options(str(__doc__).splitlines()[0], users=None)
    data = DataLoader.open(options.data)
    towers = TwoTower.of(data)
    vectors = np.column_stack((towers.tweets, towers.loss_by_age))
    users = np.random.default_rng(options.seed).permutation(len(data.users))[:QUERIES]
    found = compare(vectors, towers.queries(users), kinds(len(vectors)))
    about = pd.DataFrame({"value": {"vectors": vectors.shape[0], "dimensions": vectors.shape[1]}})
    tables = {
        "recall@200 of the exact nearest, one query at a time": samples.plain(found, len(users)),
        f"the product's search: {LIMIT:,} strangers' tweets": samples.plain(requests(data, towers, users)),
        "about it": samples.plain(about),
    }
    samples.publish(options, data, "ann", tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Can vectors of ids tell whom somebody will follow or like? `python benchmarks/twhin.py --data DIR`.

The true target's rank among a thousand false ones, uniform and by degree, by relation (see
`mimic.retrieval.link_prediction`), beside what popularity and chance say; and how many later likes go to
tweets that had no vector.
"""

from __future__ import annotations

import sys
import time
from typing import Final

import numpy as np
import pandas as pd
import samples
import torch
from samples import Table

from mimic import DataLoader
from mimic.retrieval.link_prediction import last_answers, link_table, share_unknown
from mimic.retrieval.twhin import Twhin

EDGES: Final = 5_000
"""Most edges of a relation that are asked for."""


def by_relation(frame: pd.DataFrame) -> dict[str, Table]:
    """One table a relation: a row a method, a column a measure and kind of negatives."""
    tables: dict[str, Table] = {}
    for (relation, negatives), values in frame.to_dict(orient="index").items():
        table = tables.setdefault(f"{relation}: rank of the true target among a thousand", {})
        for name, value in values.items():
            measure, _, method = str(name).partition(", ")
            if method:
                figure = {"value": round(value, 5), "n": int(values["n"])}
                table.setdefault(method, {})[f"{measure}, {negatives}"] = figure
    return tables


def main() -> int:
    """Print the tables and write them."""
    torch.set_num_threads(1)
    options = samples.options(str(__doc__).splitlines()[0], users=None)
    data = DataLoader.open(options.data)
    start = time.perf_counter()
    vectors = Twhin.of(data, without=last_answers(data))
    seconds = time.perf_counter() - start
    frame = link_table(data, rng=np.random.default_rng(options.seed), sample=EDGES)
    about = {
        "later likes whose tweet has no vector": share_unknown(data),
        "tweets": len(vectors.tweets),
        "seconds to train or load": seconds,
    }
    tables = {
        **by_relation(frame),
        "about it": samples.plain(pd.DataFrame({"value": about})),
    }
    samples.publish(options, data, "twhin", tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())

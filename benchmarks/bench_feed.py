"""How long does a feed take? `python benchmarks/bench_feed.py --data DIR [--requests 300] [--json]`.

Times whole requests on one core, stage by stage, for random users of any data set: of the product, and of
the first product, that of chapter 1. The latter has a twin with one object a candidate (`object_funnel.py`):
run on some of the same users, in the same run, it shows the same feeds and what objects cost. It is timed as
first written and as prepared as ours is, which leaves nothing but objects against columns. Opening and
building are timed too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import samples
from object_funnel import ObjectFunnel

from mimic import DataLoader, MixerPipeline, Query, for_you
from mimic.course import product_at

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result of some work and the milliseconds it took."""
    start = perf_counter()
    result = work()
    return result, (perf_counter() - start) * 1e3


def quantiles(times: list[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum, rounded."""
    found = np.quantile(times, [0.5, 0.95, 1.0])
    return dict(zip(("median", "p95", "max"), np.round(found, 2).tolist(), strict=True))


def stages(product: MixerPipeline, queries: list[Query]) -> dict[str, float]:
    """Median milliseconds of each component over requests."""
    steps: dict[str, list[float]] = {}
    for query in queries:
        for step in product.run(query).trace.steps:
            steps.setdefault(f"{step.stage} {step.name}", []).append(step.ms)
    return {name: round(float(np.median(times)), 3) for name, times in steps.items()}


def measure(path: Path, requests: int, *, seed: int = 0) -> dict[str, Any]:
    """All figures for one data set."""
    opened, open_ms = timed(lambda: DataLoader.open(path))
    product, build_ms = timed(lambda: for_you(opened))
    first = product_at(opened, chapter=1)
    _, as_of_ms = timed(lambda: product_at(opened.as_of(opened.now - 1), chapter=1))
    rng = np.random.default_rng(seed)
    there = opened.users["user_id"][opened.users["created_at"] < opened.now]
    users = rng.choice(there, min(requests, len(there)), replace=False)
    queries = [Query(user_id=int(user)) for user in users]
    for query in queries[:30]:  # brings memory-mapped pages in
        product.run(query), first.run(query)
    found, whole = zip(*(timed(lambda q=q: product.run(q)) for q in queries), strict=True)
    feeds, times = zip(*(timed(lambda q=q: first.run(q)) for q in queries), strict=True)
    some = slice(0, max(len(queries) // 10, 5))
    fast = float(np.median(times[some]))
    slow: dict[str, Any] = {}
    for name, prepared in (("objects", False), ("prepared objects", True)):
        funnel = ObjectFunnel(opened, prepared=prepared)
        answers, slow_times = zip(
            *(timed(lambda q=q, funnel=funnel: funnel.run(q)) for q in queries[some]), strict=True
        )
        same = [
            len({*feed.tweet_ids.tolist()} & {*ids}) / len(ids)
            for feed, ids in zip(feeds, answers, strict=False)
        ]
        slow[f"{name} ms"] = quantiles(list(slow_times))
        slow[f"{name} / columns"] = round(float(np.median(slow_times)) / fast, 1)
        slow[f"{name}: same tweets"] = round(float(np.mean(same)), 4)
    return {
        "data": opened.path.name,
        "rows": {name: len(getattr(opened, name)) for name in ("users", "follows", "tweets", "impressions")},
        "open ms": round(open_ms, 1),
        "build product ms": round(build_ms, 1),
        "requests": len(queries),
        "request ms": quantiles(list(whole)),
        "sources ms": quantiles(
            [sum(s.ms for s in feed.trace.steps if s.stage == "source") for feed in found]
        ),
        "candidates": int(np.median([len(feed.candidates) for feed in found])),
        "stages ms": stages(product, queries),
        "first product, another moment ms": round(as_of_ms, 1),
        "first product ms": quantiles(list(times)),
        "first product, stages ms": stages(first, queries),
        **slow,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Time whole requests.")
    parser.add_argument("--data", type=Path, required=True, help="folder of a data set")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--out", type=Path, help="folder that keeps the figures")
    options = parser.parse_args()
    figures = measure(options.data, options.requests)
    if options.out:
        samples.write(options.out, DataLoader.open(options.data).manifest, "feed", {"figures": figures})
    if options.json:
        print(json.dumps(figures))
        return 0
    for name, value in figures.items():
        if isinstance(value, dict):
            print(name, *(f"  {key:<36}{number:>12,}" for key, number in value.items()), sep="\n")
        else:
            print(f"{name:<38}{value:>12}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

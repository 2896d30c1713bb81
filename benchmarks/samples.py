"""Whom the world is asked about, and how sure the answers are: shared by the scripts in this folder.

Users are drawn among those who have a session in the 24 hours after each of ten moments, six hours
apart from `data.now` on. Intervals come from drawing whole users again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from mimic import DataLoader
from mimic.integrity import Manifest
from prep.oracle import Oracle

Array = NDArray[Any]
Figure: TypeAlias = "dict[str, float]"
"""What was measured: `value` over `n` rows, and where it was sampled its 95 % interval and standard error."""
Table: TypeAlias = "dict[str, dict[str, Figure]]"
"""Row, column, figure."""

MOMENTS: Final = 10
"""Moments at which feeds are asked for."""
APART_MS: Final = 6 * 3_600_000
"""From one moment to the next, ms."""
DAY_MS: Final = 24 * 3_600_000
"""An active user has a session in this time after the moment, ms."""
DRAWS: Final = 1_000
"""Samples drawn for an interval."""
RESULTS: Final = Path(__file__).parent / "results"
"""Where results go unless told otherwise."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """One user at one moment, and everything that could be shown."""

    data: DataLoader
    """The snapshot of the moment."""
    user: int
    """Row of the user."""
    user_id: int
    rows: Array
    """int64[n]: eligible tweets (rows), ascending, so the newest is the last."""
    ids: Array
    """int64[n]: their ids."""
    value: Array
    """float64[n]: their true value."""
    inside: Array
    """bool[n]: whether the user follows the author."""

    @cached_property
    def best(self) -> Array:
        """Places of the hundred most valuable eligible tweets, best first."""
        return best_places(self.value, 100)

    def place(self, tweet_ids: Array) -> Array:
        """Places of those tweets that are eligible, in the order given."""
        at = np.minimum(np.searchsorted(self.ids, tweet_ids), len(self.ids) - 1)
        return np.asarray(at[self.ids[at] == tweet_ids])


def best_places(score: Array, limit: int) -> Array:
    """Places of the `limit` largest scores, the largest first; of equals the later (newer) one."""
    limit = min(limit, len(score))
    some = np.flatnonzero(score >= np.partition(score, -limit)[-limit]) if limit else np.zeros(0, np.int64)
    return some[np.lexsort((-some, -score[some]))[:limit]]


def active_users(data: DataLoader, users: int, seed: int) -> list[tuple[int, Array]]:
    """About `users` different users, spread evenly over the moments: pairs of moment and user rows."""
    rng = np.random.default_rng(seed)
    log = data.as_of(data.manifest.end).impressions
    shown_at, viewer = log["shown_at"], log["user"]
    taken: Array = np.zeros(0, np.int64)
    sample = []
    for k in range(MOMENTS):
        at = data.now + k * APART_MS
        low, high = np.searchsorted(shown_at, [at, at + DAY_MS])
        active = np.setdiff1d(viewer[low:high], taken)
        active = active[data.users["created_at"][active] < at]  # who joins later cannot ask yet
        drawn = np.sort(rng.choice(active, min(-(-users // MOMENTS), len(active)), replace=False))
        taken = np.append(taken, drawn)
        sample.append((at, drawn))
    return sample


def requests(oracle: Oracle, data: DataLoader, users: Array, bar: tqdm[Any]) -> Iterator[Request]:
    """One request for each user (rows) at the snapshot's moment."""
    for user in users.tolist():
        user_id = int(data.users["user_id"][user])
        ids, value = oracle.values_of_eligible(user_id, data.now)
        rows = data.tweet_rows(ids)
        follows = np.zeros(len(data.users), bool)
        follows[data.following.of(user)] = True
        yield Request(
            data=data,
            user=user,
            user_id=user_id,
            rows=rows,
            ids=ids,
            value=value,
            inside=follows[data.tweets["author"][rows]],
        )
        bar.update()


def progress(total: int) -> tqdm[Any]:
    """A bar on standard error."""
    return tqdm(total=total, unit="user", file=sys.stderr, mininterval=2)


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """Draws whole users with replacement, the same ones for every figure, so differences are paired."""

    weight: Array
    """float64[draws, rows]: how often each row (of one user) is drawn."""

    @classmethod
    def of(cls, users: Array, seed: int) -> Bootstrap:
        """For rows that belong to `users` int[rows]."""
        _, of = np.unique(users, return_inverse=True)
        count = int(of.max()) + 1
        draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), DRAWS)
        return cls(weight=draws[:, of].astype(np.float64))

    def mean(self, top: Array, bottom: Array | None = None, among: Array | None = None) -> Figure:
        """Mean of `top`, or the ratio of its sum to that of `bottom`, over the rows `among`."""
        chosen = np.ones(len(top), bool) if among is None else among
        above, below = top[chosen], np.ones(int(chosen.sum())) if bottom is None else bottom[chosen]
        weight = self.weight[:, chosen]
        weight = weight[weight.any(axis=1)]  # a small group may be missing from a draw
        drawn = (weight @ above) / (weight @ below)
        low, high = np.quantile(drawn, [0.025, 0.975])
        found = {"value": above.sum() / below.sum(), "low": low, "high": high, "se": drawn.std()}
        return {name: round(float(number), 5) for name, number in found.items()} | {"n": len(above)}


def options(description: str, *, users: int | None = 1_000) -> argparse.Namespace:
    """The command line that scripts share; with `users=None` for those that draw no users."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder of a data set")
    if users is not None:
        parser.add_argument("--users", type=int, default=users, help="active users, over ten moments")
    parser.add_argument("--seed", type=int, default=0, help="of the sample and the bootstrap")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder")
    return parser.parse_args()


def result_path(out: Path, name: str, manifest: Manifest) -> Path:
    """Where the figures of one script about one data set stand."""
    return out / f"{name}-{manifest.preset}-{manifest.seed}.json"


def publish(asked: argparse.Namespace, data: DataLoader, name: str, tables: dict[str, Table]) -> None:
    """Print tables and write them as JSON, with the data set and the sample that they were measured on."""
    sample = {"seed": asked.seed}
    if "users" in asked:
        sample = {"users": asked.users, **sample, "moments": MOMENTS}
    for title, table in tables.items():
        print(f"\n{title} (± standard error)\n{as_text(table)}")
    path = write(asked.out, data.manifest, name, {"sample": sample, "tables": tables})
    print(f"\n{path}", file=sys.stderr)


def write(out: Path, manifest: Manifest, name: str, document: dict[str, Any]) -> Path:
    """Write a document that begins with the data set that it is about."""
    made_from = {"preset": manifest.preset, "seed": manifest.seed, "checksum": manifest.checksum}
    path = result_path(out, name, manifest)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"data": made_from, **document}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def plain(frame: pd.DataFrame, n: int = 1) -> Table:
    """A frame as figures without intervals, missing ones left out; a column `n` says how many rows."""
    return {
        str(row): {
            str(column): {"value": round(float(x), 5), "n": int(values.get("n", n))}
            for column, x in values.items()
            if column != "n" and not np.isnan(x)
        }
        for row, values in frame.to_dict(orient="index").items()
    }


def as_text(table: Table) -> str:
    """Rows and columns for a terminal."""
    cells = {
        row: {column: _cell(figure) for column, figure in figures.items()} for row, figures in table.items()
    }
    frame = pd.DataFrame.from_dict(cells, orient="index").fillna("")
    with pd.option_context("display.width", 250, "display.max_columns", None, "display.max_rows", None):
        return frame.to_string()


def _cell(figure: Figure) -> str:
    digits = 4 if abs(figure["value"]) < 1 else 2
    error = f" ±{figure['se']:.{digits}f}" if "se" in figure else ""
    return f"{figure['value']:.{digits}f}{error}"

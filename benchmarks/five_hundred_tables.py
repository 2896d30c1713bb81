"""What `five_hundred.py` makes of its rows: tables of sets, ratios, nets of sources, and groups of users."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from samples import Bootstrap, Table

Array = NDArray[Any]

MANY: Final = 1_000_000
FEW: Final = 10
"""Requests that a group needs to stand in a table."""
GROUPS: Final = {
    "all": ("follows", 0, MANY),
    "30 follows or more": ("follows", 30, MANY),
    "15 to 29 follows": ("follows", 15, 30),
    "under 15 follows": ("follows", 0, 15),
    "follows nobody": ("follows", 0, 1),
    "under 10 answers": ("answers", 0, 10),
    "joined in the last week": ("days", 0, 7),
}
"""Users by a number: from, to below."""
NETS: Final = ("graph", "SimClusters", "topics", "towers", "trends")
KINDS: Final = ("size", "coverage", "value", "cold", "burst")


def among(rows: pd.DataFrame, group: str) -> Array:
    """Which requests are by users of a group, bool[rows]."""
    column, low, high = GROUPS[group]
    return np.asarray((rows[column] >= low) & (rows[column] < high))


def sets_table(rows: pd.DataFrame, draws: Bootstrap, chosen: Array | None = None) -> Table:
    """Size, coverage, value coverage, and coverage of the best that nobody has engaged with, of each set."""
    table: Table = {}
    whole = np.ones(len(rows), bool) if chosen is None else chosen
    for name in (str(c).removeprefix("size of ") for c in rows if str(c).startswith("size of ")):
        part = {kind: rows[f"{kind} of {name}"].to_numpy(float) for kind in KINDS}
        table[name] = {kind: draws.mean(part[kind], among=chosen) for kind in ("size", "coverage")}
        table[name]["value coverage"] = draws.mean(part["value"], rows["best"].to_numpy(), chosen)
        for kind in ("cold", "burst"):
            bottom = rows[f"best {kind}"].to_numpy(float)
            if (bottom[whole] > 0).sum() >= FEW:
                table[name][f"coverage of {kind}"] = draws.mean(part[kind], bottom, chosen)
        if f"alone of {name}" in rows:
            table[name]["alone"] = draws.mean(rows[f"alone of {name}"].to_numpy(), among=chosen)
            size = np.maximum(part["size"], 1e-9)
            table[name]["shared"] = draws.mean(rows[f"also of {name}"].to_numpy(float), size, chosen)
    return table


def ratios(rows: pd.DataFrame, draws: Bootstrap) -> Table:
    """The ranked towers and all ranked engines ÷ topic history and the towers' own order, same budget."""
    table: Table = {}
    for size in (100, 200, 300):
        for top in ("ranker over the towers' thousand", "ranker over all engines"):
            for bottom in ("topic history", "towers' order"):
                table[f"{top} ÷ {bottom}, {size}"] = {
                    kind: draws.mean(
                        rows[f"{kind} of {top} {size}"].to_numpy(float),
                        rows[f"{kind} of {bottom} {size}"].to_numpy(float),
                    )
                    for kind in ("coverage", "value")
                }
    return table


def nets(rows: pd.DataFrame, draws: Bootstrap) -> Table:
    """A five hundred minus the one without a source, by group, and while a topic bursts."""
    table: Table = {}
    groups = {group: among(rows, group) for group in GROUPS} | {
        "a topic bursts": rows["bursts"].to_numpy() > 0
    }
    pairs = {name: ("the mix", f"without {name}") for name in NETS}
    for name in ("graph", "SimClusters"):
        pairs[f"{name}, engines in turn"] = ("in turn without ", f"in turn without {name}")
    for name, (one, other) in pairs.items():
        gained = {
            kind: (rows[f"{kind} of 500: {one}"] - rows[f"{kind} of 500: {other}"]).to_numpy()
            for kind in ("coverage", "value")
        }
        for group, chosen in groups.items():
            if chosen.sum() >= FEW:
                table[f"{name}; {group}"] = {
                    "coverage": draws.mean(gained["coverage"], among=chosen),
                    "value coverage": draws.mean(gained["value"], rows["best"].to_numpy(), chosen),
                }
    return table


def cold_start(rows: pd.DataFrame, draws: Bootstrap, engines: Iterable[str]) -> Table:
    """What each group gets: how many of each engine there are, and what the mix is worth to them."""
    table: Table = {}
    for group in GROUPS:
        chosen = among(rows, group)
        if chosen.sum() >= FEW:
            sizes = {
                name: draws.mean(rows[f"size of {name}"].to_numpy(float), among=chosen) for name in engines
            }
            mix = sets_table(
                rows[[c for c in rows if "500: the mix" in str(c) or "best" in str(c)]], draws, chosen
            )
            table[group] = sizes | mix["500: the mix"]
    return table

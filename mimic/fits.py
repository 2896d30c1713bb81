"""Fits and moments: what was learnt by when.

Weights are of a fit, state is of the moment. Each trained representation has two fits: the *late* one, from
everything before the data set's own `now`, serves the sources; the *early* one, from the first twelve
days, gives the ranker its features, for a representation that has seen the ranker's training rows would
whisper their answers to it. A snapshot earlier than a fit gets its own instead: nothing knows the future.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mimic.data_loader import HOUR_MS, DataLoader

__all__ = ["EARLY_DAYS", "early", "late", "train"]

EARLY_DAYS: Final = 12
"""Days that the early fit learns from."""


def late(data: DataLoader) -> DataLoader:
    """The snapshot that serving models learn from: the data set's own, or `data` where that is earlier."""
    return data.as_of(min(data.now, data.manifest.now))


def early(data: DataLoader) -> DataLoader:
    """The snapshot after the first twelve days, or `data` when it is earlier."""
    return data.as_of(min(data.now, data.manifest.start + EARLY_DAYS * 24 * HOUR_MS))


def train(data: DataLoader) -> Iterator[str]:
    """Build every artefact of the product that is missing, late fits and early ones; yields what is ready."""
    from mimic.retrieval.communities import Communities
    from mimic.retrieval.light_ranker import LightRanker
    from mimic.retrieval.real_graph import RealGraph
    from mimic.retrieval.stranger_ranker import StrangerRanker
    from mimic.retrieval.tower_rows import can_learn
    from mimic.retrieval.two_tower import TwoTower

    for name, fitted in (("late", late(data)), ("early", early(data))):
        if not can_learn(fitted):
            yield f"{name} fit: no response to learn from yet, so the product does without it"
            continue
        ties = RealGraph.of(fitted)
        yield f"RealGraph, {name} fit"
        LightRanker.of(fitted, ties)
        yield f"light ranker, {name} fit"
        Communities.of(fitted)
        yield f"communities, {name} fit"
        TwoTower.of(fitted)
        yield f"two towers, {name} fit"
    if can_learn(early(data)) and early(data).now < late(data).now:
        StrangerRanker.of(late(data), TwoTower.of(late(data)), early=early(data))
        yield "light ranker of strangers' tweets"

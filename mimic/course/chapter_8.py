"""Chapter 8: cells and a walk worked by hand, vectors of all tweets, what an index costs; an exercise."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.artifacts import artifact_key, ensure_artifact
from mimic.course.benched import values_of
from mimic.course.climb import BEST, values
from mimic.course.exercise import Exercise, close_to, number, number_from
from mimic.data_loader import DataLoader
from mimic.engines import TwoTowerEngine
from mimic.errors import MimicError
from mimic.fits import late
from mimic.pipeline import MixerPipeline
from mimic.retrieval.ann import VectorIndex
from mimic.retrieval.tower_features import TowerFeatures, freshness, word_hashes
from mimic.retrieval.two_tower import TwoTowerConfig, trained_towers

__all__ = ["BEST", "IVF_WORK", "MAP", "MARA_AT", "IvfSize", "Looked", "all_vectors", "benchmark_rows"]
__all__ += ["links", "looking_at", "medians", "shared", "step_by_step", "used_in", "values", "walk"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Ids = NDArray[np.int64]

# ---------------------------------------------------------------- by hand, in the village

MAP: Final = {
    102: (1, 6),
    103: (5, 2),
    104: (3, 9),
    105: (4, 5),
    106: (1, 1),
    107: (6, 4),
    108: (1, 3),
    109: (9, 0),
    110: (3, 0),
    111: (6, 7),
}
"""Where the village's ten tweets of 48 hours lie on a map drawn by hand: cycling on the left, bread on the
right, chess above. By tweet id."""
MARA_AT: Final = (4, 3)
"""Where Mara stands on it."""


def links(points: Floats, count: int) -> list[set[int]]:
    """Each point's `count` nearest and all points that have it among theirs: a graph to walk on."""
    squares = ((points[:, None] - points) ** 2).sum(axis=2)
    near = np.argsort(squares, axis=1, kind="stable")[:, 1 : count + 1]
    return [set(mine) | set(np.flatnonzero((near == k).any(axis=1))) for k, mine in enumerate(near)]


@dataclass(frozen=True)
class Looked:
    """One step of a walk: where it stands, what it has measured so far, and what it keeps in mind."""

    at: int
    measured: tuple[int, ...]
    kept: tuple[int, ...]
    """Nearest first."""


def walk(squares: Floats, graph: Sequence[set[int]], start: int, beam: int) -> list[Looked]:
    """Walk from neighbour to nearer neighbour, keeping the `beam` nearest in mind.

    Args:
        squares: squared distance of each point from the query, float[n].
        graph: the neighbours of each point.
        start: where to begin.
        beam: how many to keep.
    """
    measured, kept, stood = [start], [start], list[int]()
    steps = []
    while ahead := [k for k in kept if k not in stood]:
        stood.append(ahead[0])  # the nearest from which it has not yet looked around
        measured += sorted(graph[ahead[0]] - set(measured))
        kept = sorted(measured, key=lambda k: squares[k])[:beam]
        steps.append(Looked(ahead[0], tuple(measured), tuple(kept)))
    return steps


def step_by_step(steps: Sequence[Looked], names: Sequence[object], squares: Floats) -> pd.DataFrame:
    """A walk as a table: one row a step, points by name with their squared distance."""
    before: tuple[int, ...] = ()
    rows = []
    for step in steps:
        new = [k for k in step.measured if k not in before and k != step.at]
        rows.append({"stands at": _named([step.at], names, squares)})
        rows[-1]["measures"] = _named(new, names, squares) or "nothing new"
        rows[-1]["keeps"] = _named(step.kept, names, squares)
        before = step.measured
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="step")).rename_axis(None)


def _named(points: Sequence[int], names: Sequence[object], squares: Floats) -> str:
    return ", ".join(f"{names[k]} ({squares[k]:g})" for k in points)


# ---------------------------------------------------------------- vectors of all tweets


def all_vectors(data: DataLoader, config: TwoTowerConfig | None = None) -> NDArray[np.float32]:
    """Every tweet of a snapshot by the late towers, with its loss by age: float32[tweets, 129].

    What is searched in the product are the live tweets of 48 hours, the last rows. All of them stand here
    for a larger platform. Made once, an artefact; kept with half the digits.
    """
    config = config or TwoTowerConfig()
    towers = trained_towers(late(data), config)
    key = artifact_key(towers.key, data.now, _vectors_of_all.__name__, 1)

    def build() -> dict[str, NDArray[Any]]:
        return {"vectors": _vectors_of_all(data, towers, config)}

    why = "vectors of all tweets, for an index that is large"
    vectors = ensure_artifact(data.path / "cache", "all_vectors", key, build, why=why)["vectors"]
    stale = freshness(data.age_hours(np.arange(len(data.tweets))))
    loss = -config.aging / float(np.exp(towers["log_sharpness"][0])) * stale
    return np.column_stack((vectors, loss)).astype(np.float32)


_AT_ONCE: Final = 30_000


def _vectors_of_all(data: DataLoader, towers: Any, config: TwoTowerConfig) -> NDArray[np.float16]:
    from mimic.models.two_tower import TwoTowerModel

    model = TwoTowerModel.of(towers.arrays, config.towers)
    authors, readers = towers["factors.authors"], towers["factors.readers"]
    features = TowerFeatures(data=data, authors=authors, readers=readers)
    parts = []
    for first in range(0, len(data.tweets), _AT_ONCE):
        rows = np.arange(first, min(first + _AT_ONCE, len(data.tweets)))
        facts = features.tweets(rows, np.full(len(rows), data.now))
        vectors = model.tweet_vectors(facts, word_hashes(data, rows, config.towers.words))
        parts.append(vectors.astype(np.float16))
    return np.concatenate(parts)


# ---------------------------------------------------------------- what an index finds, and how fast


def looking_at(index: VectorIndex, much: int) -> VectorIndex:
    """The same index, built once, that looks at more or less: `much` probes or places of the beam."""
    knob: dict[str, Any] = {"ivf": {"probes": much}, "hnsw": {"beam": much}}.get(index.config.kind, {})
    return replace(index, config=replace(index.config, **knob))


def shared(found: Ints, exact: Ints) -> float:
    """Recall: the share of the exact neighbours, int[q, k] with −1 for none, that were found too."""
    hits = [len(np.intersect1d(one, two[two >= 0])) for one, two in zip(found, exact, strict=True)]
    return float(np.sum(hits) / max(np.sum(exact >= 0), 1))


def medians(ways: Mapping[str, Callable[[Floats], object]], queries: Floats) -> pd.Series[float]:
    """Milliseconds of each way for one query at a time, medians.

    One way after the other: in turns, each would drive the other's vectors out of the processor's cache.
    """
    return pd.Series({name: 1000 * float(np.median(_seconds(ask, queries))) for name, ask in ways.items()})


def _seconds(ask: Callable[[Floats], object], queries: Floats) -> list[float]:
    taken = []
    for query in queries:
        start = time.perf_counter()
        ask(query[None])
        taken.append(time.perf_counter() - start)
    return taken


def benchmark_rows(folder: Path, preset: str) -> tuple[pd.DataFrame | None, str]:
    """The table of indexes that the benchmark measured on another preset, and a line to print.

    Args:
        folder: of the results.
        preset: whose rows are wanted; a file about another data set is not read as if it were.
    """
    for path in sorted(folder.glob("ann-*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        about = document.get("data", {})
        if about.get("preset") != preset or "indexes" not in document.get("tables", {}):
            continue
        line = f"measured by the benchmark on preset {preset}, seed {about.get('seed')}"
        return values_of(document["tables"]["indexes"]), line
    return None, f"No benchmark of the {preset} preset lies here: what is said of it is extrapolated."


# ---------------------------------------------------------------- what an index costs the reader


def used_in(machine: MixerPipeline, index: VectorIndex) -> MixerPipeline:
    """The product with another index of the same vectors behind its two towers."""
    source = machine.sources[-1].source
    engines: tuple[Any, ...] = getattr(source, "engines", ())
    if not any(isinstance(engine, TwoTowerEngine) for engine in engines):
        raise MimicError("the last source of this product asks no two towers")
    swapped = tuple(
        replace(engine, index=replace(engine.index, index=index))
        if isinstance(engine, TwoTowerEngine)
        else engine
        for engine in engines
    )
    changed: Any = replace(source, engines=swapped)  # type: ignore[type-var]
    last = replace(machine.sources[-1], source=changed)
    return replace(machine, sources=(*machine.sources[:-1], last))


# ---------------------------------------------------------------- warm-up: how much does IVF multiply?


@dataclass(frozen=True, kw_only=True)
class IvfSize:
    """An IVF index and how much of it a search reads."""

    vectors: int
    dims: int
    cells: int
    probes: int

    @classmethod
    def of(cls, index: VectorIndex) -> IvfSize:
        """The sizes of an index. Raises MimicError when it has no cells."""
        if index.config.kind != "ivf":
            raise MimicError(f"an index of kind ivf has cells, this one is {index.config.kind}")
        cells, probes = index.config.cells, index.config.probes
        return cls(vectors=len(index), dims=int(index.index.d), cells=cells, probes=probes)


IVF_WORK: Final[Exercise[IvfSize]] = Exercise(
    solve=lambda ivf: ivf.dims * (ivf.cells + ivf.vectors * ivf.probes / ivf.cells),
    read=number,
    agrees=close_to(1e-3),
    misconceptions=(
        number_from(
            lambda ivf: float(ivf.dims * ivf.vectors),
            "This is what exact search multiplies: it reads every vector.",
            1e-3,
        ),
        number_from(
            lambda ivf: ivf.dims * ivf.vectors * ivf.probes / ivf.cells,
            "These are the vectors of the cells that are read. To know which cells, the query was compared "
            "with something first.",
            1e-3,
        ),
        number_from(
            lambda ivf: ivf.cells + ivf.vectors * ivf.probes / ivf.cells,
            "So many vectors are compared with the query. Each comparison is an inner product, and takes "
            "as many multiplications as a vector has entries.",
            1e-3,
        ),
        number_from(
            lambda ivf: ivf.dims * (ivf.probes + ivf.vectors * ivf.probes / ivf.cells),
            "The query is compared with the middle of every cell, not only of those that are read: how else "
            "could it know which are nearest?",
            1e-3,
        ),
        number_from(
            lambda ivf: ivf.dims * (ivf.cells + ivf.vectors / ivf.cells),
            "This reads one cell. How many does the index probe?",
            1e-3,
        ),
    ),
    praise="The middles of all cells, then the vectors of a few: a fraction of what exact search reads.",
    hint="Not this one. First the query meets the middle of every cell, then every vector of the probed "
    "cells; a cell holds vectors ÷ cells on average.",
)
"""How many multiplications a search in an IVF index takes when all cells are of equal size."""

"""Nearest neighbours: the vectors with the largest inner product with a query, exactly or nearly.

    flat    compare with every vector                           exact, the yardstick
    ivf     compare with the vectors of the nearest few cells   cells by k-means, `probes` of them
    hnsw    walk a graph from neighbour to nearer neighbour     `beam` places kept in mind

IVF and HNSW trade answers for time: they look at a part of the vectors and miss some of the best. What
is live at one moment is small here (some 16,000 vectors), so exact search is fast and is the default; X
came to the same conclusion in 2026 for ten million posts (phoenix retrieval: one matrix product, no
graph). Twitter's ANN service runs HNSW with a beam of 800 (the-algorithm, ann/).

Everything here is FAISS (Douze et al., «The Faiss library», 2024) on vectors of length 1, so that inner
products are cosines.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.errors import MimicError

__all__ = ["KINDS", "IndexConfig", "VectorIndex", "compare", "suited"]

faiss: Any = import_module("faiss")
"""Not imported by name, because its type stubs know only a part of what it can do."""

_SEARCHES: Final = 200
"""Queries that are timed one by one."""


@dataclass(frozen=True, kw_only=True)
class IndexConfig:
    """Which index, and how much it looks at."""

    kind: Literal["flat", "ivf", "hnsw"] = "flat"
    cells: int = 128
    """ivf: about the square root of the number of vectors, so that finding the nearest cells costs as much
    as reading one."""
    probes: int = 16
    """ivf: cells that a search reads."""
    links: int = 16
    """hnsw: M, neighbours of a vector on each level, twice as many on the lowest
    (16 in the-algorithm, ann/.../experimental/Runner.scala)."""
    build_beam: int = 200
    """hnsw: efConstruction (200 in the same file)."""
    beam: int = 800
    """hnsw: ef, candidates that a search keeps (800 in the-algorithm,
    cr-mixer/.../similarity_engine/HnswANNSimilarityEngine.scala)."""
    seed: int = 0
    """ivf: of k-means."""


_SMALL: Final = 50_000
"""Vectors up to which comparing with each takes less than a millisecond or two."""


def suited(vectors: int) -> IndexConfig:
    """An index for so many vectors: exact while that is fast, else IVF with about 4 √n cells.

    An eighth of the cells is read: on the book's vectors that finds 998 of the thousand nearest
    (benchmarks/results/ann-course-7.json: 16 probes of 128 cells).
    """
    if vectors <= _SMALL:
        return IndexConfig()
    cells = 4 * round(vectors**0.5)
    return IndexConfig(kind="ivf", cells=cells, probes=cells // 8)


KINDS: Final[Mapping[str, IndexConfig]] = {
    "flat": IndexConfig(),
    **{f"ivf, {n} probes": IndexConfig(kind="ivf", probes=n) for n in (4, 16, 48)},
    **{f"hnsw, beam {n}": IndexConfig(kind="hnsw", beam=n) for n in (200, 400, 800)},
}
"""The indexes that `compare` compares when it is not told otherwise."""


@contextmanager
def _one_thread() -> Iterator[None]:
    """Build with one thread: with several, HNSW's graph depends on who comes first."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


@dataclass(frozen=True, kw_only=True, eq=False)
class VectorIndex:
    """n vectors that can be searched. Build with `VectorIndex.of(vectors, config)`."""

    config: IndexConfig
    index: Any
    """The FAISS index."""

    @classmethod
    def of(cls, vectors: NDArray[np.float32], config: IndexConfig | None = None) -> VectorIndex:
        """Index vectors, float32[n, dims]. Raises MimicError when there are too few for that many cells."""
        config = config or IndexConfig()
        vectors = np.ascontiguousarray(vectors, np.float32)
        dims = vectors.shape[1]
        if config.kind == "ivf" and len(vectors) < config.cells:
            raise MimicError(f"{len(vectors)} vectors cannot fill {config.cells} cells; ask for fewer cells")
        with _one_thread():
            index = _empty(dims, config)
            if not index.is_trained:
                index.train(vectors)
            index.add(vectors)
        return cls(config=config, index=index)

    def __len__(self) -> int:
        return int(self.index.ntotal)

    @property
    def bytes(self) -> int:
        """Size of the whole index, vectors included, as it would be written."""
        return len(faiss.serialize_index(self.index))

    def search(
        self, queries: NDArray[np.float32], limit: int, *, wanted: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The nearest vectors of each query, best first.

        Args:
            queries: float32[q, dims].
            limit: how many at most.
            wanted: bool[n], which vectors may be found; all by default.

        Returns:
            Numbers of vectors int64[q, limit], −1 where no more were found, and inner products
            float32[q, limit].
        """
        if not limit:  # which FAISS refuses
            return np.zeros((len(queries), 0), np.int64), np.zeros((len(queries), 0), np.float32)
        scores, found = self.index.search(
            np.ascontiguousarray(queries, np.float32), limit, params=self._parameters(wanted)
        )
        return found, scores

    def _parameters(self, wanted: NDArray[np.bool_] | None) -> Any:
        selector = None if wanted is None else _selector(wanted)
        if self.config.kind == "ivf":
            return faiss.SearchParametersIVF(nprobe=self.config.probes, sel=selector)
        if self.config.kind == "hnsw":
            return faiss.SearchParametersHNSW(efSearch=self.config.beam, sel=selector)
        return faiss.SearchParameters(sel=selector)


def _selector(wanted: NDArray[np.bool_]) -> Any:
    return faiss.IDSelectorBitmap(np.packbits(wanted, bitorder="little"))


def _empty(dims: int, config: IndexConfig) -> Any:
    if config.kind == "ivf":
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dims), dims, config.cells, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = config.seed
        return index
    if config.kind == "hnsw":
        index = faiss.IndexHNSWFlat(dims, config.links, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = config.build_beam
        return index
    return faiss.IndexFlatIP(dims)


def compare(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    kinds: Mapping[str, IndexConfig] = KINDS,
    *,
    limit: int = 200,
) -> pd.DataFrame:
    """What each index finds of the exact best, and what that costs.

    Args:
        vectors: float32[n, dims], to be searched.
        queries: float32[q, dims], real ones: queries near no vector make every index look bad.
        kinds: the indexes by name.
        limit: neighbours asked for.

    Returns:
        One row an index: `recall` (share of the exact `limit` that it finds), `ms` (median of one query
        at a time, one thread), `megabytes`, `build_s`.
    """
    exact, _ = VectorIndex.of(vectors).search(queries, limit)
    rows = {}
    for name, config in kinds.items():
        start = time.perf_counter()
        index = VectorIndex.of(vectors, config)
        built = time.perf_counter() - start
        found, _ = index.search(queries, limit)
        shared = [len(np.intersect1d(one, two)) for one, two in zip(found, exact, strict=True)]
        rows[name] = {
            "recall": float(np.sum(shared) / np.sum(exact >= 0)),
            "ms": 1000 * _median_seconds(index, queries[:_SEARCHES], limit),
            "megabytes": index.bytes / 1e6,
            "build_s": built,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _median_seconds(index: VectorIndex, queries: NDArray[np.float32], limit: int) -> float:
    seconds = []
    with _one_thread():
        for query in queries:
            start = time.perf_counter()
            index.search(query[None], limit)
            seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))

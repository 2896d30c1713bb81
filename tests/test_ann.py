"""Indexes of vectors: exact where they say so, nearly exact where they look at enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mimic import MimicError
from mimic.retrieval.ann import KINDS, IndexConfig, VectorIndex, compare


def unit(rng, n, dims=16):
    vectors = rng.standard_normal((n, dims)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


VECTORS = unit(np.random.default_rng(0), 1500)
QUERIES = unit(np.random.default_rng(1), 30)


def best(queries, wanted, limit):
    products = np.where(wanted, queries @ VECTORS.T, -np.inf)
    return np.argsort(-products, axis=1)[:, :limit], -np.sort(-products, axis=1)[:, :limit]


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_flat_is_exact_with_and_without_a_mask(share):
    wanted = np.random.default_rng(2).random(len(VECTORS)) < share
    found, products = VectorIndex.of(VECTORS).search(QUERIES, 20, wanted=wanted)
    expected, expected_products = best(QUERIES, wanted, 20)
    assert found.tolist() == expected.tolist()
    assert products == pytest.approx(expected_products, abs=1e-5)


def test_ivf_that_reads_every_cell_is_exact():
    everything = IndexConfig(kind="ivf", cells=20, probes=20)
    found, _ = VectorIndex.of(VECTORS, everything).search(QUERIES, 20)
    assert found.tolist() == best(QUERIES, np.ones(len(VECTORS), bool), 20)[0].tolist()


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_looking_at_more_finds_more(kind):
    small = IndexConfig(kind=kind, cells=40, probes=1, links=4, build_beam=20, beam=20)
    large = replace(small, probes=20, links=16, build_beam=100, beam=400)
    recall = compare(VECTORS, QUERIES, {"small": small, "large": large}, limit=20)["recall"]
    assert recall["small"] < recall["large"]
    assert recall["large"] > 0.95


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_an_index_is_the_same_each_time(kind):
    config = IndexConfig(kind=kind, cells=20, probes=2, beam=30)
    found = [VectorIndex.of(VECTORS, config).search(QUERIES, 20)[0] for _ in range(2)]
    assert np.array_equal(*found)


@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw"])
def test_what_is_unwanted_is_never_found_and_what_is_missing_is_minus_one(kind):
    wanted = np.zeros(len(VECTORS), bool)
    wanted[[3, 700, 1400]] = True
    config = IndexConfig(kind=kind, cells=20, probes=20, beam=1500)
    found, _ = VectorIndex.of(VECTORS, config).search(QUERIES, 5, wanted=wanted)
    assert set(np.unique(found).tolist()) <= {-1, 3, 700, 1400}
    assert (found[:, 3:] == -1).all()


def test_the_table_has_a_row_an_index_and_flat_is_the_yardstick():
    table = compare(VECTORS, QUERIES, {"flat": KINDS["flat"], "hnsw": KINDS["hnsw, beam 200"]}, limit=50)
    assert table.loc["flat", "recall"] == 1.0
    assert table.loc["hnsw", "megabytes"] > table.loc["flat", "megabytes"]
    assert (table[["ms", "build_s"]] > 0).all().all()


def test_nothing_can_be_searched_and_too_little_cannot_fill_cells():
    empty = VectorIndex.of(np.zeros((0, 16), np.float32))
    assert len(empty) == 0
    assert (empty.search(QUERIES[:1], 4)[0] == -1).all()
    with pytest.raises(MimicError, match="fewer cells"):
        VectorIndex.of(VECTORS[:10], IndexConfig(kind="ivf"))

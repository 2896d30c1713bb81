"""SALSA: walkers against the exact shares, and those against matrices written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import BEN, CHLOE, GUS, MARA, village

from mimic import DataLoader, MimicError
from mimic.csr import CSR
from mimic.retrieval.graph_jet import EngagementGraph
from mimic.retrieval.salsa import Salsa, SalsaConfig

NO_SEEDS = np.zeros(0, np.int64), np.zeros(0)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return DataLoader.open(village(tmp_path_factory.mktemp("data") / "village"))


def shares(data, found):
    return dict(zip(data.tweets["tweet_id"][found[0]].tolist(), found[1].tolist(), strict=True))


def test_the_village_on_paper(data):
    """Ben: 103. Chloe: 103, 104, 110. Mara: 102. From Ben one walks to 103, from there to Ben or Chloe."""
    ben = data.user_row(BEN)
    salsa = Salsa.of(EngagementGraph.of(data).by_user, SalsaConfig(length=3))
    at_chloe = 0.7 * 0.5
    expected = {103: (1 + (1 - at_chloe) + at_chloe / 3) / 2, 104: at_chloe / 6, 110: at_chloe / 6}
    assert shares(data, salsa.expected(ben, *NO_SEEDS)) == pytest.approx(expected)
    one_step = Salsa.of(EngagementGraph.of(data).by_user, SalsaConfig(length=1))
    seeds = data.user_rows([CHLOE]), np.array([2.0])
    expected = {103: 0.9 + 0.1 / 3, 104: 0.1 / 3, 110: 0.1 / 3}
    assert shares(data, one_step.expected(ben, *seeds)) == pytest.approx(expected)


def test_who_cannot_walk_starts_at_the_seeds(data):
    salsa = Salsa.of(EngagementGraph.of(data).by_user, SalsaConfig(length=1))
    gus, rng = data.user_row(GUS), np.random.default_rng(0)
    seeds = data.user_rows([MARA, CHLOE, GUS]), np.array([1.0, 3.0, 5.0])
    expected = {102: 1 / 4, 103: 1 / 4, 104: 1 / 4, 110: 1 / 4}
    assert shares(data, salsa.expected(gus, *seeds)) == pytest.approx(expected)
    for nobody in (salsa.expected(gus, *NO_SEEDS), salsa.walk(gus, *NO_SEEDS, rng=rng)):
        assert [len(part) for part in nobody] == [0, 0]


def test_a_walk_ends_at_a_tweet():
    for length in (0, 2, -1):
        with pytest.raises(MimicError, match="odd number"):
            SalsaConfig(length=length)


graphs = st.lists(st.sets(st.integers(0, 6)), min_size=5, max_size=5)


def salsa_of(graph, **config):
    sizes = [len(tweets) for tweets in graph]
    values = np.array([10 + tweet for tweets in graph for tweet in sorted(tweets)], np.int64)
    return Salsa.of(
        CSR(np.concatenate(([0], np.cumsum(sizes, dtype=np.int64))), values), SalsaConfig(**config)
    )


@settings(deadline=None, max_examples=60)
@given(graphs, st.integers(0, 4), st.sampled_from([1, 3, 7]))
def test_the_exact_shares_by_matrices_written_out(graph, user, length):
    edges = np.array([[float(tweet in tweets) for tweet in range(7)] for tweets in graph])
    seeds, weights = np.setdiff1d(np.arange(5), [user])[:2], np.array([1.0, 3.0])
    tweets, found = salsa_of(graph, length=length).expected(user, seeds, weights)
    weights = weights * (edges[seeds].sum(axis=1) > 0)
    start = np.zeros(5)
    if edges[user].any():
        start[user] = 0.9 if weights.sum() else 1.0
    start[seeds] += (1 - start.sum()) * weights / max(weights.sum(), 1.0) if weights.sum() else 0.0
    if not start.sum():
        assert not len(tweets)
        return
    home = np.eye(5)[user] if edges[user].any() else start
    right = edges / np.maximum(edges.sum(axis=1, keepdims=True), 1)
    left = (edges / np.maximum(edges.sum(axis=0), 1)).T
    at, visits = start, np.zeros(7)
    for _ in range((length + 1) // 2):
        visits += at @ right
        at = 0.3 * home + 0.7 * (at @ right @ left)
    expected = visits / visits.sum()
    assert tweets.tolist() == (10 + np.flatnonzero(expected > 1e-15)).tolist()
    np.testing.assert_allclose(found, expected[tweets - 10], rtol=1e-12)
    assert found.sum() == pytest.approx(1.0)


@settings(deadline=None, max_examples=20)
@given(graphs, st.integers(0, 4), st.integers(0, 2**32))
def test_walkers_come_near_the_exact_shares(graph, user, seed):
    seeds, weights = np.setdiff1d(np.arange(5), [user]), np.array([1.0, 2.0, 3.0, 4.0])
    salsa = salsa_of(graph, walks=20_000)
    tweets, expected = salsa.expected(user, seeds, weights)
    visited, found = salsa.walk(user, seeds, weights, rng=np.random.default_rng(seed))
    assert np.isin(visited, tweets).all()
    shared = np.zeros(len(tweets))
    shared[np.searchsorted(tweets, visited)] = found
    # A share is a mean over walkers of numbers between 0 and 1: its deviation is at most √(p / walkers).
    assert (np.abs(shared - expected) <= 6 * np.sqrt(expected / 20_000)).all()
    again = salsa.walk(user, seeds, weights, rng=np.random.default_rng(seed))
    assert np.array_equal(again[1], found)

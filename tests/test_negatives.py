"""Negatives: how often each is drawn, and which pairs are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimic.models.negatives import KnownPairs, log_frequency

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=30)


@given(PAIRS, st.lists(st.integers(0, 4), max_size=6), st.lists(st.integers(0, 6), max_size=9))
def test_known_pairs_equal_a_look_at_each(pairs, sources, targets):
    chosen = np.array(pairs, np.int64).reshape(-1, 2)
    known = KnownPairs(chosen[:, 0], chosen[:, 1], (5, 7))
    expected = [[(source, target) in pairs for target in targets] for source in sources]
    for _ in range(2):  # asking leaves no trace
        found = known.among(np.array(sources, np.int64), np.array(targets, np.int64))
        assert found.tolist() == expected
        assert found.shape == (len(sources), len(targets))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.floats(0.05, 0.95))
def test_frequencies_are_those_of_a_draw(targets, lent):
    chance = np.exp(log_frequency(np.array(targets), 7, lent))
    assert chance.sum() == pytest.approx(1.0, rel=1e-5)
    expected = [lent * targets.count(t) / len(targets) + (1 - lent) / 7 for t in range(7)]
    assert chance.tolist() == pytest.approx(expected, rel=1e-5)

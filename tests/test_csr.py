"""Lists of lists as two arrays: against the same lists in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimic.csr import CSR, positions_in_runs

KEYS = 6


@st.composite
def grouped(draw):
    keys = draw(st.lists(st.integers(0, KEYS - 1), max_size=40))
    lists = [[i for i, key in enumerate(keys) if key == k] for k in range(KEYS)]
    return CSR.group(np.array(keys, np.int32), KEYS), lists


@given(grouped())
def test_group_keeps_the_order_of_the_input(case):
    csr, lists = case
    assert len(csr) == KEYS
    assert [csr.of(k).tolist() for k in range(KEYS)] == lists
    assert csr.sizes.tolist() == [len(run) for run in lists]


@given(grouped(), st.integers(0, 45), st.integers(0, 45))
def test_between_and_before_cut_ascending_runs(case, low, high):
    csr, lists = case
    for k, run in enumerate(lists):
        assert csr.between(k, low, max(low, high)).tolist() == [v for v in run if low <= v < max(low, high)]
        assert csr.before(high).of(k).tolist() == [v for v in run if v < high]


@given(grouped(), st.lists(st.integers(0, KEYS - 1), max_size=8))
def test_gather_equals_one_key_after_the_other(case, keys):
    csr, lists = case
    place, values = csr.gather(np.array(keys, np.int64))
    assert values.tolist() == [v for key in keys for v in lists[key]]
    assert place.tolist() == [i for i, key in enumerate(keys) for _ in lists[key]]


@given(
    grouped(),
    st.lists(st.tuples(st.integers(0, KEYS - 1), st.integers(0, 45)), max_size=8),
    st.integers(0, 5),
)
def test_latest_equals_the_end_of_each_run_below_its_bound(case, asked, most):
    csr, lists = case
    keys, highs = np.array(asked, np.int64).reshape(-1, 2).T
    place, values = csr.latest(keys, highs, most)
    runs = [[v for v in lists[key] if v < high] for key, high in asked]
    expected = [(i, v) for i, run in enumerate(runs) for v in run[max(len(run) - most, 0) :]]
    assert list(zip(place.tolist(), values.tolist(), strict=True)) == expected


def test_group_and_map_carry_values():
    csr = CSR.group(np.array([1, 0, 1]), 3, np.array([10, 20, 30], np.int32))
    assert [csr.of(k).tolist() for k in range(3)] == [[20], [10, 30], []]
    assert CSR.group(np.array([1, 0, 1]), 2).map(np.array([5, 6, 7])).values.tolist() == [6, 5, 7]


@pytest.mark.parametrize(("sizes", "positions"), [([], []), ([2, 0, 3], [0, 1, 0, 1, 2]), ([0, 0], [])])
def test_positions_in_runs(sizes, positions):
    assert positions_in_runs(np.array(sizes, np.int64)).tolist() == positions

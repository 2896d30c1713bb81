"""Counts as of each row's own moment: exact, whatever the keys and the order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mimic.point_in_time import count_before

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(-6, 6)), max_size=30)


def columns(rows):
    keys, moments = np.array(rows, np.int64).reshape(-1, 2).T
    return keys, moments


def by_hand(events, rows):
    return [sum(k == key and at < moment for k, at in events) for key, moment in rows]


@given(pairs, pairs)
def test_it_counts_what_came_strictly_before_with_the_same_key(events, rows):
    counts = count_before(*columns(events), *columns(rows))
    assert counts.tolist() == by_hand(events, rows)


@given(pairs, pairs)
def test_keys_and_moments_may_be_too_large_to_share_a_number(events, rows):
    """Pairs of a hundred thousand users, and milliseconds of a month."""
    large = [(key * 2_500_000_000, at * 500_000_000) for key, at in events]
    asked = [(key * 2_500_000_000, at * 500_000_000) for key, at in rows]
    assert count_before(*columns(large), *columns(asked)).tolist() == by_hand(large, asked)


def test_keys_that_no_event_has_count_nothing():
    counts = count_before(np.array([1, 1]), np.array([5, 6]), np.array([0, 2, 9]), np.array([99, 99, 99]))
    assert counts.tolist() == [0, 0, 0]


def test_moments_far_away_see_all_or_nothing():
    counts = count_before(np.array([3, 3]), np.array([5, 6]), np.array([3, 3]), np.array([-(2**40), 2**40]))
    assert counts.tolist() == [0, 2]

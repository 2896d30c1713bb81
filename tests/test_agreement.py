"""How much of one ranking another lets through: by hand, and what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimic.agreement import agreement, agreement_table

ROWS = np.array([10, 11, 12, 13])


def test_agreement_by_hand():
    heavy, light = np.array([4.0, 3.0, 2.0, 1.0]), np.array([1.0, 4.0, 3.0, 2.0])
    assert agreement(light, heavy, ROWS, 2) == (0.5, 5.0)  # 11 and 12 go on, 10 and 11 should
    assert agreement(heavy, heavy, ROWS, 2) == (1.0, 7.0)
    assert agreement(np.zeros(4), heavy, ROWS, 2) == (0.0, 3.0)  # equal scores: the larger rows go on


def test_a_table_counts_only_requests_that_have_something_to_leave_out():
    heavy = np.array([4.0, 3.0, 2.0, 1.0])
    small = ({"good": heavy[:2], "bad": -heavy[:2]}, heavy[:2], ROWS[:2])
    large = ({"good": heavy, "bad": -heavy}, heavy, ROWS)
    table = agreement_table([small, large], (1, 2, 9))
    assert table.loc["good", ["recall@1", "value@1", "recall@2", "value@2"]].tolist() == [1, 1, 1, 1]
    assert table.loc["bad", ["recall@1", "recall@2"]].tolist() == [0, 0]
    assert table.loc["bad", "value@1"] == pytest.approx((3 + 1) / (4 + 4))
    assert table.loc["bad", "value@2"] == pytest.approx((2 + 1) / (4 + 3))
    assert table["recall@9"].isna().all()
    assert agreement_table([], (1,)).empty


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 3)), max_size=12), st.integers(1, 14))
def test_recall_is_a_share_and_all_of_it_where_nothing_is_left_out(scores, k):
    light, heavy = (
        (np.array(column, float) for column in zip(*scores, strict=True)) if scores else (np.zeros(0),) * 2
    )
    rows = np.arange(len(scores))
    recall, held = agreement(light, heavy, rows, k)
    assert 0 <= recall <= 1
    assert held <= agreement(heavy, heavy, rows, k)[1] + 1e-9
    if scores and k >= len(scores):
        assert recall == 1

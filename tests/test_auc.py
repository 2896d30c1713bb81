"""AUC and its intervals: the library's number, on whole people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mimic import MimicError
from mimic.auc import auc_draws, interval_of_draws


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_the_rows_themselves_have_the_area_that_the_library_finds(rows):
    happened, score = np.array([a for a, _ in rows]), np.array([b for _, b in rows], np.float64)
    if happened.all() or not happened.any():
        happened[0] = not happened[0]
    found = auc_draws(happened, {"score": score}, np.arange(len(rows)), rng=seeded(), draws=1)
    assert found["score"].iloc[0] == pytest.approx(roc_auc_score(happened, score))


def test_a_sample_is_what_the_library_finds_with_the_users_repeated():
    rng = seeded(1)
    users, score = rng.integers(0, 12, 300), rng.normal(size=300)
    happened = rng.random(300) < 1 / (1 + np.exp(-score))
    draws = auc_draws(happened, {"score": score}, users, rng=seeded(2), draws=30)
    times = seeded(2).multinomial(12, np.full(12, 1 / 12), size=30)
    for sample, found in zip(times, draws["score"].iloc[1:], strict=True):
        weight = sample[users]
        assert found == pytest.approx(roc_auc_score(happened, score, sample_weight=weight))


def test_scores_are_compared_on_the_same_draws():
    rng = seeded(3)
    users, score = np.repeat(np.arange(40), 10), rng.normal(size=400)
    happened = rng.random(400) < 1 / (1 + np.exp(-score))
    draws = auc_draws(happened, {"one": score, "same order": score * 3 + 1}, users, rng=seeded())
    gap = interval_of_draws(draws["one"] - draws["same order"])
    assert (gap.value, gap.low, gap.high) == (0, 0, 0)


def test_people_are_drawn_whole():
    rng = seeded(4)
    score = rng.normal(size=60)
    happened = rng.random(60) < 1 / (1 + np.exp(-score))
    tenfold = np.tile(happened, 10), {"s": np.tile(score, 10)}
    whole = interval_of_draws(auc_draws(*tenfold, np.tile(np.arange(60), 10), rng=seeded())["s"])
    apart = interval_of_draws(auc_draws(*tenfold, np.arange(600), rng=seeded())["s"])
    assert apart.value == pytest.approx(whole.value)
    assert apart.high - apart.low < 0.5 * (whole.high - whole.low)


@pytest.mark.parametrize("happened", [[True, True], [False, False]])
def test_one_outcome_alone_is_refused(happened):
    with pytest.raises(MimicError, match="did not"):
        auc_draws(np.array(happened), {"s": np.array([0.1, 0.2])}, np.array([1, 2]), rng=seeded())

"""Logistic regression by hand: against a library, against arithmetic, and where everything happened."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from mimic import MimicError
from mimic.models.logistic import BinnedLogit, HingedLogit, fit_logit, logit, sigmoid

QUANTILES = (0.25, 0.5, 0.75)


def world(seed=0, rows=3000, columns=4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns))
    happened = rng.random(rows) < sigmoid(x @ np.arange(columns) - 1.0)
    return x, happened, rng.integers(1, 4, rows).astype(np.float64)


def test_it_agrees_with_a_library_on_weighted_rows():
    x, happened, weights = world()
    design = np.column_stack((np.ones(len(x)), x))
    ours = fit_logit(design, happened, weights, ridge=2.0)
    theirs = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10, max_iter=1000)
    theirs.fit(design, happened, sample_weight=weights)
    np.testing.assert_allclose(ours, theirs.coef_[0], atol=1e-4)


def test_dense_and_sparse_designs_and_the_order_of_rows_give_the_same_weights():
    x, happened, weights = world()
    shuffle = np.random.default_rng(1).permutation(len(x))
    dense = fit_logit(x, happened, weights)
    np.testing.assert_allclose(fit_logit(sparse.csr_array(x), happened, weights), dense, atol=1e-9)
    np.testing.assert_allclose(fit_logit(x[shuffle], happened[shuffle], weights[shuffle]), dense, atol=1e-9)


@pytest.mark.parametrize("always", [False, True])
def test_weights_stay_finite_where_everything_happened_or_nothing_did(always):
    x = np.linspace(-1, 1, 50)[:, None]
    model = HingedLogit.fit(x, np.full(50, always), np.ones(50), QUANTILES)
    said = sigmoid(model.log_odds(x))
    assert np.isfinite(said).all()
    assert ((said > 0.5) == always).all()


def test_a_column_that_is_not_finite_is_refused():
    x, happened, weights = world(rows=50)
    x[3, 1] = np.inf
    with pytest.raises((MimicError, np.linalg.LinAlgError)), np.errstate(all="ignore"):
        fit_logit(x, happened, weights)


def test_no_rows_are_refused():
    for kind in (HingedLogit, BinnedLogit):
        with pytest.raises(MimicError, match="one row"):
            kind.fit(np.zeros((0, 2)), np.zeros(0, bool), np.zeros(0), QUANTILES)


@given(st.floats(-40, 40))
def test_log_odds_and_probabilities_are_each_others_reverse(x):
    p = sigmoid(np.array([x]))
    assert 0 <= p[0] <= 1
    if abs(x) < 15:
        assert logit(p)[0] == pytest.approx(x, abs=1e-6)


def bent_world(rows=20_000):
    """Chances that rise up to 0 and fall beyond: no straight line can say so."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-2, 2, (rows, 1))
    return x, rng.random(rows) < sigmoid(-2 * np.abs(x[:, 0]))


def test_hinges_and_bins_follow_a_line_that_bends():
    x, happened = bent_world()
    asked = np.array([[-1.5], [0.0], [1.5]])
    for kind in (HingedLogit, BinnedLogit):
        quantiles = tuple(k / 20 for k in range(1, 20))
        said = kind.fit(x, happened, np.ones(len(x)), quantiles).log_odds(asked)
        np.testing.assert_allclose(said, [-3.0, 0.0, -3.0], atol=0.45)
    straight = HingedLogit.fit(x, happened, np.ones(len(x)), ()).log_odds(asked)
    assert np.ptp(straight) < 0.5


def test_a_bin_says_the_share_of_its_rows():
    x = np.repeat([0.0, 1.0, 7.0], [4000, 2000, 1000])[:, None]
    happened = np.concatenate([np.arange(n) < n * p for n, p in ((4000, 0.1), (2000, 0.5), (1000, 0.9))])
    model = BinnedLogit.fit(x, happened, np.ones(7000), (0.3, 0.6, 0.9))
    said = sigmoid(model.log_odds(np.array([[-5.0], [0.0], [0.5], [1.0], [6.0], [7.0], [99.0]])))
    np.testing.assert_allclose(said, [0.1, 0.1, 0.5, 0.5, 0.9, 0.9, 0.9], atol=0.01)


def test_adding_to_the_log_odds_undoes_a_balanced_sample():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(200_000, 1))
    happened = rng.random(len(x)) < sigmoid(x[:, 0] - 4)
    keep = happened | (rng.random(len(x)) < 0.05)
    model = HingedLogit.fit(x[keep], happened[keep], np.ones(int(keep.sum())), ()).shifted(np.log(0.05))
    assert sigmoid(model.log_odds(x)).mean() == pytest.approx(happened.mean(), rel=0.05)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 60))
def test_a_batch_is_its_rows_one_by_one_and_arrays_bring_a_model_back(seed, rows):
    x, happened, weights = world(seed % 50, rows=200, columns=3)
    asked = np.random.default_rng(seed).normal(size=(rows, 3))
    hinged = HingedLogit.fit(x, happened, weights, QUANTILES)
    binned = BinnedLogit.fit(x, happened, weights, QUANTILES)
    again = HingedLogit.from_arrays(hinged.arrays("a"), "a"), BinnedLogit.from_arrays(binned.arrays())
    for model, copy in zip((hinged, binned), again, strict=True):
        together = model.log_odds(asked)
        assert together.shape == (rows,)
        single = [model.log_odds(row[None])[0] for row in asked]
        np.testing.assert_allclose(together, np.array(single), rtol=0, atol=1e-12)
        np.testing.assert_array_equal(copy.log_odds(asked), together)

"""The loop that all models share: batches, rates, seeds, and a loss that must be a number."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mimic import MimicError
from mimic.models.training import RowwiseAdagrad, fit, seeded, shuffled_batches


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(1, 9), st.integers(1, 3))
def test_every_epoch_uses_every_row_once_and_no_batch_mixes_groups(groups, size, epochs):
    groups = np.array(groups, np.int64)
    batches = shuffled_batches(groups, size, epochs, np.random.default_rng(0))
    rows = np.concatenate([*batches, np.zeros(0, np.int64)])
    for epoch in np.split(rows, epochs):
        assert np.sort(epoch).tolist() == list(range(len(groups)))
    for batch in batches:
        assert 0 < len(batch) <= size
        assert len(set(groups[batch].tolist())) == 1
    full = sum(len(batch) == size for batch in batches)
    assert len(batches) - full <= epochs * len(set(groups.tolist()))  # only the last of a group is short


def test_equal_seeds_give_equal_batches_and_others_do_not():
    groups = np.zeros(50, np.int64)
    first, same, other = (shuffled_batches(groups, 8, 2, np.random.default_rng(s)) for s in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(first, same, strict=True))
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_seeded_draws_the_same_and_leaves_the_global_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with seeded(1):
        first = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    with seeded(1):
        assert torch.equal(torch.rand(3), first)


def line(rate, steps=400):
    """Fit y = 2 x + 1; returns the weights and the curve of losses."""
    x = torch.linspace(-1, 1, 64)
    weights = torch.nn.Parameter(torch.zeros(2))
    batches = shuffled_batches(np.zeros(64, np.int64), 16, steps // 4, np.random.default_rng(0))

    def loss_of(batch):
        chosen = x[torch.from_numpy(batch)]
        return (weights[0] * chosen + weights[1] - (2 * chosen + 1)).square().mean()

    return weights, fit(torch.optim.Adam([weights], rate), batches, loss_of, what="a line")


def test_a_line_is_found_and_the_curve_falls():
    weights, curve = line(rate=0.1)
    assert weights.tolist() == pytest.approx([2.0, 1.0], abs=1e-3)
    assert len(curve) == 400
    assert curve[0] > 1.0 > 1e-4 > curve[-1]


def test_the_rate_rises_and_falls_to_nothing():
    weights = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weights], 1.0)
    moved = []

    def loss_of(batch):
        moved.append(float(weights.detach()))
        return -weights.sum()  # the gradient is −1, so a step moves by the rate

    fit(optimiser, [np.array([0])] * 100, loss_of, what="rates")
    rates = np.diff([*moved, float(weights.detach())])
    assert rates.max() == pytest.approx(0.91, abs=0.02)
    assert rates.argmax() in (8, 9)
    assert (np.diff(rates[:9]) > 0).all()
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[-1] == pytest.approx(0.01, abs=1e-3)


def test_a_loss_that_is_no_number_stops_the_training():
    weights = torch.nn.Parameter(torch.zeros(1))
    with pytest.raises(MimicError, match="step 1 is nan"):
        fit(
            torch.optim.SGD([weights], 1.0),
            [np.array([0])],
            lambda batch: weights.sum() * float("nan"),
            what="x",
        )


def test_threads_are_as_before_even_after_an_error():
    before, seen = torch.get_num_threads(), []
    weights = torch.nn.Parameter(torch.zeros(1))

    def loss_of(batch):
        seen.append(torch.get_num_threads())
        return weights.sum() * float("inf")

    with pytest.raises(MimicError):
        fit(torch.optim.SGD([weights], 1.0), [np.array([0])], loss_of, what="x", threads=2)
    assert seen == [2]
    assert torch.get_num_threads() == before


def test_rowwise_adagrad_moves_the_rows_it_was_asked_for_less_each_time():
    table = torch.nn.Embedding(4, 2, sparse=True)
    torch.nn.init.zeros_(table.weight)
    shift = torch.nn.Parameter(torch.zeros(2))
    optimiser = RowwiseAdagrad([*table.parameters(), shift], 0.5)
    steps = []
    for _ in range(2):
        before = table.weight.detach().clone()
        optimiser.zero_grad()
        (table(torch.tensor([1, 1])) + shift).sum().backward()
        optimiser.step()
        steps.append((before - table.weight.detach())[:, 0].tolist())
    assert steps[0] == pytest.approx([0, 0.5, 0, 0])  # gradient 2, divided by its own size
    assert steps[1] == pytest.approx([0, 0.5 / np.sqrt(2), 0, 0])
    assert shift.tolist() == pytest.approx([-0.5 - 0.5 / np.sqrt(2)] * 2)

"""One short training loop that all models share: seeded, in a fixed order, with a bar and a loss curve.

    batches → loss of a batch → gradient → a step of the optimiser, at a rate that rises and falls

Nothing is left to chance but what the seed decides: batches are drawn before the first step, the rate
follows a fixed curve, and the weights at the start come from `seeded`. Steps are taken by one thread: the
matrices here are too small for a second one to pay, threads that wait for one another on a busy machine
cost many times what they save, and sums are rounded in the same order however many cores there are. So two
runs on one machine agree to the last bit. On another kind of processor they do not, and small differences
grow with every step: what is measured on a trained model agrees to about two digits.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from mimic.errors import MimicError

__all__ = ["RowwiseAdagrad", "fit", "seeded", "shuffled_batches"]

_WARM_UP: Final = 0.1
"""Share of all steps in which the rate rises from 0: large first steps of Adam ruin fresh weights."""
_TINY: Final = 1e-8
"""Keeps a division by nothing from happening."""


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw torch's random numbers from `seed` inside the block, and leave its global state as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def shuffled_batches(
    groups: NDArray[np.integer[Any]], size: int, epochs: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Row numbers of every batch of a training, in the order in which they are used.

    Each epoch shuffles the rows anew and then the batches. All rows of a batch belong to one group, so
    that they can share what depends on it. A batch has `size` rows, only the last of a group may have
    fewer; every row comes once an epoch.

    Args:
        groups: int[n], the group of each row; all 0 where there are none.
        size: rows of a batch.
        epochs: how often every row is used.
        rng: shuffles.
    """
    batches: list[NDArray[np.int64]] = []
    for _ in range(epochs):
        shuffled = rng.permutation(len(groups))
        by_group = shuffled[np.argsort(groups[shuffled], kind="stable")]
        starts = np.flatnonzero(np.diff(groups[by_group])) + 1
        epoch = [
            run[low : low + size] for run in np.split(by_group, starts) for low in range(0, len(run), size)
        ]
        batches += [epoch[i] for i in rng.permutation(len(epoch))]
    return batches


class RowwiseAdagrad(torch.optim.Optimizer):
    """Adagrad with one rate a row, for tables of vectors of which a step touches a few rows.

    A row that has been moved often takes smaller steps. One number a row is remembered where Adagrad
    has one an entry, as torchrec and PyTorch-BigGraph do for tables of a billion rows. A parameter
    without rows (a vector, a number) is treated as one row.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float) -> None:
        super().__init__(parameters, {"lr": rate})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every parameter against its gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group["lr"])

    def _move(self, parameter: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        state = self.state[parameter]
        if gradient.is_sparse:
            gradient = gradient.coalesce()
            rows, moves = gradient.indices()[0], gradient.values()
        else:
            rows, moves = torch.zeros(1, dtype=torch.long), gradient.reshape(1, -1)
        if "moved" not in state:
            state["moved"] = torch.zeros(len(parameter) if gradient.is_sparse else 1)
        state["moved"][rows] += moves.square().mean(dim=1)
        moves = moves / (state["moved"][rows].sqrt() + _TINY)[:, None]
        if gradient.is_sparse:
            parameter.index_add_(0, rows, moves, alpha=-rate)
        else:
            parameter.sub_(moves.reshape(parameter.shape), alpha=rate)


def fit(
    optimiser: torch.optim.Optimizer,
    batches: Sequence[NDArray[np.int64]],
    loss_of: Callable[[NDArray[np.int64]], torch.Tensor],
    *,
    what: str,
    threads: int = 1,
) -> NDArray[np.float32]:
    """Take one step a batch; returns the loss before each step, float32[steps].

    The optimiser's rate is the highest: it rises over the first tenth of the steps and falls in a
    straight line to 0, so that the last weights do not depend on the last few batches.

    Args:
        optimiser: holds the parameters and the rate.
        batches: row numbers, one array a step, such as `shuffled_batches` makes.
        loss_of: from the row numbers of a batch to its mean loss, a scalar with a gradient.
        what: named beside the progress bar, such as "two towers".
        threads: of torch, while this runs.

    Raises:
        MimicError: a loss is not a number, which no later step could mend.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _steps(optimiser, batches, loss_of, what)
    finally:
        torch.set_num_threads(before)


def _steps(
    optimiser: torch.optim.Optimizer,
    batches: Sequence[NDArray[np.int64]],
    loss_of: Callable[[NDArray[np.int64]], torch.Tensor],
    what: str,
) -> NDArray[np.float32]:
    peaks = [group["lr"] for group in optimiser.param_groups]
    curve = np.zeros(len(batches), np.float32)
    rising = max(1.0, _WARM_UP * len(batches))
    bar = tqdm(batches, desc=what, unit="batch", file=sys.stderr, disable=None, leave=False, mininterval=0.5)
    for step, batch in enumerate(bar):
        rate = min((step + 1) / rising, 1.0 - step / len(batches))
        for group, peak in zip(optimiser.param_groups, peaks, strict=True):
            group["lr"] = peak * rate
        loss = loss_of(batch)
        curve[step] = loss.item()
        if not np.isfinite(curve[step]):
            raise MimicError(f"training {what}: the loss of step {step + 1} is {curve[step]}")
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    return curve

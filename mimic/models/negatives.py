"""What sampled negatives need in every model that trains on them: how often they come, and which are none.

A softmax over all targets would be too long, so a batch makes do with a few. Two things then go wrong,
and each has its remedy here. Targets that other rows of the batch lend come as often as they are popular,
so that a model learns to shun hits: the logarithm of that frequency is taken off their scores (logQ;
Bengio and Senécal, 2008, and for two towers Yi et al., RecSys 2019). And some of them are targets that
the row's own source has chosen too: these are masked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mimic.csr import CSR

__all__ = ["KnownPairs", "log_frequency"]

Ints = NDArray[np.integer[Any]]


def log_frequency(targets: Ints, size: int, lent: float) -> NDArray[np.float32]:
    """Logarithm of the chance that one negative is each of `size` targets, float32[size].

    Args:
        targets: int[n], the targets of all rows; a negative lent by the batch is one of them.
        size: how many targets there are.
        lent: share of negatives that are lent, above 0 and below 1; the others are uniform (mixed
            negative sampling: Yang et al., WWW 2020).
    """
    of_rows = np.bincount(targets, minlength=size) / max(len(targets), 1)
    return np.log(lent * of_rows + (1.0 - lent) / size).astype(np.float32)


class KnownPairs:
    """Which sources have chosen which targets, to be asked for a batch at a time."""

    def __init__(self, sources: Ints, targets: Ints, shape: tuple[int, int]) -> None:
        """From pairs int[n], int[n], of `shape` (number of sources, number of targets)."""
        self._chosen = CSR.group(sources, shape[0], targets)
        self._column = np.full(shape[1], -1)

    def among(self, sources: Ints, targets: Ints) -> NDArray[np.bool_]:
        """Whether each source has chosen each target, bool[sources, targets]; either may repeat."""
        distinct, of = np.unique(targets, return_inverse=True)
        self._column[distinct] = np.arange(len(distinct))
        place, chosen = self._chosen.gather(sources)
        column = self._column[chosen]
        self._column[distinct] = -1
        here = column >= 0
        # Targets as rows: repeating rows copies whole lines of memory, repeating columns single bytes.
        known = np.zeros((len(distinct), len(sources)), bool)
        known[column[here], place[here]] = True
        return known[of].T

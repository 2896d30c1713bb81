"""Logistic regression that a reader can check by hand: Newton's method in float64, and two ways to bend it.

A logistic regression adds up log-odds, so it can only say «twice as many likes, so much more likely»
when its columns say so. Two kinds of columns make it flexible without making it hard to read:

    hinges    x, and max(0, x − knot) for some knots: a broken line for each feature
    bins      one column a bin of x, 0 or 1: a staircase for each feature, as in Earlybird's light ranker

The problem is convex, so the answer does not depend on where the search begins, on the order of the rows,
or on the number of threads, beyond the last digits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mimic.errors import MimicError

__all__ = ["BinnedLogit", "HingedLogit", "fit_logit", "logit", "sigmoid"]

Floats = NDArray[np.float64]

_AT_ONCE: Final = 65_536
"""Rows that are expanded into columns at a time: bounds the memory."""
_STEPS: Final = 60
"""Newton steps at most; six to ten are usual."""
_DONE: Final = 1e-9
"""A step in which no weight moves by more than this is the last."""


def sigmoid(x: Floats) -> Floats:
    """From log-odds to probabilities, without overflow at either end."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x), np.float64)


def logit(p: Floats) -> Floats:
    """From probabilities to log-odds."""
    return np.asarray(np.log(p) - np.log1p(-p), np.float64)


def fit_logit(design: Any, happened: NDArray[np.bool_], weights: Floats, *, ridge: float = 1.0) -> Floats:
    """The weights that make what happened most likely, less ridge/2 × the sum of their squares.

    Args:
        design: [n, D], a float64 array or a SciPy CSR array; a column of ones is part of it.
        happened: bool[n], what is to be foretold.
        weights: float64[n], how much each row counts.
        ridge: keeps weights finite, also where everything happened or nothing did.

    Returns:
        float64[D].

    Raises:
        MimicError: Newton's method did not settle, which means a column that is not finite.
    """
    count = design.shape[1]
    found = np.zeros(count)
    loss = _loss(design, happened, weights, found, ridge)
    for _ in range(_STEPS):
        p = sigmoid(design @ found)
        slope = design.T @ (weights * (p - happened)) + ridge * found
        curvature = weights * p * (1 - p)
        step = np.linalg.solve(_gram(design, curvature) + ridge * np.eye(count), slope)
        # A whole step is right near the end; far from it the quadratic can overshoot.
        for _ in range(30):
            better = _loss(design, happened, weights, found - step, ridge)
            if better <= loss:
                break
            step = step / 2
        found, loss = found - step, better
        if np.abs(step).max(initial=0.0) < _DONE:
            return np.asarray(found)
    raise MimicError(f"the logistic regression did not settle in {_STEPS} steps")


def _gram(design: Any, curvature: Floats) -> Floats:
    """Columns against columns, float64[D, D], each row weighted by its curvature."""
    if isinstance(design, sparse.csr_array):
        return np.asarray((design.T @ (sparse.diags_array(curvature) @ design)).toarray())
    gram = np.zeros((design.shape[1], design.shape[1]))
    for first in range(0, len(design), _AT_ONCE):
        some = design[first : first + _AT_ONCE]
        gram += some.T @ (curvature[first : first + _AT_ONCE, None] * some)
    return gram


def _loss(design: Any, happened: NDArray[np.bool_], weights: Floats, at: Floats, ridge: float) -> float:
    x = design @ at
    return float(weights @ (np.logaddexp(0.0, x) - happened * x) + 0.5 * ridge * at @ at)


@dataclass(frozen=True, kw_only=True, eq=False)
class HingedLogit:
    """Log-odds as a sum of broken lines, one a feature. F features, Q knots each."""

    center: Floats
    """float64[F], mean of each feature over the rows that it was fitted on."""
    scale: Floats
    """float64[F], standard deviation; 1 for a feature that never varied."""
    knots: Floats
    """float64[F, Q], where the lines break, in the features' own units."""
    weights: Floats
    """float64[1 + F·(1 + Q)]: intercept, slopes, then changes of slope, all in standard deviations."""

    @classmethod
    def fit(
        cls, features: Floats, happened: NDArray[np.bool_], weights: Floats, quantiles: tuple[float, ...]
    ) -> HingedLogit:
        """Fit to float64[n, F]; knots stand at these quantiles of each feature."""
        if not len(features):
            raise MimicError("a regression needs at least one row")
        center, scale = features.mean(axis=0), features.std(axis=0)
        knots = np.quantile(features, quantiles, axis=0).T.reshape(features.shape[1], len(quantiles))
        shape = cls(center=center, scale=np.where(scale > 0, scale, 1.0), knots=knots, weights=np.zeros(0))
        return cls(
            center=center,
            scale=shape.scale,
            knots=knots,
            weights=fit_logit(shape._design(features), happened, weights),
        )

    @classmethod
    def flat(cls, features: int, log_odds: float) -> HingedLogit:
        """Says the same of everything: what is left where there is nothing to learn from."""
        weights = np.zeros(1 + features)
        weights[0] = log_odds
        return cls(
            center=np.zeros(features),
            scale=np.ones(features),
            knots=np.zeros((features, 0)),
            weights=weights,
        )

    def _design(self, features: Floats) -> Floats:
        lines = (features - self.center) / self.scale
        bent = np.maximum(features[:, :, None] - self.knots, 0.0) / self.scale[:, None]
        return np.concatenate((np.ones((len(features), 1)), lines, bent.reshape(len(features), -1)), axis=1)

    def log_odds(self, features: Floats) -> Floats:
        """float64[n] for float64[n, F]."""
        parts = (features[first : first + _AT_ONCE] for first in range(0, len(features), _AT_ONCE))
        return np.concatenate([np.zeros(0), *(self._design(part) @ self.weights for part in parts)])

    def shifted(self, by: float) -> HingedLogit:
        """The same with `by` added to all log-odds: how a balanced sample is undone."""
        weights = self.weights.copy()
        weights[0] += by
        return replace(self, weights=weights)

    def arrays(self, prefix: str) -> dict[str, Floats]:
        """Its parts by name, for an artefact."""
        return {f"{prefix}.{name}": getattr(self, name) for name in ("center", "scale", "knots", "weights")}

    @classmethod
    def from_arrays(cls, arrays: Any, prefix: str) -> HingedLogit:
        """The reverse of `arrays`."""
        return cls(**{name: arrays[f"{prefix}.{name}"] for name in ("center", "scale", "knots", "weights")})


@dataclass(frozen=True, kw_only=True, eq=False)
class BinnedLogit:
    """Log-odds as a sum of staircases, one a feature. F features, B bins in all."""

    starts: NDArray[np.int64]
    """int64[F + 1]: feature f has the edges starts[f] … starts[f + 1] − 1, and one bin more than edges."""
    edges: Floats
    """Upper ends of all bins but the last of each feature, ascending within a feature; x falls into the first
    bin whose end is not below it."""
    intercept: float
    weights: Floats
    """float64[B], one a bin: feature f's begin at starts[f] + f."""

    @classmethod
    def fit(
        cls, features: Floats, happened: NDArray[np.bool_], weights: Floats, quantiles: tuple[float, ...]
    ) -> BinnedLogit:
        """Fit to float64[n, F], with bins that end at these quantiles of each feature, equal ends once."""
        if not len(features):
            raise MimicError("a regression needs at least one row")
        ends = [np.unique(np.quantile(column, quantiles, method="lower")) for column in features.T]
        # An end at the largest value would leave a last bin without rows, about which nothing is learned.
        ends = [end[end < column.max()] for end, column in zip(ends, features.T, strict=True)]
        starts = np.concatenate(([0], np.cumsum([len(end) for end in ends]))).astype(np.int64)
        shape = cls(starts=starts, edges=np.concatenate(ends), intercept=0.0, weights=np.zeros(0))
        places = shape._places(features)
        n, count = places.shape
        rows = np.arange(0, n * (count + 1) + 1, count + 1)
        columns = np.column_stack((np.zeros(n, np.int64), 1 + places))
        width = 1 + len(shape.edges) + count
        design = sparse.csr_array((np.ones(columns.size), columns.ravel(), rows), shape=(n, width))
        found = fit_logit(design, happened, weights)
        return cls(starts=starts, edges=shape.edges, intercept=float(found[0]), weights=found[1:])

    @classmethod
    def flat(cls, features: int) -> BinnedLogit:
        """Says the same of everything: what is left where there is nothing to learn from."""
        starts = np.zeros(features + 1, np.int64)
        return cls(starts=starts, edges=np.zeros(0), intercept=0.0, weights=np.zeros(features))

    def _places(self, features: Floats) -> NDArray[np.int64]:
        """int64[n, F]: the bin of each feature of each row, as a place in `weights`."""
        places = np.zeros(features.shape, np.int64)
        for f, column in enumerate(features.T):
            first, last = self.starts[f], self.starts[f + 1]
            places[:, f] = first + f + np.searchsorted(self.edges[first:last], column)
        return places

    def log_odds(self, features: Floats) -> Floats:
        """float64[n] for float64[n, F]."""
        return np.asarray(self.intercept + self.weights[self._places(features)].sum(axis=1))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its parts by name, for an artefact."""
        return {
            "starts": self.starts,
            "edges": self.edges,
            "intercept": np.array([self.intercept]),
            "weights": self.weights,
        }

    @classmethod
    def from_arrays(cls, arrays: Any) -> BinnedLogit:
        """The reverse of `arrays`."""
        parts = {name: arrays[name] for name in ("starts", "edges", "weights")}
        return cls(intercept=float(arrays["intercept"][0]), **parts)

"""What a good partition of a graph is: two answers, and the graph that they are asked about.

    Published    c·W − w̄·(outsiders), where outsiders are the community's members whom one is not joined to
    Modularity   share of one's edges that lead inside, less γ × the share that chance would bring

Each is told as what a vertex gains by being in a community instead of alone, for that is all that a search
needs to know (`mimic.retrieval.metropolis`). Both have a resolution, and in opposite senses: a larger c
makes communities larger, a larger γ makes them smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mimic.csr import CSR

__all__ = ["Modularity", "Network", "Objective", "Published"]

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]

_TINY: Final = np.finfo(np.float64).tiny
"""Keeps a vertex without edges from dividing by 0; its gain is 0 everywhere."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """An undirected weighted graph of V vertices, each edge stored from both of its ends."""

    neighbours: CSR
    """For each vertex its neighbours, ascending, without itself."""
    weights: Floats
    """float64[E]: the weight of each of `neighbours.values`, above 0."""

    def __len__(self) -> int:
        return len(self.neighbours)

    @cached_property
    def sources(self) -> NDArray[np.int64]:
        """int64[E]: the vertex that each of `neighbours.values` is a neighbour of."""
        return np.repeat(np.arange(len(self)), self.neighbours.sizes)

    @cached_property
    def strength(self) -> Floats:
        """float64[V]: the sum of the weights of each vertex' edges."""
        return np.bincount(self.sources, self.weights, len(self)).astype(np.float64)

    @cached_property
    def mean_weight(self) -> Floats:
        """float64[V]: the mean weight of each vertex' edges, 0 without edges."""
        return self.strength / np.maximum(self.neighbours.sizes, 1)

    @cached_property
    def volume(self) -> float:
        """The sum of all strengths: twice the weight of all edges."""
        return float(self.weights.sum())


class Objective(Protocol):
    """What a partition is good for."""

    def gain(
        self, network: Network, vertex: Ints, inside: Floats, links: Ints, size: Ints, volume: Floats
    ) -> Floats:
        """What each of n vertices gains by being in a community instead of alone: float64[n].

        Args:
            network: the graph.
            vertex: int[n], who asks.
            inside: float64[n], summed weight of their edges into the community.
            links: int[n], the number of these edges.
            size: int[n], members of the community, the vertex aside.
            volume: float64[n], summed strength of these members.
        """
        ...

    def total(self, network: Network, gain: Floats) -> float:
        """How good a partition is, from what each vertex gains where it is, float64[V]."""
        ...


@dataclass(frozen=True, kw_only=True)
class Published:
    """The log-likelihood of twitter/sbf (core/MHAlgorithm.java), less that of being alone.

    With equal weights a vertex wants into a community when it is joined to more than 1 / (1 + c) of
    its members, so c is a resolution: the larger, the looser and the fewer the communities.
    """

    resolution: float = 10.0
    """c, without a unit: 10 in production (UpdateKnownFor20M145K2020.scala), 5 in the library."""

    def gain(
        self, network: Network, vertex: Ints, inside: Floats, links: Ints, size: Ints, volume: Floats
    ) -> Floats:
        """c·W − w̄·(|C| − n): what one is joined to, less what one would be expected to be joined to."""
        return self.resolution * inside - network.mean_weight[vertex] * (size - links)

    def total(self, network: Network, gain: Floats) -> float:
        """Mean gain of a vertex."""
        return float(gain.mean())


@dataclass(frozen=True, kw_only=True)
class Modularity:
    """Newman and Girvan's modularity (2004) with a resolution γ (Reichardt and Bornholdt, 2006)."""

    resolution: float = 1.0
    """γ, without a unit: the larger, the more and the smaller the communities."""

    def gain(
        self, network: Network, vertex: Ints, inside: Floats, links: Ints, size: Ints, volume: Floats
    ) -> Floats:
        """Share of the vertex' strength that leads inside, less γ × the community's share of all strength.

        The gain is per unit of strength, so that one temperature suits strong and weak vertices.
        """
        expected = self.resolution * volume / max(network.volume, _TINY)
        return inside / np.maximum(network.strength[vertex], _TINY) - expected

    def total(self, network: Network, gain: Floats) -> float:
        """Modularity, but for the constant that vertices paired with themselves would add."""
        return float(gain @ network.strength) / max(network.volume, _TINY)

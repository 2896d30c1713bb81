"""Communities of a weighted graph by Metropolis–Hastings: propose, accept or stay, cool down.

Everybody starts alone. A vertex is offered the communities that its neighbours are in, or being alone
again, each with probability ∝ e^(gain ÷ T), and takes the offer with probability
min(1, e^((gain there − gain here) ÷ 2T)): a better place always, a worse one now and then. The
temperature T says how often: at T = 0 nothing ever gets worse and the first plateau is the last, at
T = ∞ the graph does not matter. T is measured in units of the gain.

The rule is that of Twitter's sparse binary factorisation (twitter/sbf, core/MHAlgorithm.java), also
in what it leaves out: without a correction for how proposals are drawn this is a search for a good
partition and no exact sampler. What a vertex gains where is for the objective to say
(`mimic.retrieval.objectives`). SBF starts from as many seeds with their neighbours as there shall be
communities; from everybody alone their number comes out of the search.

SBF moves vertices from sixteen threads at once without locks, so that some decide on news that is a
moment old, and no run is like another. Here a random sixteenth of the vertices decides at a time, as
arrays, on the same news: as quick in its way, and repeatable.

Edge weights that are multiples of 2⁻²⁴ (`mimic.retrieval.producer_graph` makes such) add up without
rounding, so a partition does not depend on the processor.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mimic.columns import NONE
from mimic.retrieval.objectives import Network, Objective

__all__ = ["Record", "Schedule", "anneal"]

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long to search, and how hot."""

    start: float
    """Temperature of the first sweep, in units of the objective's gain."""
    end: float
    """Temperature of the last sweep; between the two it falls by equal steps."""
    sweeps: int = 16
    """Every vertex decides once a sweep (SBF's epoch: at most 500 by default, 3 from a warm start)."""
    parts: int = 16
    """Parts of a sweep; the vertices of one decide on the same news. SBF: 16 threads."""
    stop_below: float = 0.01
    """Ends the search when fewer than this share of the vertices moved in a sweep (SBF: 1 %)."""


@dataclass(frozen=True, eq=False)
class Record:
    """What happened in each sweep, for a plot: arrays of one length."""

    temperature: Floats
    objective: Floats
    """The objective's total after the sweep."""
    acceptance: Floats
    """Share of the vertices that moved."""
    communities: NDArray[np.int64]
    """Communities of two or more after the sweep."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class _State:
    """Who is where, and how large each community is. Labels run from 0 to 2·V − 1; 2·V is nowhere."""

    def __init__(self, network: Network, labels: NDArray[np.int64]) -> None:
        self.nowhere = 2 * len(network)
        labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        self.labels: NDArray[np.int64] = labels
        self.size = np.bincount(labels, minlength=self.nowhere + 1)
        self.volume: Floats = np.bincount(labels, network.strength, self.nowhere + 1).astype(np.float64)
        self._fresh = int(labels.max(initial=-1)) + 1

    def move(self, network: Network, vertices: Ints, labels: NDArray[np.int64]) -> None:
        """Bring some vertices elsewhere; who goes nowhere gets a label of their own."""
        alone = labels == self.nowhere
        labels = labels.copy()
        labels[alone] = self._fresh + np.arange(alone.sum())
        self._fresh += int(alone.sum())
        for where, sign in ((self.labels[vertices], -1), (labels, 1)):
            np.add.at(self.size, where, sign)
            np.add.at(self.volume, where, sign * network.strength[vertices])
        self.labels[vertices] = labels


def anneal(
    network: Network, objective: Objective, schedule: Schedule, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Record]:
    """Find communities.

    Returns the community of each vertex, int64[V], numbered from 0 by falling size, −1 for who ends
    alone; and what happened on the way.
    """
    labels = np.arange(len(network))
    happened: list[tuple[float, float, float, int]] = []
    for temperature in np.linspace(schedule.start, schedule.end, schedule.sweeps).tolist():
        state = _State(network, labels)  # labels anew: those that were left stand empty
        order = rng.permutation(len(network))
        parts = [part for part in np.array_split(order, schedule.parts) if len(part)]
        moved = sum(_decide(network, objective, state, part, temperature, rng) for part in parts)
        labels = state.labels
        total = objective.total(network, _gains(network, objective, state)) if len(network) else 0.0
        accepted = moved / max(len(network), 1)
        happened.append((temperature, total, accepted, int((state.size > 1).sum())))
        if accepted < schedule.stop_below:
            break
    temperatures, totals, acceptances, counts = np.array(happened, np.float64).reshape(-1, 4).T
    return _numbered(labels), Record(temperatures, totals, acceptances, counts.astype(np.int64))


def _decide(
    network: Network,
    objective: Objective,
    state: _State,
    part: NDArray[np.int64],
    temperature: float,
    rng: np.random.Generator,
) -> int:
    """Let the vertices of one part move, all on the same news; returns how many did."""
    place, where, inside, links = _offers(network, state, part)
    vertex = part[place]
    own = where == state.labels[vertex]
    size = state.size[where] - own
    volume = state.volume[where] - np.where(own, network.strength[vertex], 0.0)
    gain = objective.gain(network, vertex, inside, links, size, volume)
    here, company = gain[own], size[own]  # one entry a vertex of the part, in its order
    # The largest of gain ÷ T + Gumbel noise is a draw with probabilities ∝ e^(gain ÷ T).
    draw = gain / temperature + rng.gumbel(size=len(gain))
    draw[own | ((where == state.nowhere) & (company[place] == 0))] = -np.inf
    best = np.lexsort((-draw, place))[np.searchsorted(place, np.arange(len(part)))]
    log_uniform = -rng.standard_exponential(len(part))
    accepts = log_uniform < 0.5 * (gain[best] - here) / temperature
    accepts &= draw[best] > -np.inf
    state.move(network, part[accepts], where[best[accepts]])
    return int(accepts.sum())


def _offers(
    network: Network, state: _State, part: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Where each vertex of a part could be: its neighbours' communities, its own, and nowhere.

    Returns, in order of the vertex, the place in `part`, the community's label, the weight of the
    edges that lead there and their number.
    """
    place, edge = network.neighbours.positions(part)
    everyone = np.arange(len(part))
    nothing = np.zeros(2 * len(part))
    places = np.concatenate((place, everyone, everyone))
    where = np.concatenate(
        (
            state.labels[network.neighbours.values[edge]],
            state.labels[part],
            np.full(len(part), state.nowhere),
        )
    )
    weights = np.concatenate((network.weights[edge], nothing))
    is_edge = np.concatenate((np.ones(len(edge)), nothing))
    order = np.argsort(places * (state.nowhere + 1) + where, kind="stable")
    places, where = places[order], where[order]
    first = np.flatnonzero(np.append(True, (np.diff(places) != 0) | (np.diff(where) != 0)))
    inside = np.add.reduceat(weights[order], first)
    links = np.add.reduceat(is_edge[order], first).astype(np.int64)
    return places[first], where[first], inside, links


def _gains(network: Network, objective: Objective, state: _State) -> Floats:
    """What each vertex gains where it is."""
    labels, ends = state.labels, network.neighbours.values
    inner = labels[network.sources] == labels[ends]
    source = network.sources[inner]
    inside = np.bincount(source, network.weights[inner], len(network)).astype(np.float64)
    links = np.bincount(source, minlength=len(network))
    everyone = np.arange(len(network))
    return objective.gain(
        network, everyone, inside, links, state.size[labels] - 1, state.volume[labels] - network.strength
    )


def _numbered(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Communities from 0 by falling size, equal ones by their first vertex; −1 for who is alone."""
    _, first, label, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    number = np.empty(len(sizes), np.int64)
    number[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    number[sizes == 1] = NONE
    return number[label]

"""Chapter 6, first part: communities told by what people talk about, one decision, the truth by size.

What the truth says comes in from outside, as the planted community of each producer: `mimic` cannot
look it up. Three exercises are at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.columns import NONE
from mimic.course.benched import tables_of, values_of
from mimic.course.exercise import Exercise, Misconception, WrongKind, close_to, number, number_from
from mimic.data_loader import DataLoader
from mimic.retrieval.communities import Communities
from mimic.retrieval.objectives import Network, Objective

__all__ = ["INSIDE_SHARE", "POTTS", "Asked", "Benched", "benched", "densities", "kept_and_own", "named"]
__all__ += ["nearest", "offers", "talk", "topic_counts", "worst_merge"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


# ---------------------------------------------------------------- what they talk about


def topic_counts(data: DataLoader, users: NDArray[Any]) -> Ints:
    """Tweets of some users (rows) by topic, int64[n, topics], as the platform files them."""
    size = len(data.topics)
    flat = data.tweets["author"].astype(np.int64) * size + data.tweets["topic"]
    counts: Ints = np.bincount(flat, minlength=len(data.users) * size).reshape(-1, size)[users]
    return counts


def talk(data: DataLoader, counts: Ints, most: int = 3) -> list[str]:
    """Each group's topics, those first of which it has most more than everybody together has.

    Args:
        data: knows the topics' names.
        counts: int64[groups, topics], tweets.
        most: topics named.
    """
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    usual = np.maximum(counts.sum(axis=0) / max(counts.sum(), 1), 1e-12)
    more = share * np.log(np.maximum(share, 1e-12) / usual)
    texts = data.topics.texts("name", np.arange(len(data.topics))).to_pylist()
    best = np.argsort(-more, axis=1, kind="stable")[:, :most]
    said = [[texts[t] for t in row if count[t] > 0] for row, count in zip(best, counts, strict=True)]
    return [", ".join(names) or "nothing yet" for names in said]


def named(data: DataLoader, communities: Communities, most: int = 3) -> list[str]:
    """What the members of each community talk about, most of all compared with the others."""
    counts = np.zeros((len(communities), len(data.topics)), np.int64)
    member = communities.community != NONE
    np.add.at(counts, communities.community[member], topic_counts(data, communities.producers[member]))
    return talk(data, counts, most)


def nearest(graph: Network) -> Ints:
    """The nearest neighbour of each vertex, int64[V]; −1 for who has none. Of equals the first."""
    found = np.full(len(graph), NONE, np.int64)
    order = np.lexsort((-graph.weights, graph.sources))
    some, first = np.unique(graph.sources[order], return_index=True)
    found[some] = graph.neighbours.values[order[first]]
    return found


# ---------------------------------------------------------------- one decision


def offers(
    graph: Network, community: Ints, vertex: int, objective: Objective, temperature: float
) -> pd.DataFrame:
    """What a vertex is offered, and what becomes of it: a row a community, the best one first.

    Columns: edges (to its members), inside (their weight), members (without the vertex), volume (their
    summed strength), gain (over being alone), proposed (the chance of the offer) and accepted (the chance
    that it is taken). The vertex' own community is not offered: both chances are NaN there.

    Args:
        graph: of all vertices.
        community: int64[V], of each; −1 for who is alone.
        vertex: who decides.
        objective: says what is gained where.
        temperature: in units of the gain.
    """
    run = slice(graph.neighbours.starts[vertex], graph.neighbours.starts[vertex + 1])
    near, weights = community[graph.neighbours.values[run]], graph.weights[run]
    label = np.unique(np.append(near[near != NONE], community[vertex]))
    label = label[label != NONE]
    there = label[:, None] == near
    own = label == community[vertex]
    strength = np.array([graph.strength[community == one].sum() for one in label])
    rows = pd.DataFrame(
        {
            "edges": there.sum(axis=1),
            "inside": there @ weights,
            "members": np.bincount(community[community != NONE])[label] - own,
            "volume": strength - own * graph.strength[vertex],
        },
        index=label,
    )
    numbers = (rows[name].to_numpy() for name in ("inside", "edges", "members", "volume"))
    rows["gain"] = objective.gain(graph, np.full(len(label), vertex), *numbers)
    gain = np.append(rows["gain"], 0.0)  # the last one is being alone
    here = float(gain[:-1][own].sum())
    chance = np.where(np.append(own, False), 0.0, np.exp((gain - gain.max()) / temperature))
    rows["proposed"] = np.where(own, np.nan, (chance / max(chance.sum(), 1e-300))[:-1])
    taken = np.minimum(1.0, np.exp(np.minimum(gain[:-1] - here, 0.0) / (2 * temperature)))
    rows["accepted"] = np.where(own, np.nan, taken)
    return rows.sort_values("gain", ascending=False, kind="stable")


# ---------------------------------------------------------------- against the truth


def kept_and_own(planted: NDArray[Any], found: Ints) -> pd.DataFrame:
    """What a partition makes of each planted community: one row each, index its number.

    Columns: size; home, the found community that holds most of it; kept, the share of it that is there;
    own, the share of that found community that it makes up.
    """
    table = pd.crosstab(np.asarray(planted), np.asarray(found))
    home, most = table.idxmax(axis=1), table.max(axis=1)
    size, whole = table.sum(axis=1), table.sum(axis=0).loc[home].to_numpy()
    return pd.DataFrame({"size": size, "home": home, "kept": most / size, "own": most / whole}).rename_axis(
        None
    )


def densities(graph: Network, planted: NDArray[Any]) -> pd.DataFrame:
    """How tightly planted communities are knit: one row each, index its number.

    Columns: size; inside, the share of pairs of members that are joined; beside, the largest such share
    between its members and those of any other.
    """
    label, of = np.unique(planted, return_inverse=True)
    size = np.bincount(of)
    edges = np.zeros((len(label), len(label)))
    np.add.at(edges, (of[graph.sources], of[graph.neighbours.values]), 1.0)
    pairs = np.outer(size, size) - np.diag(size)
    dense = edges / np.maximum(pairs, 1)
    across = np.where(np.eye(len(label), dtype=bool), 0.0, dense)
    return pd.DataFrame(
        {"size": size, "inside": np.diag(dense), "beside": across.max(axis=1, initial=0.0)}, index=label
    )


def worst_merge(planted: NDArray[Any], found: Ints) -> tuple[int, int, int] | None:
    """The planted community that most members lose to another's home, the other one, and the home.

    A community is lost where another one makes up more of the found community that holds most of it. None
    where nothing is lost.
    """
    table = pd.crosstab(np.asarray(planted), np.asarray(found))
    home, owner = table.idxmax(axis=1), table.idxmax(axis=0)
    lost = [(int(table.loc[p, home[p]]), int(p)) for p in table.index if owner[home[p]] != p]
    if not lost:
        return None
    _, guest = max(lost)
    return guest, int(owner[home[guest]]), int(home[guest])


@dataclass(frozen=True, kw_only=True)
class Benched:
    """Rows that a benchmark has written, or why there are none."""

    rows: pd.DataFrame
    """Empty where there are none."""
    said: str
    """A line for the reader."""


def benched(data: DataLoader, folder: Path, name: str, title: str) -> Benched:
    """A table of `benchmarks/results`, refused when it was made from another data set.

    Args:
        data: the data set that it must have been made from.
        folder: where results are.
        name: of the benchmark, such as "communities".
        title: the table's, or how it begins.
    """
    m = data.manifest
    path = folder / f"{name}-{m.preset}-{m.seed}.json"
    if not path.is_file():
        return Benched(rows=pd.DataFrame(), said=f"no {path.name}: the benchmark has not run on this world")
    tables = tables_of(path, data)
    if tables is None:
        return Benched(
            rows=pd.DataFrame(), said=f"{path.name} was made from another data set: it is not shown"
        )
    table = next((table for key, table in tables.items() if key.startswith(title)), None)
    if table is None:
        return Benched(rows=pd.DataFrame(), said=f"{path.name} has no table {title!r}")
    return Benched(rows=values_of(table), said=f"from {path.name}, made from this data set")


# ---------------------------------------------------------------- warm-up: how much lies inside?


def _inner(found: Communities) -> NDArray[np.bool_]:
    community, graph = found.community, found.graph
    here, there = community[graph.sources], community[graph.neighbours.values]
    inner: NDArray[np.bool_] = (here == there) & (here != NONE)
    return inner


def _share(found: Communities) -> float:
    weights = found.graph.weights
    return float(weights[_inner(found)].sum() / max(weights.sum(), 1e-300))


def _mean_of_shares(found: Communities) -> float:
    graph, inner = found.graph, _inner(found)
    inside = np.bincount(graph.sources[inner], graph.weights[inner], len(graph))
    return float((inside / np.maximum(graph.strength, 1e-300)).mean())


def _of_pairs(found: Communities) -> float:
    size = np.bincount(found.community[found.community != NONE]).astype(float)
    return float(_inner(found).sum() / max((size * (size - 1)).sum(), 1.0))


_RTOL: Final = 2e-3

INSIDE_SHARE: Final[Exercise[Communities]] = Exercise(
    solve=_share,
    read=number,
    agrees=close_to(_RTOL),
    misconceptions=(
        number_from(
            lambda found: float(_inner(found).mean()),
            "This is the share of the edges. The question is about their weight: a heavy edge counts more.",
            _RTOL,
        ),
        number_from(
            lambda found: 1 - _share(found), "This is what leads out. The question is what stays.", _RTOL
        ),
        number_from(
            _mean_of_shares,
            "This is the mean of the producers' own shares, in which each counts alike. Sum all weights "
            "inside first, then divide once.",
            _RTOL,
        ),
        number_from(
            _of_pairs,
            "This is how many pairs inside a community are joined: production's precision. Divide by the "
            "weight of all edges instead.",
            _RTOL,
        ),
        number_from(
            lambda found: _share(found) / 2,
            "Half of it: each edge stands in the arrays twice, in the sum of all weights too.",
            _RTOL,
        ),
        number_from(
            lambda found: 100 * _share(found), "This is a percentage. Divide by 100 for a share.", _RTOL
        ),
    ),
    praise="Production calls this recall, and watches it from week to week.",
    hint="Not this one. Sum `graph.weights` where both ends have one community; divide by the sum of all.",
)
"""The share of the producer graph's edge weight that lies within communities."""


# ---------------------------------------------------------------- build: an objective of one's own


class Asked(Protocol):
    """What the exercise asks of an objective."""

    def gain(
        self,
        network: Network,
        vertex: NDArray[Any],
        inside: Floats,
        links: NDArray[Any],
        size: NDArray[Any],
        volume: Floats,
    ) -> Floats:
        """What each vertex gains in a community."""
        ...


_GAMMA: Final = 0.01
_ARGUMENTS: Final = ("inside", "links", "size", "volume")


def _situation(found: Communities) -> dict[str, Any]:
    """Where each producer is, as an objective is told."""
    graph, inner = found.graph, _inner(found)
    source, community = graph.sources[inner], found.community
    size = np.append(np.bincount(community[community != NONE]), 1)[community]
    volume = np.append(np.bincount(community[community != NONE], graph.strength[community != NONE]), 0.0)
    return {
        "network": graph,
        "vertex": np.arange(len(graph)),
        "inside": np.bincount(source, graph.weights[inner], len(graph)).astype(np.float64),
        "links": np.bincount(source, minlength=len(graph)),
        "size": size - 1,
        "volume": np.maximum(volume[community] - graph.strength, 0.0),
    }


def _gains(answer: object, found: Communities) -> Floats:
    gain = getattr(answer, "gain", None)
    if not callable(gain):
        raise WrongKind("An objective was expected: an object with a method `gain`.")
    if getattr(answer, "resolution", None) != _GAMMA:
        raise WrongKind(f"Hand in the objective with resolution={_GAMMA}, kept in a field of that name.")
    situation = _situation(found)
    values = np.asarray(gain(*situation.values()), np.float64)
    if values.shape != (len(found.graph),):
        raise WrongKind(f"A gain a vertex was expected, shape ({len(found.graph)},), got {values.shape}.")
    return values


def _potts(found: Communities, edges: str = "inside", members: str = "size", more: int = 0) -> Floats:
    at = _situation(found)
    return np.asarray(at[edges] - _GAMMA * (at[members] + more), np.float64)


def _same(one: Floats, other: Floats) -> bool:
    return bool(np.allclose(one, other))


POTTS: Final[Exercise[Communities]] = Exercise(
    solve=_potts,
    read=_gains,
    agrees=_same,
    misconceptions=(
        Misconception(
            lambda given, found: _same(given, _potts(found, more=1)),
            "The vertex itself is counted as a member. `size` leaves it out already.",
        ),
        Misconception(
            lambda given, found: _same(given, _potts(found, edges="links")),
            "This counts edges. `links` is their number, `inside` their weight.",
        ),
        Misconception(
            lambda given, found: _same(given, _potts(found, members="volume")),
            "This charges for the members' strength, as modularity does. Here each member costs the same.",
        ),
        Misconception(
            lambda given, found: _same(given, _situation(found)["inside"]),
            "Nothing is charged for members: one community of everybody would be best.",
        ),
        Misconception(
            lambda given, found: _same(given, -_potts(found)), "The sign is the wrong way round: edges gain."
        ),
    ),
    praise="A community is worth joining when its members are joined to you by more than γ on average.",
    hint="Not this one. The weight of the edges that lead inside, less γ for each other member.",
)
"""An objective with gain = weight inside − γ × other members: the constant Potts model, at γ = 0.01."""

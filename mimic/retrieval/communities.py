"""Communities of producers: which group of accounts each one is known for, and how sure that is.

The similarity graph of producers (`mimic.retrieval.producer_graph`) is split by Metropolis–Hastings
(`mimic.retrieval.metropolis`), by either of two objectives. Both have a resolution, and no objective says
how fine is right. So a tenth of the follow edges is put aside, communities are found without them, and the
resolution wins under which these edges are least surprising. Nothing but follows and interface languages
is looked at.

What comes out is SimClusters' KnownFor (src/scala/com/twitter/simclusters_v2): at most one community a
producer, with a score. Production starts each week from last week's communities, so that their numbers
mean the same; here every fit starts cold and numbers them by size.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from tqdm import tqdm

from mimic import csr
from mimic.artifacts import Artifact, artifact_key, ensure_artifact
from mimic.columns import NONE
from mimic.csr import CSR
from mimic.data_loader import DataLoader
from mimic.retrieval import metropolis, objectives, producer_graph
from mimic.retrieval.metropolis import Record, Schedule, anneal
from mimic.retrieval.objectives import Modularity, Network, Objective, Published
from mimic.retrieval.producer_graph import Follows, Matrix, most_followed

__all__ = ["Communities", "CommunityConfig", "held_out_likelihood", "known_for"]

Kind: TypeAlias = Literal["modularity", "published"]

_OBJECTIVES: Final[dict[Kind, type[Modularity | Published]]] = {
    "modularity": Modularity,
    "published": Published,
}
_RESOLUTIONS: Final[dict[Kind, tuple[float, ...]]] = {
    "modularity": (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0),
    "published": (5.0, 7.0, 10.0, 14.0, 20.0, 28.0, 40.0),
}
"""Candidates: γ of the one, c of the other."""
_SCHEDULES: Final[dict[Kind, Schedule]] = {
    "modularity": Schedule(start=0.01, end=0.0005),
    "published": Schedule(start=1.0, end=1.0),
}
"""Modularity starts lukewarm: a hot start merges communities, and single vertices seldom part them again.
The published search knows no temperature, which is T = 1."""

_BLENDS: Final = np.arange(1, 20) / 20
"""Candidates for the share of follows that communities explain."""


@dataclass(frozen=True, kw_only=True)
class CommunityConfig:
    """What decides a fit, besides the data."""

    min_followers: int = 25
    """Followers that make a producer (production: 400 active ones, and the 20 million with most)."""
    neighbours: int = 30
    """Nearest producers that each keeps (production: 400, at 138 producers a community; here 40)."""
    objective: Kind = "modularity"
    resolutions: tuple[float, ...] = ()
    """Candidates to choose from; () for the objective's usual ones."""
    held_out: float = 0.1
    """Share of the follow edges that are put aside to choose the resolution."""
    rounds: int = 3
    """Times that this is done, each with other edges; the likelihoods are averaged."""
    seed: int = 0

    @property
    def candidates(self) -> tuple[float, ...]:
        """The resolutions to choose from."""
        return self.resolutions or _RESOLUTIONS[self.objective]

    def objective_at(self, resolution: float) -> Objective:
        """The objective with one of the candidates."""
        return _OBJECTIVES[self.objective](resolution=resolution)

    @property
    def schedule(self) -> Schedule:
        """How the objective is searched."""
        return _SCHEDULES[self.objective]

    def rng(self, *part: int) -> np.random.Generator:
        """The generator of one part of the fit."""
        return np.random.default_rng((self.seed, *part))


@dataclass(frozen=True, kw_only=True, eq=False)
class Communities:
    """Communities of producers as of one snapshot. Build with `Communities.of(data)`."""

    key: str
    """Of the artefact: a part of the key of whatever is built from it."""
    producers: NDArray[np.int64]
    """int64[P]: users (rows), ascending."""
    community: NDArray[np.int64]
    """int64[P]: from 0 by falling size, −1 for none."""
    score: NDArray[np.float64]
    """float64[P]: KnownFor, 0 to 1; see `known_for`."""
    graph: Network
    """Of the P producers."""
    record: Record
    """What happened in each sweep of the fit."""
    choice: NDArray[np.float64]
    """float64[R, 3]: each candidate resolution, its held-out likelihood, its communities. One row without
    likelihood when there was nothing to choose."""
    resolution: float

    @classmethod
    def of(cls, data: DataLoader, config: CommunityConfig | None = None) -> Communities:
        """Those of a snapshot, fitted where they are not in the cache yet (some seconds at course)."""
        config = config or CommunityConfig()
        key = artifact_key(
            data.manifest.checksum,
            data.now,
            config,
            modules=[sys.modules[__name__], metropolis, objectives, producer_graph, csr],
            libraries=["numpy", "scipy"],
        )
        cache, why = data.path / "cache", "communities of producers"
        return cls._from(ensure_artifact(cache, "communities", key, lambda: _fit(data, config), why=why))

    @classmethod
    def _from(cls, artifact: Artifact) -> Communities:
        return cls(
            key=artifact.key,
            producers=artifact["producers"],
            community=artifact["community"],
            score=artifact["score"],
            graph=Network(
                neighbours=CSR(artifact["graph.starts"], artifact["graph.neighbours"]),
                weights=artifact["graph.weights"],
            ),
            record=Record(*(artifact[f"record.{name}"] for name in Record.__dataclass_fields__)),
            choice=artifact["choice"],
            resolution=float(artifact["resolution"][0]),
        )

    def __len__(self) -> int:
        return int(self.community.max(initial=NONE)) + 1

    def regrouped(self, community: NDArray[np.int64]) -> Communities:
        """The same producers in other communities, int64[P], −1 for none: those of a library, say."""
        return replace(self, community=community, score=known_for(self.graph, community))

    def matrix(self) -> Matrix:
        """KnownFor, [P, K]: at most one entry a row."""
        member = np.flatnonzero(self.community != NONE)
        entries = (self.score[member], (member, self.community[member]))
        return sparse.csr_array(entries, shape=(len(self.producers), len(self)))


def known_for(graph: Network, community: NDArray[np.int64]) -> NDArray[np.float64]:
    """How much each producer is known for its community, 0 to 1, float64[P]; 0 for who has none.

    The weighted Jaccard index of its neighbours and of the community's other members: W / (W + weight of
    edges that lead out + mean weight of all edges × members that it is not joined to)
    (twitter/sbf, graph/Graph.java).
    """
    source, target = graph.sources, graph.neighbours.values
    inner = (community[source] == community[target]) & (community[source] != NONE)
    inside = np.bincount(source[inner], graph.weights[inner], len(graph))
    links = np.bincount(source[inner], minlength=len(graph))
    members = np.bincount(community[community != NONE], minlength=1)[community] - 1
    mean = graph.volume / max(len(graph.weights), 1)
    union = graph.strength + mean * np.maximum(members - links, 0)
    score: NDArray[np.float64] = np.zeros(len(graph))
    np.divide(inside, union, out=score, where=(union > 0) & (community != NONE))
    return score


def held_out_likelihood(
    seen: Follows, held: Follows, community: NDArray[np.int64], language: NDArray[np.integer[Any]]
) -> float:
    """Mean log-probability of held-out follows, natural log, by a model that knows communities.

    A follow is of one of two kinds. *Local*: the user draws one of their communities by how many of its
    producers they follow already, then a producer in it by followers. *Global*: the same with languages.
    The share of local follows is fitted. Were language not in the model, coarse communities would win for
    knowing languages; were the share not fitted, fine ones would lose for not knowing them.

    Args:
        seen: the follows that are known.
        held: those to explain.
        community: int64[P], −1 for none.
        language: int[P], of the producers.
    """
    followers = (1 + np.bincount(seen.producer, minlength=len(seen.producers))).astype(np.float64)
    local = _two_steps(seen, held, community, followers, prior=0.0)
    everywhere = _two_steps(seen, held, language.astype(np.int64), followers, prior=1.0)
    if not len(held.producer):
        return 0.0
    return max(float(np.log(share * local + (1 - share) * everywhere).mean()) for share in _BLENDS)


def _two_steps(
    seen: Follows, held: Follows, group: NDArray[np.int64], followers: NDArray[np.float64], prior: float
) -> NDArray[np.float64]:
    """Probability of each held-out follow when a user draws a group, then a producer of it: float64[E].

    `prior` follows, spread as all follows are, are added to each user's own.
    """
    groups = int(group.max(initial=0)) + 1
    member = np.flatnonzero(group != NONE)
    size = np.bincount(group[member], followers[member], groups)
    grouped = group[seen.producer] != NONE
    ends = (seen.follower[grouped], group[seen.producer[grouped]])
    counts = sparse.csr_array((np.ones(int(grouped.sum())), ends), shape=(seen.users, groups))
    total = np.bincount(seen.follower, minlength=seen.users)[held.follower]
    where = group[held.producer]
    own = np.asarray(counts[held.follower, np.maximum(where, 0)])
    chance = (own + prior * size[where] / followers.sum()) / np.maximum(total + prior, 1.0)
    return np.where(where == NONE, 0.0, chance * followers[held.producer] / np.maximum(size[where], 1.0))


def _fit(data: DataLoader, config: CommunityConfig) -> dict[str, NDArray[Any]]:
    follows = Follows.of(data, most_followed(data, config.min_followers))
    choice = _choice(follows, data.users["lang"][follows.producers], config)
    resolution = float(choice[np.argmax(choice[:, 1]), 0])
    graph = producer_graph.producer_graph(follows, config.neighbours)
    community, record = anneal(graph, config.objective_at(resolution), config.schedule, config.rng(0))
    return {
        "producers": follows.producers,
        "community": community,
        "score": known_for(graph, community),
        "graph.starts": graph.neighbours.starts,
        "graph.neighbours": graph.neighbours.values,
        "graph.weights": graph.weights,
        **{f"record.{name}": values for name, values in record.arrays().items()},
        "choice": choice,
        "resolution": np.array([resolution]),
    }


def _choice(
    follows: Follows, language: NDArray[np.integer[Any]], config: CommunityConfig
) -> NDArray[np.float64]:
    """Each candidate resolution, the likelihood of held-out follows, and how many communities it makes."""
    candidates = np.array(config.candidates)
    if len(candidates) == 1:
        return np.array([[candidates[0], np.nan, np.nan]])
    rounds = tqdm(range(config.rounds), desc="choosing a resolution", disable=None, leave=False)
    found = np.mean([_round(follows, language, config, number) for number in rounds], axis=0)
    return np.column_stack((candidates, found))


def _round(
    follows: Follows, language: NDArray[np.integer[Any]], config: CommunityConfig, number: int
) -> NDArray[np.float64]:
    """Put edges aside and try every candidate without them: likelihood and communities, [R, 2]."""
    aside = config.rng(1, number).random(len(follows.follower)) < config.held_out
    seen, held = follows.only(~aside), follows.only(aside)
    graph = producer_graph.producer_graph(seen, config.neighbours)
    table = []
    for place, resolution in enumerate(config.candidates):
        objective, rng = config.objective_at(resolution), config.rng(2, number, place)
        labels, _ = anneal(graph, objective, config.schedule, rng)
        table.append((held_out_likelihood(seen, held, labels, language), labels.max(initial=NONE) + 1))
    return np.array(table, np.float64)

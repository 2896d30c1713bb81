"""TwHIN: one vector for everybody and everything, so that whoever acts lands near what they act on.

The paper (El-Kishky et al., «TwHIN: Embedding the Twitter Heterogeneous Information Network for
Personalized Recommendation», KDD 2022) reads the platform as a graph with several kinds of edges. Each
node gets a vector, each kind of edge r a *translation* θ_r, and an edge from s to t should have a large

    score(s, r, t) = (e_s + θ_r) · e_t

Training sets every edge against targets that its source has no edge to. Half are lent by other edges of
the batch, so that a node comes as often as it has edges; half are drawn uniformly. Both are needed:
against uniform ones alone a model wins by knowing who is popular, and from the batch alone it never
meets a node that hardly anybody has an edge to.

The code that Twitter published (the-algorithm-ml, projects/twhin) departs from its paper in four places,
all of them faults: negatives are labelled 1, so that every score is pushed up; translations are read
through `.data`, so they get no gradient; negatives are scored without the translation; uniform negatives
can be configured and are never drawn. None of them is here. Two differences are ours: a softmax over the
negatives in place of a logistic loss for each, and a correction for how often each of them is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mimic.models.negatives import KnownPairs, log_frequency
from mimic.models.training import RowwiseAdagrad, fit, seeded, shuffled_batches

__all__ = ["Edges", "EmbeddingConfig", "EmbeddingModel", "train_embeddings"]

Ints = NDArray[np.integer[Any]]

_START: Final = 0.1
"""Standard deviation of an entry of a fresh vector: small, so that first scores are near 0."""
_NEVER: Final = -1e9
"""Score of a pair that is no negative: nothing, after the exponential."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Edges:
    """All edges of one kind, from nodes of one table to nodes of one table."""

    tables: tuple[str, str]
    """Which vectors sources and targets have, such as ("users", "tweets")."""
    source: Ints
    """int[n]: rows of the source's table."""
    target: Ints
    """int[n]: rows of the target's table."""


@dataclass(frozen=True, kw_only=True)
class EmbeddingConfig:
    """How to train an `EmbeddingModel`. Values chosen on later edges of the course world."""

    dims: int = 64
    """Length of a vector. The features that Twitter's ranker gets have 200
    (the-algorithm, home-mixer/.../feature_hydrator/adapters/twhin_embeddings)."""
    epochs: int = 3
    """How often each edge is used."""
    batch: int = 1024
    """Edges in a batch, all of one kind."""
    negatives: int = 256
    """Uniform targets a batch, and as many that other edges of the batch lend. The published configuration
    has 10 and 0."""
    log_q: float = 0.5
    """How much of the popularity of negatives is taken out. A negative that is drawn with probability q has
    log_q · ln q subtracted from its score in training, and so has the true target. With 1 the scores come
    to ln p(t | s, r), in which the popular are favoured; with 0 to ln p(t | s, r) − ln q, how much more
    likely than usual; between the two a model does well against both kinds of negatives."""
    learning_rate: float = 0.3
    """Highest rate of the row-wise Adagrad."""
    seed: int = 0


class EmbeddingModel(nn.Module):
    """Vectors of nodes, table by table, and a translation for each kind of edge."""

    def __init__(
        self, tables: Mapping[str, int], relations: Mapping[str, tuple[str, str]], dims: int
    ) -> None:
        """Fresh vectors; call it inside `seeded`.

        Args:
            tables: how many nodes each table has.
            relations: for each kind of edge the tables of its sources and targets.
            dims: length of a vector.
        """
        super().__init__()
        self.relations = dict(relations)
        fresh = {name: nn.Embedding(size, dims, sparse=True) for name, size in tables.items()}
        for table in fresh.values():
            nn.init.normal_(table.weight, std=_START)
        self.vectors = nn.ModuleDict(fresh)
        self.translations = nn.ParameterDict({name: nn.Parameter(torch.zeros(dims)) for name in relations})

    def moved(self, relation: str, source: torch.Tensor) -> torch.Tensor:
        """e_s + θ_r of sources (rows), float32[n, dims]: where their targets should lie."""
        moved: torch.Tensor = self.vectors[self.relations[relation][0]](source) + self.translations[relation]
        return moved

    def targets(self, relation: str, target: torch.Tensor) -> torch.Tensor:
        """e_t of targets (rows), float32[n, dims]."""
        vectors: torch.Tensor = self.vectors[self.relations[relation][1]](target)
        return vectors

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Vectors by table and a translation by relation, each under its name."""
        return {name.split(".")[1]: values.detach().numpy() for name, values in self.named_parameters()}


class _Graph:
    """All edges in one numbering, with what their negatives need."""

    def __init__(self, tables: Mapping[str, int], edges: Mapping[str, Edges]) -> None:
        self.names = list(edges)
        kinds = list(edges.values())
        self.kind = np.repeat(np.arange(len(kinds)), [len(one.source) for one in kinds])
        self.source = np.concatenate([one.source for one in kinds]).astype(np.int64)
        self.target = np.concatenate([one.target for one in kinds]).astype(np.int64)
        self.sizes = [tables[one.tables[1]] for one in kinds]
        self.known = [
            KnownPairs(one.source, one.target, (tables[one.tables[0]], tables[one.tables[1]]))
            for one in kinds
        ]
        self.log_q = [
            log_frequency(one.target, size, lent=0.5) for one, size in zip(kinds, self.sizes, strict=True)
        ]


def train_embeddings(
    tables: Mapping[str, int], edges: Mapping[str, Edges], config: EmbeddingConfig
) -> tuple[EmbeddingModel, NDArray[np.float32]]:
    """Train on all edges; returns the model and the loss of each step, float32[steps].

    Args:
        tables: how many nodes each table has, such as {"users": 10_000, "tweets": 224_100}.
        edges: by name of the relation, such as "follow". A node without edges keeps its fresh vector.
        config: how.
    """
    graph, rng = _Graph(tables, edges), np.random.default_rng(config.seed)
    with seeded(config.seed):
        model = EmbeddingModel(tables, {name: one.tables for name, one in edges.items()}, config.dims)
    batches = shuffled_batches(graph.kind, config.batch, config.epochs, rng)

    def loss_of(batch: NDArray[np.int64]) -> torch.Tensor:
        return _loss(model, graph, batch, config, rng)

    optimiser = RowwiseAdagrad(model.parameters(), config.learning_rate)
    return model, fit(optimiser, batches, loss_of, what="embeddings")


def _loss(
    model: EmbeddingModel,
    graph: _Graph,
    batch: NDArray[np.int64],
    config: EmbeddingConfig,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Softmax of each edge's target against the negatives that all edges of the batch share."""
    kind = int(graph.kind[batch[0]])
    relation, source, target = graph.names[kind], graph.source[batch], graph.target[batch]
    lent = target[rng.integers(0, len(target), config.negatives)]
    negatives = np.concatenate((lent, rng.integers(0, graph.sizes[kind], config.negatives)))
    less = torch.from_numpy(config.log_q * graph.log_q[kind])

    moved = model.moved(relation, torch.from_numpy(source))  # [batch, dims]
    true = (moved * model.targets(relation, torch.from_numpy(target))).sum(dim=1) - less[target]
    others = moved @ model.targets(relation, torch.from_numpy(negatives)).T - less[negatives]
    others = others.masked_fill(torch.from_numpy(graph.known[kind].among(source, negatives)), _NEVER)
    return (torch.logsumexp(torch.cat((true[:, None], others), dim=1), dim=1) - true).mean()

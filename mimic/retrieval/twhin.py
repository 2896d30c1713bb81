"""TwHIN on a snapshot: who follows whom, who likes, retweets and answers what, as vectors.

The model is in `mimic.models.embedding_model`; here a snapshot becomes edges, and the trained vectors an
artefact. A tweet that nobody has answered yet has no edge, so its vector says nothing. That is true of
most tweets that a feed is made of, and is why the two towers come next.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mimic import csr
from mimic.artifacts import artifact_key, ensure_artifact
from mimic.data_loader import DataLoader
from mimic.errors import MimicError
from mimic.schema import RESPONSES

if TYPE_CHECKING:  # torch takes seconds to import: only who trains or asks for vectors shall wait for it
    from mimic.models.embedding_model import Edges, EmbeddingConfig

__all__ = ["RELATIONS", "Twhin", "edges_of"]

RELATIONS: Final = ("follow", "like", "retweet", "reply")
"""The kinds of edges, as in the published configuration with follows in place of notifications
(the-algorithm-ml, projects/twhin/config/local.yaml)."""


def edges_of(
    data: DataLoader,
    relations: tuple[str, ...] = RELATIONS,
    *,
    without: NDArray[np.integer[Any]] | None = None,
) -> dict[str, Edges]:
    """The edges of a snapshot by relation: follows from user to user, responses from user to tweet.

    Args:
        data: the snapshot.
        relations: some of RELATIONS.
        without: rows of `interactions` that are left out, to be asked for later.
    """
    from mimic.models.embedding_model import Edges

    kept = np.ones(len(data.interactions), bool)
    kept[[] if without is None else without] = False
    edges = {}
    for name in relations:
        if name not in RELATIONS:
            raise MimicError(f"no relation {name!r}; there are {', '.join(RELATIONS)}")
        if name == "follow":
            source, target = data.follows["follower"], data.follows["followed"]
            edges[name] = Edges(tables=("users", "users"), source=source, target=target)
            continue
        rows = np.flatnonzero(kept & (data.interactions["kind"] == RESPONSES.index(name)))
        source, target = data.interactions["user"][rows], data.interactions["tweet"][rows]
        edges[name] = Edges(tables=("users", "tweets"), source=source, target=target)
    return edges


@dataclass(frozen=True, kw_only=True, eq=False)
class Twhin:
    """Vectors of users and tweets, and a translation for each relation. Build with `Twhin.of(data)`."""

    key: str
    """Of the artefact: a part of the key of whatever is built from it."""
    users: NDArray[np.float32]
    """float32[users, dims]."""
    tweets: NDArray[np.float32]
    """float32[tweets, dims]: of all tweets of the snapshot; no rows where all relations are between users."""
    translations: Mapping[str, NDArray[np.float32]]
    """float32[dims] for each relation."""
    loss: NDArray[np.float32]
    """float32[steps]: the loss in training."""

    @classmethod
    def of(
        cls,
        data: DataLoader,
        relations: tuple[str, ...] = RELATIONS,
        config: EmbeddingConfig | None = None,
        *,
        without: NDArray[np.integer[Any]] | None = None,
    ) -> Twhin:
        """Train on a snapshot's edges, or load what was trained before. For the arguments see `edges_of`."""
        from mimic.models import embedding_model, negatives, training

        config = config or embedding_model.EmbeddingConfig()
        left_out = [] if without is None else np.sort(without).tolist()
        parts = (data.manifest.checksum, data.now, relations, left_out, config)
        modules = (sys.modules[__name__], csr, embedding_model, negatives, training)
        key = artifact_key(*parts, modules=modules, libraries=("numpy", "torch"))

        def build() -> dict[str, NDArray[Any]]:
            tables = {"users": len(data.users)}
            if relations != ("follow",):
                tables["tweets"] = len(data.tweets)
            edges = edges_of(data, relations, without=without)
            model, loss = embedding_model.train_embeddings(tables, edges, config)
            return {**model.arrays(), "loss": loss}

        what = ", ".join(relations)
        artifact = ensure_artifact(data.path / "cache", "twhin", key, build, why=f"vectors from {what}")
        return cls(
            key=key,
            users=artifact["users"],
            tweets=artifact.arrays.get("tweets", np.zeros((0, config.dims), np.float32)),
            translations={name: artifact[name] for name in relations},
            loss=artifact["loss"],
        )

    def moved(self, relation: str, users: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """e_s + θ_r of users (rows), float32[n, dims]: where the targets of a relation should lie."""
        return np.asarray(self.users[users] + self.translations[relation])

    def targets(self, relation: str, rows: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """e_t of the targets (rows) of a relation: users for "follow", tweets for the others."""
        return np.asarray((self.users if relation == "follow" else self.tweets)[rows])

"""Matrix factorisation by a library (implicit: ALS and BPR) on our log, as good as we can make it.

    engagements before a moment → users × tweets, or users × authors → factors of both sides
    a later moment → factors as trained, or folded in: items from who engaged, then users from what they did

A tweet is worth what its own factors say, or its author's. As trained, a tweet that came later has none.
Folding in is the library's own for ALS: the other side stays, each row is solved for. BPR has none, so it is
either solved for in the same way or trained a little further from where it stands; tuning decides.

The library is in the bench environment only: `make bench`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mimic import DataLoader
from mimic.columns import rows_of
from mimic.history import WEIGHT_OF_KIND
from mimic.schema import ENGAGEMENTS, RESPONSES

if TYPE_CHECKING:
    from implicit.cpu.als import AlternatingLeastSquares  # type: ignore[import-not-found]

Array = NDArray[Any]
Fold: TypeAlias = Literal["no", "solved", "continued"]

_ENGAGED: Final = np.isin(RESPONSES, ENGAGEMENTS)


@dataclass(frozen=True, kw_only=True)
class PeerConfig:
    """What is factorised and how."""

    model: Literal["ALS", "BPR"]
    items: Literal["tweet", "author"]
    positives: Literal["all", "strangers"] = "all"
    """Engagements with whose tweets, as in `TwoTowerConfig`."""
    clicks: Literal["no", "half"] = "no"
    """Whether clicks and profile visits count too, half as much as an engagement."""
    factors: int = 64
    regularization: float = 0.1
    alpha: float = 10.0
    """ALS: how much more an engagement counts than none."""
    learning_rate: float = 0.05
    """BPR."""
    iterations: int = 15
    fold: Fold = "no"
    """How a later moment is served."""
    further: int = 10
    """Iterations of BPR that is continued at a moment."""
    seed: int = 0


def matrix(data: DataLoader, config: PeerConfig) -> sparse.csr_matrix:
    """Who engaged with what before a snapshot, float32[users, tweets or authors]."""
    log = data.interactions
    weight = WEIGHT_OF_KIND if config.clicks == "half" else WEIGHT_OF_KIND * _ENGAGED
    rows = np.flatnonzero(weight[log["kind"]] > 0)
    user, tweet = log["user"][rows], log["tweet"][rows]
    author, size = data.tweets["author"][tweet], len(data.users)
    if config.positives == "strangers":
        edges = np.unique(data.follows["follower"].astype(np.int64) * size + data.follows["followed"])
        strange = ~rows_of(edges, user.astype(np.int64) * size + author)[1]
        rows, user, tweet, author = rows[strange], user[strange], tweet[strange], author[strange]
    item, items = (tweet, len(data.tweets)) if config.items == "tweet" else (author, size)
    entries = weight[log["kind"][rows]].astype(np.float32), (user, item)
    # The library wants the older kind of sparse matrix.
    return sparse.csr_matrix(sparse.csr_array(entries, shape=(size, items)))


def _als(config: PeerConfig, factors: int | None = None) -> AlternatingLeastSquares:
    from implicit.cpu.als import AlternatingLeastSquares

    return AlternatingLeastSquares(
        factors=factors or config.factors,
        regularization=config.regularization,
        alpha=config.alpha,
        iterations=config.iterations,
        num_threads=1,
        random_state=config.seed,
    )


def _bpr(config: PeerConfig, iterations: int) -> Any:
    from implicit.cpu.bpr import BayesianPersonalizedRanking  # type: ignore[import-not-found]

    return BayesianPersonalizedRanking(
        factors=config.factors,
        regularization=config.regularization,
        learning_rate=config.learning_rate,
        iterations=iterations,
        num_threads=1,
        random_state=config.seed,
    )


def _longer(rows: Array, count: int) -> Array:
    """With rows of zeros for items that came later."""
    later = np.zeros((count - len(rows), rows.shape[1]), rows.dtype)
    return np.concatenate((rows, later))


def _solved(users: Array, items: Array, now: sparse.csr_matrix, config: PeerConfig) -> tuple[Array, Array]:
    """Items from the users who engaged with them, then users from all that they engaged with."""
    model = _als(config, users.shape[1])
    model.user_factors, model.item_factors = users, items
    items = model.recalculate_item(np.arange(now.shape[1]), now.T.tocsr())
    model.item_factors, model._YtY = items, None
    return model.recalculate_user(np.arange(now.shape[0]), now), items


def _continued(users: Array, items: Array, now: sparse.csr_matrix, config: PeerConfig) -> tuple[Array, Array]:
    """A few more iterations of BPR on everything that is known by now."""
    model = _bpr(config, config.further)
    model.user_factors, model.item_factors = users.copy(), items.copy()
    model.fit(now, show_progress=False)
    return model.user_factors, model.item_factors


@dataclass(frozen=True, kw_only=True, eq=False)
class Factors:
    """What a configuration learned from a snapshot. Train with `Factors.of(data, config)`."""

    config: PeerConfig
    trained_on: sparse.csr_matrix
    users: Array
    """float32[users, dims]."""
    items: Array
    """float32[items, dims]."""

    @classmethod
    def of(cls, data: DataLoader, config: PeerConfig) -> Factors:
        """On one thread and with a seed, so the same each time on one machine."""
        model = _als(config) if config.model == "ALS" else _bpr(config, config.iterations)
        engaged = matrix(data, config)
        model.fit(engaged, show_progress=False)
        return cls(config=config, trained_on=engaged, users=model.user_factors, items=model.item_factors)

    def at(self, data: DataLoader) -> Peer:
        """Asked at the snapshot that they were trained on or at a later one."""
        config = self.config
        now = matrix(data, config)
        users, items = self.users, _longer(self.items, now.shape[1])
        if config.fold == "no":
            now = self.trained_on
        elif config.fold == "solved":
            users, items = _solved(users, items, now, config)
        else:
            users, items = _continued(users, items, now, config)
        engaged = np.zeros(len(items), bool)
        engaged[now.indices] = True
        first = data.since("tweets")
        live = np.arange(first, len(data.tweets))
        of = live if config.items == "tweet" else data.tweets["author"][live]
        return Peer(users=users, tweets=items[of], known=engaged[of], first=first)


@dataclass(frozen=True, kw_only=True, eq=False)
class Peer:
    """Factors of users and of the tweets that may be shown at a moment. W tweets in the window."""

    users: Array
    """float32[users, dims]."""
    tweets: Array
    """float32[W, dims]: of each tweet since `data.since("tweets")`."""
    known: Array
    """bool[W]: whether the tweet, or its author, had an engagement to learn from."""
    first: int

    def products(self, user: int, tweets: Array) -> tuple[Array, Array]:
        """The products of a user's factors with those of tweets (rows), float64[n], and which are known."""
        w = tweets - self.first
        return (self.tweets[w] @ self.users[user]).astype(np.float64), self.known[w]

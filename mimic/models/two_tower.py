"""Two towers: a user and a tweet, each made into a vector of length 1, near each other when they match.

    user's facts  → linear, ReLU, linear → u,  |u| = 1      score(u, t) = ⟨u, v⟩ / temperature
    tweet's facts → linear, ReLU, linear → v,  |v| = 1

The towers meet only in the inner product. So all tweets can be made into vectors before anybody asks,
and a question is a search for the nearest of them.

Training shows each user a tweet that they responded to beside many that they did not: the true tweets of
the batch's other rows (all of which somebody liked, so telling them apart is hard), and tweets drawn
uniformly from everything that could have been shown (most of which nobody likes; without these a model
never learns what to leave out). The temperature is learned: it decides how much the hardest count.

After Yi et al. (RecSys 2019) and Yang et al. (WWW 2020). Twitter used a two-tower model trained on likes
(the-algorithm, cr-mixer/.../model/ModelConfig.scala, TwoTowerFav) without publishing its architecture; X's
of 2026 has a transformer for the user and this kind of tower for the tweet (phoenix/xrex/models/
recsys_two_tower_model.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mimic.csr import CSR
from mimic.models.negatives import KnownPairs, log_frequency
from mimic.models.training import fit, seeded, shuffled_batches

__all__ = ["TowerConfig", "TowerRows", "TwoTowerModel", "train_towers"]

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float32]

_RARE: Final = 0.02
"""Added to a fact's standard deviation: what is nearly always 0 is not blown up."""
_NEVER: Final = -1e9
"""Score of a pair that is no negative: nothing, after the exponential."""
_AT_ONCE: Final = 8192
"""Rows made into vectors together."""


@dataclass(frozen=True, kw_only=True)
class TowerConfig:
    """The size of the towers and how to train them."""

    dims: int = 128
    """Length of a vector."""
    hidden: int = 256
    """Units between the two linear maps."""
    words: int = 2**14
    """Numbers that words are hashed to."""
    word_dims: int = 32
    """Length of a word's vector."""
    epochs: int = 3
    batch: int = 512
    """Rows of a batch; each lends its tweet to the others as a negative."""
    negatives: int = 512
    """Uniform tweets beside them."""
    log_q: float = 0.5
    """How much of the popularity of negatives is taken out, as in `EmbeddingConfig`: 1 leaves ln p(t | u), in
    which the popular are favoured; 0 leaves how much more likely than usual; X's of 2026 has 2."""
    dropout: float = 0.2
    """Share of facts and of hidden units that are hidden from a row in training."""
    temperature: float = 0.1
    """To begin with, as X's of 2026."""
    learning_rate: float = 3e-3
    """Highest rate of Adam."""
    seed: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class TowerRows:
    """n users who responded to n tweets, and m tweets drawn uniformly: n + m examples of tweets."""

    user: Ints
    """int[n]: row of each user."""
    user_facts: Floats
    """float32[n, user facts]."""
    weight: Floats
    """float32[n]: how much each row counts."""
    tweet: Ints
    """int[n + m]: row of each tweet; the first n are those responded to."""
    tweet_facts: Floats
    """float32[n + m, tweet facts]."""
    words: CSR
    """The words of each example."""
    sizes: tuple[int, int]
    """How many users and tweets there are."""


class _Tower(nn.Module):
    def __init__(self, facts: int, extra: int, config: TowerConfig) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(facts))
        self.register_buffer("spread", torch.ones(facts))
        self.layers = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(facts + extra, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.dims),
        )

    def standardise(self, facts: Floats) -> None:
        """Learn mean and spread of every fact."""
        self.mean = torch.from_numpy(facts.mean(axis=0, dtype=np.float64).astype(np.float32))
        self.spread = torch.from_numpy(facts.std(axis=0, dtype=np.float64).astype(np.float32) + _RARE)

    def forward(self, facts: torch.Tensor, extra: torch.Tensor | None = None) -> torch.Tensor:
        """Vectors of length 1, float32[n, dims]."""
        facts = (facts - self.mean) / self.spread
        inputs = facts if extra is None else torch.cat((facts, extra), dim=1)
        return nn.functional.normalize(self.layers(inputs), dim=1)


class TwoTowerModel(nn.Module):
    """Both towers, the words' vectors and the temperature."""

    def __init__(self, user_facts: int, tweet_facts: int, config: TowerConfig) -> None:
        """Fresh weights; call it inside `seeded`."""
        super().__init__()
        self.users = _Tower(user_facts, 0, config)
        self.tweets = _Tower(tweet_facts, config.word_dims, config)
        self.words = nn.EmbeddingBag(config.words, config.word_dims, mode="mean")
        self.log_sharpness = nn.Parameter(torch.tensor([-np.log(config.temperature)], dtype=torch.float32))

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], config: TowerConfig) -> TwoTowerModel:
        """The trained model whose `arrays()` these are."""
        model = cls(len(arrays["users.mean"]), len(arrays["tweets.mean"]), config)
        model.load_state_dict({name: torch.tensor(arrays[name]) for name in model.state_dict()})
        return model.eval()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that was learned, by name."""
        return {name: values.detach().numpy() for name, values in self.state_dict().items()}

    def tweet_batch(self, facts: Floats, words: CSR, examples: Ints) -> torch.Tensor:
        """Vectors of some examples, with a gradient, float32[n, dims]."""
        starts = np.concatenate(([0], np.cumsum(words.starts[examples + 1] - words.starts[examples])[:-1]))
        _, values = words.gather(examples)
        extra = self.words(torch.from_numpy(values), torch.from_numpy(starts))
        vectors: torch.Tensor = self.tweets(torch.from_numpy(facts[examples]), extra)
        return vectors

    @torch.no_grad()
    def user_vectors(self, facts: Floats) -> Floats:
        """Vectors of users, float32[n, dims]."""
        parts = [self.users(torch.from_numpy(facts[rows])).numpy() for rows in _parts(len(facts))]
        return np.concatenate(parts)

    @torch.no_grad()
    def tweet_vectors(self, facts: Floats, words: CSR) -> Floats:
        """Vectors of tweets, float32[n, dims]."""
        return np.concatenate([self.tweet_batch(facts, words, rows).numpy() for rows in _parts(len(facts))])


def _parts(n: int) -> list[NDArray[np.int64]]:
    return [np.arange(low, min(low + _AT_ONCE, n)) for low in range(0, max(n, 1), _AT_ONCE)]


def train_towers(rows: TowerRows, config: TowerConfig) -> tuple[TwoTowerModel, NDArray[np.float32]]:
    """Train; returns the model and the loss of each step, float32[steps]."""
    rng, n = np.random.default_rng(config.seed), len(rows.user)
    with seeded(config.seed):
        model = TwoTowerModel(rows.user_facts.shape[1], rows.tweet_facts.shape[1], config)
        nn.init.normal_(model.words.weight, std=1.0 / np.sqrt(config.word_dims))
        model.users.standardise(rows.user_facts)
        model.tweets.standardise(rows.tweet_facts)
        lent = config.batch / (config.batch + config.negatives)
        less = torch.from_numpy(config.log_q * log_frequency(rows.tweet[:n], rows.sizes[1], lent))
        known = KnownPairs(rows.user, rows.tweet[:n], rows.sizes)

        def loss_of(batch: NDArray[np.int64]) -> torch.Tensor:
            uniform = rng.integers(n, len(rows.tweet), config.negatives)
            return _loss(model, rows, batch, np.concatenate((batch, uniform)), less, known)

        optimiser = torch.optim.Adam(model.parameters(), config.learning_rate)
        batches = shuffled_batches(np.zeros(n, np.int8), config.batch, config.epochs, rng)
        loss = fit(optimiser, batches, loss_of, what="two towers")
    return model.eval(), loss


def _loss(
    model: TwoTowerModel,
    rows: TowerRows,
    batch: NDArray[np.int64],
    examples: NDArray[np.int64],
    less: torch.Tensor,
    known: KnownPairs,
) -> torch.Tensor:
    """Softmax of each row's own tweet among all examples; the first of these are the rows' own."""
    users = model.users(torch.from_numpy(rows.user_facts[batch]))
    tweets = model.tweet_batch(rows.tweet_facts, rows.words, examples)
    scores = model.log_sharpness.exp() * (users @ tweets.T) - less[rows.tweet[examples]]  # [batch, examples]
    liked = known.among(rows.user[batch], rows.tweet[examples])
    own = np.arange(len(batch))
    liked[own, own] = False
    scores = scores.masked_fill(torch.from_numpy(liked), _NEVER)
    losses = nn.functional.cross_entropy(scores, torch.from_numpy(own), reduction="none")
    weight = torch.from_numpy(rows.weight[batch])
    return (losses * weight).sum() / weight.sum()

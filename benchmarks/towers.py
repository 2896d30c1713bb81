"""A small two-tower model, trained in seconds: the stand-in of the course's own.

See `sources.py` for what stand-ins are.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from samples import Request
from scipy import sparse
from scipy.sparse.linalg import svds
from sources import SIGNAL, Moment, strangers_only, unit_rows

from mimic import DataLoader
from mimic.schema import ENGAGEMENTS, LANGUAGES

Array = NDArray[Any]


class TwoTower:
    """A small pair of towers: users and tweets as unit vectors whose product says who likes what.

    Trained on responses to strangers' tweets (clicks too) of the days before `data.now`, against
    random tweets. A user is the follow graph's factors, topic history, languages and the mean
    factors of the authors responded to; a tweet is its author's factors and fame, topic, language,
    media and link. Histories leave out the response that is to be predicted.
    """

    FACTORS: ClassVar = 48
    DIMS: ClassVar = 64
    SHARPNESS: ClassVar = 10.0
    """Scale of the cosines in the softmax."""

    def __init__(self, data: DataLoader, seed: int = 0, epochs: int = 4) -> None:
        torch.manual_seed(seed)
        self._rng = np.random.default_rng(seed)
        self._factorise_follows(data)
        self._rate = _standard(_author_rates(data))
        width = len(data.topics) + len(LANGUAGES) + self.FACTORS
        self.user_tower = _tower(width + self.FACTORS, self.DIMS)
        self.tweet_tower = _tower(width + 4, self.DIMS)
        self._fit(Moment(data), epochs)

    def _factorise_follows(self, data: DataLoader) -> None:
        users = len(data.users)
        follower, followed = data.follows["follower"], data.follows["followed"]
        out, fame = np.bincount(follower, minlength=users), np.bincount(followed, minlength=users)
        weight = 1 / np.sqrt((out[follower] + 5.0) * (fame[followed] + 5.0))
        follows = sparse.csr_array((weight, (follower, followed)), shape=(users, users))
        factors: tuple[Array, Array, Array] = svds(follows, self.FACTORS, rng=self._rng)
        left, scale, right = factors
        self._as_reader, self._as_author = unit_rows(left * scale), unit_rows(right.T)
        self._fame = _standard(np.log1p(fame))

    def _users(self, topics: Array, languages: Array, authors: Array, users: Array) -> torch.Tensor:
        shares = [x / np.maximum(x.sum(axis=1, keepdims=True), 1.0) for x in (topics, languages)]
        topic = np.sqrt(np.maximum(shares[0], 0.0))
        columns = [topic, shares[1], unit_rows(authors), self._as_reader[users]]
        return _vectors(self.user_tower, columns)

    def _tweets(self, data: DataLoader, rows: Array) -> torch.Tensor:
        t = data.tweets
        author = t["author"][rows]
        topic, language = np.eye(len(data.topics))[t["topic"][rows]], np.eye(len(LANGUAGES))[t["lang"][rows]]
        about = [self._fame[author], self._rate[author], t["has_media"][rows], t["has_link"][rows]]
        columns = [topic, language, self._as_author[author], np.stack(about, axis=1)]
        return _vectors(self.tweet_tower, columns)

    def _authors(self, moment: Moment) -> Array:
        """float64[U, factors]: summed factors of the authors that each user responded to."""
        weight = SIGNAL[moment.kind]
        author = moment.data.tweets["author"][moment.tweet]
        users = len(self._as_author)
        responded = sparse.csr_array((weight, (moment.user, author)), (users, users))
        return np.asarray(responded @ self._as_author)

    def _fit(self, moment: Moment, epochs: int, size: int = 1024) -> None:
        positive = self._strangers_liked(moment)
        size = min(size, len(positive))
        parameters = [*self.user_tower.parameters(), *self.tweet_tower.parameters()]
        optimiser = torch.optim.Adam(parameters)
        steps = epochs * (len(positive) // size)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
        authors = self._authors(moment)
        for _ in range(epochs):
            order = self._rng.permutation(positive)
            for k in range(len(positive) // size):
                loss = self._loss(moment, authors, order[k * size : (k + 1) * size])
                optimiser.zero_grad()
                torch.autograd.backward(loss)
                optimiser.step()
                schedule.step()

    def _strangers_liked(self, moment: Moment) -> Array:
        """Rows of interactions that are good responses to authors whom the user does not follow."""
        data, users = moment.data, len(moment.data.users)
        key = np.unique(data.follows["follower"].astype(np.int64) * users + data.follows["followed"])
        pair = moment.user.astype(np.int64) * users + data.tweets["author"][moment.tweet]
        at = np.minimum(np.searchsorted(key, pair), len(key) - 1)
        return np.flatnonzero((SIGNAL[moment.kind] > 0) & (key[at] != pair))

    def _loss(self, moment: Moment, authors: Array, batch: Array) -> torch.Tensor:
        """Softmax of each response's tweet against as many random ones."""
        tweets, weight = moment.data.tweets, SIGNAL[moment.kind[batch]]
        user, tweet = moment.user[batch], moment.tweet[batch]
        every = np.arange(len(batch))
        topics, languages = moment.topics[user], moment.languages[user]
        topics[every, tweets["topic"][tweet]] -= weight
        languages[every, tweets["lang"][tweet]] -= weight
        others = authors[user] - weight[:, None] * self._as_author[tweets["author"][tweet]]
        u = self._users(topics, languages, others, user)
        random = self._rng.integers(0, len(tweets), len(batch))
        own, wrong = self._tweets(moment.data, tweet), self._tweets(moment.data, random)
        logits = torch.cat([(u * own).sum(dim=1, keepdim=True), u @ wrong.T], dim=1)
        first = torch.zeros(len(batch), dtype=torch.long)
        return torch.nn.functional.cross_entropy(self.SHARPNESS * logits, first)

    @torch.no_grad()
    def at(self, moment: Moment) -> tuple[Array, Array]:
        """Vectors of all users and of the window's tweets: float32[U, D], float32[W, D]."""
        users = np.arange(len(self._as_reader))
        u = self._users(moment.topics, moment.languages, self._authors(moment), users)
        v = self._tweets(moment.data, moment.first + np.arange(len(moment.author)))
        return u.numpy(), v.numpy()

    def search(self, vectors: tuple[Array, Array], moment: Moment, request: Request, limit: int) -> Array:
        """The best by exp(sharpness × cosine) × freshness."""
        w = request.rows - moment.first
        nearness = vectors[1][w] @ vectors[0][request.user]
        return strangers_only(np.exp(self.SHARPNESS * nearness) * moment.fresh[w], request, limit)


def _tower(width: int, dims: int) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(width, 128), torch.nn.ReLU(), torch.nn.Linear(128, dims))


def _vectors(tower: torch.nn.Module, columns: list[Array]) -> torch.Tensor:
    features = torch.from_numpy(np.concatenate(columns, axis=1).astype(np.float32))
    vectors: torch.Tensor = torch.nn.functional.normalize(tower(features))
    return vectors


def _standard(values: Array) -> Array:
    return np.asarray((values - values.mean()) / max(values.std(), 1e-9))


def _author_rates(data: DataLoader) -> Array:
    """float64[U]: log of engagements per impression of each author's tweets, smoothed by 50 impressions."""
    author, users = data.tweets["author"], len(data.users)
    engaged = np.sum([data.counts(kind) for kind in ENGAGEMENTS], axis=0)
    shown = data.counts("impression")
    mean = engaged.sum() / max(shown.sum(), 1)
    totals = [np.bincount(author, x, users) for x in (engaged, shown)]
    return np.asarray(np.log((totals[0] + 50 * mean) / (totals[1] + 50)))

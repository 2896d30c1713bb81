"""Quick stand-ins of sources: good enough to say whether a world gives each of them something to find.

Nothing of the product uses them. They see what a platform sees, as of a moment; what is fitted
(communities, factors, towers) is fitted on what came before `data.now`. Every source takes places in
the list of a request's eligible tweets and returns places, best first, by authors whom the user does
not follow.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import networkx as nx  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray
from samples import Request, best_places
from scipy import sparse

from mimic import DataLoader
from mimic.schema import ENGAGEMENTS, LANGUAGES, RESPONSES

Array = NDArray[Any]

HOUR_MS: Final = 3_600_000
_NOT_LIKE_A_LIKE: Final = {
    "click": 0.5,
    "profile_visit": 0.5,
    "not_interested": 0.0,
    "block": 0.0,
    "report": 0.0,
}
SIGNAL: Final = np.array([_NOT_LIKE_A_LIKE.get(name, 1.0) for name in RESPONSES])
"""How much each response says about what a user is interested in."""
ENGAGED: Final = np.isin(RESPONSES, ENGAGEMENTS)
LIKE: Final = RESPONSES.index("like")
OWN_LANGUAGE: Final = 5.0
"""Responses that the language of the interface counts as."""
TOPIC_FLOOR: Final = 0.01
"""Added to a topic's share of the history where the graph is thinned: new topics are not nothing."""


class Moment:
    """What the platform knows at a snapshot about its users and about the tweets of the last 48 hours.

    U users, T topics, W tweets of the window; the window's first tweet has row `first`.
    """

    def __init__(self, data: DataLoader) -> None:
        log, tweets, users = data.interactions, data.tweets, len(data.users)
        self.data, self.first = data, data.since("tweets")
        self.author, self.topic, self.lang = (tweets[c][self.first :] for c in ("author", "topic", "lang"))
        age = (data.now - tweets["created_at"][self.first :]) / HOUR_MS
        self.fresh: Array = (1 + age / 6.0) ** -0.45
        self.user, self.tweet, self.kind = log["user"], log["tweet"], log["kind"]
        self.age = (data.now - log["at"]) / HOUR_MS
        weight = SIGNAL[self.kind]
        self.topics: Array = _table(self.user, tweets["topic"][self.tweet], weight, users, len(data.topics))
        for user in range(users):
            self.topics[user, data.interests(user)] += 1.0
        self.languages: Array = _table(self.user, tweets["lang"][self.tweet], weight, users, len(LANGUAGES))
        self.languages[np.arange(users), data.users["lang"]] += OWN_LANGUAGE
        recent = (self.tweet >= self.first) & ENGAGED[self.kind]
        window = len(self.author)
        pair = np.unique(self.user[recent].astype(np.int64) * window + self.tweet[recent] - self.first)
        engaged = np.ones(len(pair)), (pair // window, pair % window)
        self.engaged = sparse.csr_array(engaged, shape=(users, window))
        """[U, W]: 1 where the user has engaged with the tweet."""
        self.popularity: Array = 1.0 + self.engaged.sum(axis=0)

    def topic_share(self, user: int) -> Array:
        """float64[T]: the share of each topic in the user's history."""
        return np.asarray(self.topics[user] / max(self.topics[user].sum(), 1.0))


def _table(row: Array, column: Array, weight: Array, rows: int, columns: int) -> Array:
    flat = np.bincount(row.astype(np.int64) * columns + column, weight, rows * columns)
    return flat.reshape(rows, columns)


def topic_popular(moment: Moment, request: Request, limit: int, *, strangers: bool = True) -> Array:
    """Topic history × share of the language × freshness × popularity: the baseline of every table."""
    w, user = request.rows - moment.first, request.user
    language = moment.languages[user] / moment.languages[user].sum()
    score = moment.topic_share(user)[moment.topic[w]] * language[moment.lang[w]]
    score = score * moment.fresh[w] * moment.popularity[w]
    return strangers_only(score, request, limit) if strangers else best_places(score, limit)


def strangers_only(score: Array, request: Request, limit: int) -> Array:
    """The best places by score, of authors whom the user does not follow; what scores 0 is not found."""
    score = np.where(request.inside, 0.0, score)
    best = best_places(score, limit)
    return np.asarray(best[score[best] > 0])


class SimClusters:
    """Communities of producers, users as mixtures of them, tweets as sums of their likers.

    Producers are the 3,000 accounts with most followers; two are near when the same people follow
    them (cosine; a follower counts less the more accounts they follow); communities are found by
    Louvain. U users, P producers, K communities.
    """

    PRODUCERS: ClassVar = 3_000
    NEIGHBOURS: ClassVar = 20

    def __init__(self, data: DataLoader, resolution: float = 8.0) -> None:
        users = len(data.users)
        follower, followed = data.follows["follower"], data.follows["followed"]
        fame = np.bincount(followed, minlength=users)
        self.producers: Array = np.sort(np.argsort(-fame, kind="stable")[: self.PRODUCERS])
        number = np.full(users, -1)
        number[self.producers] = np.arange(len(self.producers))
        known = number[followed] >= 0
        self._pairs = follower[known], number[followed[known]]
        self._shape = users, len(self.producers)
        self.graph = self._producer_graph(np.bincount(follower, minlength=users))
        self.community = self.communities(resolution)
        self.interested: Array = self._interested_in(data, number)

    def _producer_graph(self, out: Array) -> nx.Graph:
        follower, producer = self._pairs
        weight = 1 / np.sqrt(np.log1p(1 + out[follower]))
        follows = sparse.csc_array((weight, (follower, producer)), self._shape)
        norm = np.sqrt(np.maximum(np.bincount(producer, weight**2, self._shape[1]), 1e-12))
        unit = follows @ sparse.diags_array(1 / norm)
        cosine = (unit.T @ unit).toarray()
        np.fill_diagonal(cosine, 0.0)
        nearest = np.partition(cosine, -self.NEIGHBOURS, axis=1)[:, -self.NEIGHBOURS]
        kept = np.where(cosine >= nearest[:, None], cosine, 0.0)
        i, j = np.nonzero(np.triu(np.maximum(kept, kept.T)))
        graph = nx.empty_graph(len(self.producers))
        graph.add_weighted_edges_from(zip(i.tolist(), j.tolist(), cosine[i, j].tolist(), strict=True))
        return graph

    def communities(self, resolution: float) -> Array:
        """int64[P]: the community of each producer."""
        label = np.zeros(len(self.producers), np.int64)
        found = nx.community.louvain_communities(self.graph, resolution=resolution, seed=0)
        for number, members in enumerate(found):
            label[list(members)] = number
        return label

    def _interested_in(self, data: DataLoader, number: Array) -> Array:
        """float64[U, K]: follows and log likes of each community's producers, rows of length 1."""
        log = data.interactions
        like = log["kind"] == LIKE
        producer = number[data.tweets["author"][log["tweet"][like]]]
        liker, producer = log["user"][like][producer >= 0], producer[producer >= 0]
        likes = sparse.csr_array((np.ones(len(liker)), (liker, producer)), self._shape)
        likes.data = np.log2(1 + likes.data)
        follows = sparse.csr_array((np.ones(len(self._pairs[0])), self._pairs), self._shape)
        known_for = np.eye(self.community.max() + 1)[self.community]
        interest = np.asarray((follows + likes) @ known_for)
        return unit_rows(interest / np.maximum(np.sqrt((interest**2).sum(axis=0)), 1e-12))

    def tweets(self, moment: Moment, half_life_hours: float = 8.0) -> Array:
        """float64[W, K]: the likers of each tweet of the window, the recent ones most; length 1 or 0."""
        recent = (moment.kind == LIKE) & (moment.tweet >= moment.first)
        weight = np.exp2(-moment.age[recent] / half_life_hours)
        rows = moment.tweet[recent] - moment.first
        likes = sparse.csr_array((weight, (rows, moment.user[recent])), moment.engaged.shape[::-1])
        return unit_rows(likes @ self.interested)

    def search(self, tweets: Array, moment: Moment, request: Request, limit: int) -> Array:
        """The nearest by cosine."""
        cosine = tweets[request.rows - moment.first] @ self.interested[request.user]
        return strangers_only(cosine, request, limit)


def unit_rows(matrix: Array) -> Array:
    """The rows with length 1; rows of zeros stay."""
    return np.asarray(matrix / np.maximum(np.sqrt((matrix**2).sum(axis=1, keepdims=True)), 1e-12))


def ties(moment: Moment, user: int) -> Array:
    """float64[U]: what the log says of the user's tie to each author: a prior, and more with responses."""
    mine = moment.data.history(user)
    mine = mine[SIGNAL[moment.kind[mine]] > 0]
    author = moment.data.tweets["author"][moment.tweet[mine]]
    return np.asarray(1.0 + np.log1p(np.bincount(author, minlength=len(moment.data.users))))


def graph(moment: Moment, request: Request, limit: int, thinned: int | None = None) -> Array:
    """What followees engaged with in 48 hours, by the sum of their ties.

    With `thinned`, the best of these by tie × √topic history × freshness.
    """
    followees = moment.data.following.of(request.user)
    w = request.rows - moment.first
    reached = (moment.engaged[followees].T @ ties(moment, request.user)[followees])[w]
    found = strangers_only(reached, request, limit)
    if thinned is None:
        return found
    topic = moment.topic_share(request.user)[moment.topic[w[found]]]
    score = reached[found] * np.sqrt(topic + TOPIC_FLOOR) * moment.fresh[w[found]]
    return np.asarray(found[best_places(score, thinned)])

"""UTEG: which strangers' tweets did the people you are close to engage with?

Twitter's user-tweet-entity graph (src/scala/com/twitter/recos/user_tweet_entity_graph) is asked by Home as

    seeds: whom you follow, each with weight 1 + 1.97 · RealGraph      → walk two steps in GraphJet
    strangers' tweets by summed weight, with everybody who led there   → the heaviest ones
    light ranker's score + weight                                      → the best of these

**Here weights are affinities.** RealGraph's published score is the probability that two people interact
tomorrow, and most of that is whether they meet. Who meets whom is what the recommender is about to decide, so
a seed's word counts 1 + 1.97 · P(interaction | they meet); see `mimic.retrieval.real_graph`.

**A person counts once a tweet.** As published, somebody's weight is added once per kind of action, so that
who likes and retweets counts as two people. In the book's data set that is so for one in ten of the tweets
that a walk reaches, and changes a third of all lists of a hundred. UTEG also takes back unlikes; our log has
none.

**Thinned.** A hundred tweets by weight alone are worth no more than a hundred from elsewhere: people like
much that is not what they are followed for. What pays is the best thirty of them, by the light ranker's
log-odds + ln weight. Home adds the plain weight to its light score; as a logarithm it is in the same unit.
They pay because their cards name a friend: without the name, as many tweets from elsewhere are worth more.
Without a trained ranker, the rule `plain_worth` does nearly as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mimic.data_loader import WINDOW_HOURS, DataLoader
from mimic.errors import MimicError
from mimic.history import language_shares, topic_shares
from mimic.ordering import best_first
from mimic.retrieval.graph_jet import EDGES_PER_SEED, UserTweetGraph
from mimic.retrieval.light_ranker import LightRanker
from mimic.retrieval.real_graph import RealGraph
from mimic.retrieval.social_proof import Reached
from mimic.schema import ENGAGEMENTS
from mimic.viewer import avoided, listened_to, stranger_obstacle

__all__ = ["SEED_SLOPE", "Uteg", "UtegConfig", "plain_worth", "thin"]

Floats = NDArray[np.float64]

SEED_SLOPE: Final = 1.97
"""What RealGraph's probability adds to a seed's weight of 1
(home-mixer/server/src/main/scala/com/twitter/home_mixer/…/RealGraphInNetworkScoresQueryFeatureHydrator.scala)."""

_FLOOR: Final = 0.01
"""Added to a topic's or language's share of the history: what is new is not worth nothing. Chosen by hand."""
_FRESH_HOURS: Final = 6.0
"""Age at which freshness is 1/√2."""


@dataclass(frozen=True, kw_only=True)
class UtegConfig:
    """How far the walk goes and what it keeps. Production's numbers in brackets."""

    seeds: int = 1_000
    """People the walk starts from at most, those with the highest affinity (1,000)."""
    slope: float = SEED_SLOPE
    """A seed counts 1 + this × affinity."""
    edges_per_seed: int = EDGES_PER_SEED
    """Newest engagements read of each (500)."""
    kinds: tuple[str, ...] = ENGAGEMENTS
    """Actions that lead on (Home: likes only, which are 78 % of ours; there are too few to leave any out)."""
    min_people: int = 1
    """People who must have engaged with a tweet (1)."""
    limit: int = 100
    """Tweets that are looked at, the heaviest (800 asked for: uteg_liked_by_tweets in timelineranker)."""
    kept: int = 30
    """Tweets that are kept of these (300)."""


def plain_worth(data: DataLoader, user: int, reached: Reached) -> Floats:
    """What tweets are worth to a user (row) by rule, as a logarithm: float64[n].

        weight × √topic history × √share of the language × √(1 + engagements) × (1 + age / 6 h)^−½

    Exponents were chosen on the log of days 14 to 26 of the book's data set.
    """
    tweets, table = reached.tweets, data.tweets
    topic = topic_shares(data, user)[table["topic"][tweets]].astype(np.float64)
    language = language_shares(data, user)[table["lang"][tweets]].astype(np.float64)
    engaged = np.sum([data.counts(kind)[tweets] for kind in ENGAGEMENTS], axis=0)
    age = data.age_hours(tweets).astype(np.float64)
    factors = (topic + _FLOOR) * (language + _FLOOR) * (1.0 + engaged) / (1.0 + age / _FRESH_HOURS)
    return np.asarray(np.log(reached.weights) + 0.5 * np.log(factors))


def thin(reached: Reached, worth: Floats, kept: int) -> Reached:
    """The `kept` tweets of highest worth (float64[n]), best first."""
    return reached.take(best_first(worth, reached.tweets, kept))


@dataclass(frozen=True, kw_only=True, eq=False)
class Uteg:
    """Searches a snapshot's graph. Build with `Uteg.of(data, real_graph)`."""

    data: DataLoader
    real_graph: RealGraph
    graph: UserTweetGraph
    ranker: LightRanker | None
    """Thins; without it, `plain_worth` does."""
    config: UtegConfig

    @classmethod
    def of(
        cls,
        data: DataLoader,
        real_graph: RealGraph,
        *,
        graph: UserTweetGraph | None = None,
        ranker: LightRanker | None = None,
        config: UtegConfig | None = None,
    ) -> Uteg:
        """For a snapshot; `graph` is built from it unless it is passed.

        Raises:
            MimicError: a part is as of another moment than `data`.
        """
        graph = graph or UserTweetGraph.of(data)
        moments = [real_graph.now, graph.now] + ([ranker.data.now] if ranker else [])
        if any(moment != data.now for moment in moments):
            raise MimicError(f"parts of UTEG are as of {moments}, asked for {data.now}")
        return cls(
            data=data, real_graph=real_graph, graph=graph, ranker=ranker, config=config or UtegConfig()
        )

    def seeds(self, user: int) -> tuple[NDArray[Any], Floats]:
        """Whose word counts for a user (row), and how much: int[s] (rows) and float64[s]."""
        people = listened_to(self.data, user)
        affinity = self.real_graph.affinities(user, people)
        if len(people) > self.config.seeds:
            closest = np.sort(best_first(affinity, people, self.config.seeds))
            people, affinity = people[closest], affinity[closest]
        return people, 1.0 + self.config.slope * affinity

    def reached(self, user: int) -> Reached:
        """Everything that the walk from a user (row) reaches, also tweets by people they follow."""
        people, weights = self.seeds(user)
        return self.graph.from_seeds(
            people, weights, kinds=self.config.kinds, edges_per_seed=self.config.edges_per_seed
        )

    def heaviest(self, user: int, unwanted: NDArray[np.bool_]) -> Reached:
        """The tweets with most weight, at most `config.limit`, the heaviest first.

        `unwanted` bool[users] excludes authors, such as `familiar(data, user)`.
        """
        return self._heaviest(self._allowed(self.reached(user), unwanted))

    def search(self, user: int, unwanted: NDArray[np.bool_]) -> Reached:
        """The best of the heaviest, at most `config.kept`, best first."""
        return self.best(user, self.reached(user), unwanted)

    def best(self, user: int, reached: Reached, unwanted: NDArray[np.bool_]) -> Reached:
        """The same of what a walk has reached already."""
        heaviest = self._heaviest(self._allowed(reached, unwanted))
        return thin(heaviest, self.worth(user, heaviest), self.config.kept)

    def worth(self, user: int, reached: Reached) -> Floats:
        """What tweets are worth to a user (row), as a logarithm up to a constant: float64[n]."""
        if self.ranker is None:
            return plain_worth(self.data, user, reached)
        return self.ranker.score(user, reached.tweets) + np.log(reached.weights)

    def explain(self, user: int, tweet: int, unwanted: NDArray[np.bool_]) -> str:
        """Why `search` does not bring a tweet (row) to a user (row); "" when it does."""
        if reason := stranger_obstacle(self.data, user, tweet):
            return reason
        if unwanted[self.data.tweets["author"][tweet]]:
            return "its author is left out of the search"
        reached = self.reached(user)
        place = np.flatnonzero(reached.tweets == tweet)
        if not len(place):
            return self._not_reached(user, tweet)
        if (count := int(reached.counts[place[0]])) < self.config.min_people:
            return f"{count} of those you follow engaged with it; {self.config.min_people} are asked for"
        return self._beyond(user, tweet, self._allowed(reached, unwanted))

    def _allowed(self, reached: Reached, unwanted: NDArray[np.bool_]) -> Reached:
        wanted = ~unwanted[self.data.tweets["author"][reached.tweets]]
        return reached.take(wanted & (reached.counts >= self.config.min_people))

    def _heaviest(self, allowed: Reached) -> Reached:
        return allowed.take(best_first(allowed.weights, allowed.tweets, self.config.limit))

    def _not_reached(self, user: int, tweet: int) -> str:
        engaged = self.graph.user[self.graph.of_tweets(np.array([tweet]))[1]]
        if np.isin(engaged, listened_to(self.data, user)).any():
            return "who engaged with it is not among those you are closest to, or has done so much since"
        silenced = np.intersect1d(self.data.following.of(user), avoided(self.data, user))
        if np.isin(engaged, silenced).any():
            return "those you follow who engaged with it are muted or blocked"
        return f"nobody you follow engaged with it in the last {WINDOW_HOURS:.0f} hours"

    def _beyond(self, user: int, tweet: int, allowed: Reached) -> str:
        config = self.config
        by_weight = allowed.tweets[best_first(allowed.weights, allowed.tweets)]
        rank = int(np.flatnonzero(by_weight == tweet)[0]) + 1
        if rank > config.limit:
            return f"number {rank:,} by weight of who engaged with it, beyond the {config.limit} heaviest"
        heaviest = self._heaviest(allowed)
        by_worth = heaviest.tweets[best_first(self.worth(user, heaviest), heaviest.tweets)]
        rank = int(np.flatnonzero(by_worth == tweet)[0]) + 1
        if rank > config.kept:
            return f"number {rank} of {len(heaviest)} that were looked at; the best {config.kept} are kept"
        return ""

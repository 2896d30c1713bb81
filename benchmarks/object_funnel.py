"""The same product written the way one would first write it: one object a candidate.

Same sources, rules, constants and order of work as `mimic.for_you`, and the same duty to account for
every tweet: each component is asked about one candidate after the other, each candidate carries its
facts, its scores and its fate. `bench_feed.py` runs both and says what columns buy. Two ways:

* as first written, the topic source makes a candidate of every tweet of the window and scores it;
* `prepared=True` does beforehand what `mimic` does too (freshness × popularity once a snapshot, an
  inverted index over topics), so that nothing but objects against columns is left.

Nothing but the benchmark uses this.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from mimic import DataLoader, Query
from mimic.features import author_rates
from mimic.history import language_shares, topic_shares
from mimic.retrieval.topic_popular import HALF_LIFE_HOURS, TopicPopular
from mimic.schema import ENGAGEMENTS, RESPONSES

_ENGAGEMENTS = {RESPONSES.index(kind) for kind in ENGAGEMENTS}
_RETWEET = RESPONSES.index("retweet")
_DISLIKES = {RESPONSES.index(kind) for kind in ("not_interested", "block", "report")}


@dataclass(eq=False)
class Tweet:
    """One tweet of the window."""

    row: int
    author: int
    created_at: int
    age_hours: float
    topic: int
    lang: int
    base: float
    engagements: int
    text: str
    tweet_id: int


@dataclass(eq=False)
class Candidate:
    """One tweet on its way to a feed."""

    tweet: Tweet
    ranks: dict[str, int] = field(default_factory=dict)
    facts: dict[str, float] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    fate: str = ""

    def order(self) -> tuple[float, int]:
        """Best score first, then the newest."""
        return self.scores["score"], self.tweet.row


class Viewer:
    """What a request knows about its user."""

    def __init__(self, data: DataLoader, query: Query, engaged: dict[int, dict[int, Tweet]]) -> None:
        self.query = query
        self.row = data.user_row(query.user_id)
        self.topics = topic_shares(data, self.row).tolist()
        self.languages = language_shares(data, self.row).tolist()
        self.ties: dict[int, int] = defaultdict(int)
        for row in data.history(self.row).tolist():
            if data.interactions["kind"][row] not in _DISLIKES:
                self.ties[int(data.tweets["author"][data.interactions["tweet"][row]])] += 1
        self.follows = dict.fromkeys(data.following.of(self.row).tolist())
        self.blocked = set(data.blocking.of(self.row).tolist())
        self.blocked_by = set(data.blocked_by.of(self.row).tolist())
        self.muted = set(data.muting.of(self.row).tolist())
        self.avoided = self.blocked | self.blocked_by | self.muted
        self.proof: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for followee in self.follows.keys() - self.avoided:
            weight = 1.0 + math.log1p(self.ties[followee])
            for tweet in engaged[followee]:
                self.proof[tweet].append((weight, followee))
        self.seen = set(data.seen(self.row).tolist())
        self.words = [word.casefold() for word in data.muted_words(self.row)]

    def proof_weight(self, tweet: int) -> float:
        """Summed weight of the followees who engaged with a tweet."""
        return sum(weight for weight, _ in self.proof[tweet]) if tweet in self.proof else 0.0


Rule = Callable[[Viewer, Candidate], bool]

RULES: dict[str, Rule] = {
    "you wrote it": lambda viewer, c: c.tweet.author == viewer.row,
    "older than 48 hours": lambda _, c: c.facts["age_hours"] > 48,
    "you saw it in the last 48 hours": lambda viewer, c: c.tweet.row in viewer.seen,
    "shown earlier in this visit": lambda viewer, c: c.tweet.tweet_id in viewer.query.served,
    "excluded by the request": lambda viewer, c: c.tweet.tweet_id in viewer.query.exclude,
    "you blocked the author": lambda viewer, c: c.tweet.author in viewer.blocked,
    "the author blocked you": lambda viewer, c: c.tweet.author in viewer.blocked_by,
    "you muted the author": lambda viewer, c: c.tweet.author in viewer.muted,
    "it has a word that you muted": lambda viewer, c: any(w in c.tweet.text.casefold() for w in viewer.words),
}


class ObjectFunnel:
    """The product of `mimic.for_you`, candidate by candidate."""

    def __init__(self, data: DataLoader, *, prepared: bool = False) -> None:
        self.data = data
        self.prepared = prepared
        self.rates = author_rates(data).tolist()
        first, index = data.since("tweets"), TopicPopular.of(data)
        rows = np.arange(first, len(data.tweets))
        columns = [data.tweets[name][first:].tolist() for name in ("author", "created_at")]
        columns += [data.age_hours(rows).tolist()]
        columns += [data.tweets[name][first:].tolist() for name in ("topic", "lang")]
        columns += [index.base[np.argsort(index.tweet)].tolist()]
        columns += [np.sum([data.counts(kind)[first:] for kind in ENGAGEMENTS], axis=0).tolist()]
        columns += [data.text(rows), data.tweets["tweet_id"][first:].tolist()]
        self.tweets = {values[0]: Tweet(*values) for values in zip(rows.tolist(), *columns, strict=True)}
        self.by_topic: dict[int, list[Tweet]] = defaultdict(list)
        self.posts: dict[int, list[tuple[int, int, Tweet, bool]]] = defaultdict(list)
        self.engaged: dict[int, dict[int, Tweet]] = defaultdict(dict)
        for tweet in self.tweets.values():
            self.by_topic[tweet.topic].append(tweet)
            self.posts[tweet.author].append((tweet.created_at, tweet.row, tweet, False))
        log = slice(data.since("interactions"), None)
        events = [data.interactions[name][log].tolist() for name in ("user", "tweet", "kind", "at")]
        for user, row, kind, at in zip(*events, strict=True):
            if row in self.tweets and kind in _ENGAGEMENTS:
                self.engaged[user][row] = self.tweets[row]
                if kind == _RETWEET:
                    self.posts[user].append((at, row, self.tweets[row], True))

    def run(self, query: Query) -> list[int]:
        """The ids of the feed."""
        viewer = Viewer(self.data, query, self.engaged)
        fetched = self._fetch(viewer)
        for candidate in fetched[500:]:
            candidate.fate = "over budget"
        candidates = fetched[:500]
        for candidate in candidates:
            self._hydrate(viewer, candidate)
        for reason, broken in RULES.items():
            for candidate in candidates:
                if broken(viewer, candidate):
                    candidate.fate = reason
            candidates = [candidate for candidate in candidates if not candidate.fate]
        for candidate in candidates:
            self._score(candidate)
        return self._select(candidates, query)

    def _fetch(self, viewer: Viewer) -> list[Candidate]:
        found: dict[int, Candidate] = {}

        def add(source: str, tweets: Iterable[Tweet]) -> None:
            for rank, tweet in enumerate(tweets, 1):
                found.setdefault(tweet.row, Candidate(tweet)).ranks[source] = rank

        add("in_network", self._in_network(viewer))
        add("graph", self._graph(viewer))
        add("out_of_network", self._popular(viewer, viewer.topics))
        if len(found) < 500:
            add("popular", self._popular(viewer, [1.0] * len(viewer.topics)))
        return list(found.values())

    def _in_network(self, viewer: Viewer) -> list[Tweet]:
        posts = [
            post
            for followee in viewer.follows
            for post in self.posts[followee]
            if not (post[3] and (followee in viewer.avoided or post[2].author in viewer.follows))
        ]
        posts.sort(key=lambda post: post[:2], reverse=True)
        return list({post[1]: post[2] for post in posts}.values())[:200]

    def _graph(self, viewer: Viewer) -> list[Tweet]:
        reached = [self.tweets[row] for row in viewer.proof]
        strangers = [t for t in reached if t.author not in viewer.follows and t.author != viewer.row]
        return heapq.nlargest(100, strangers, key=lambda tweet: (viewer.proof_weight(tweet.row), tweet.row))

    def _popular(self, viewer: Viewer, topics: list[float]) -> list[Tweet]:
        scored = (
            self._scored_beforehand(viewer, topics) if self.prepared else self._scored_now(viewer, topics)
        )
        best = heapq.nlargest(500, scored, key=Candidate.order)
        return [candidate.tweet for candidate in best if candidate.scores["score"]]

    def _scored_now(self, viewer: Viewer, topics: list[float]) -> Iterable[Candidate]:
        for tweet in self.tweets.values():
            candidate = Candidate(tweet)
            candidate.scores["topic"] = topics[tweet.topic]
            candidate.scores["language"] = viewer.languages[tweet.lang]
            candidate.scores["freshness"] = 2 ** (-tweet.age_hours / HALF_LIFE_HOURS)
            candidate.scores["popularity"] = 1 + tweet.engagements
            candidate.scores["score"] = math.prod(candidate.scores.values())
            if tweet.author not in viewer.follows and tweet.author != viewer.row:
                yield candidate

    def _scored_beforehand(self, viewer: Viewer, topics: list[float]) -> Iterable[Candidate]:
        asked = [self.by_topic[topic] for topic, share in enumerate(topics) if share]
        for tweet in chain.from_iterable(asked):
            score = tweet.base * topics[tweet.topic] * viewer.languages[tweet.lang]
            if score and tweet.author not in viewer.follows and tweet.author != viewer.row:
                yield Candidate(tweet, scores={"score": score})

    def _hydrate(self, viewer: Viewer, candidate: Candidate) -> None:
        tweet, facts = candidate.tweet, candidate.facts
        facts["age_hours"] = tweet.age_hours
        facts["in_network"] = tweet.author in viewer.follows
        facts["tie"] = viewer.ties[tweet.author]
        facts["topic_share"] = viewer.topics[tweet.topic]
        facts["author_rate"] = self.rates[tweet.author]
        proof = sorted(viewer.proof[tweet.row], reverse=True) if tweet.row in viewer.proof else []
        facts["proof_count"] = len(proof)
        facts["proof_weight"] = viewer.proof_weight(tweet.row)
        facts["proof_user"] = proof[0][1] if proof else math.nan
        facts["proof_second"] = proof[1][1] if len(proof) > 1 else math.nan

    def _score(self, candidate: Candidate) -> None:
        facts, scores = candidate.facts, candidate.scores
        known = facts["in_network"]
        scores["network"] = (3.0 if known else 1.0) * (1 + 0.5 * math.log1p(facts["tie"]))
        scores["topic"] = 1 + 10 * facts["topic_share"]
        scores["author"] = facts["author_rate"]
        scores["proof"] = 1.0 if known else 1 + 0.5 * math.log1p(facts["proof_weight"])
        scores["freshness"] = 2 ** (-facts["age_hours"] / 24)
        scores["score"] = math.prod(scores.values())

    def _select(self, candidates: list[Candidate], query: Query) -> list[int]:
        earlier: dict[int, int] = defaultdict(int)
        for candidate in sorted(candidates, key=Candidate.order, reverse=True):
            candidate.scores["place"] = place = earlier[candidate.tweet.author]
            candidate.scores["factor"] = 0.75 * 0.5**place + 0.25
            candidate.scores["score"] *= candidate.scores["factor"]
            earlier[candidate.tweet.author] += 1
        texts: dict[str, Candidate] = {}
        for candidate in sorted(candidates, key=Candidate.order, reverse=True):
            if texts.setdefault(candidate.tweet.text, candidate) is not candidate:
                candidate.fate = "a better tweet says the same"
        ranked = list(texts.values())
        inside = [candidate for candidate in ranked if candidate.facts["in_network"]]
        outside = [candidate for candidate in ranked if not candidate.facts["in_network"]]
        size = min(query.size, len(ranked))
        share = max(min(math.ceil(query.size / 2), len(inside)), size - len(outside))
        feed = sorted(inside[:share] + outside[: size - share], key=Candidate.order, reverse=True)
        for candidate in ranked:
            candidate.fate = "not selected"
        for candidate in feed:
            candidate.fate = "shown"
        return [candidate.tweet.tweet_id for candidate in feed]

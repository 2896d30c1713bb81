"""Chapter 5: what a reader's network holds and what a ranker keeps of it; a heavier ranker's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.columns import NONE
from mimic.course.cast import cast
from mimic.course.exercise import Exercise, close_to, number, number_from
from mimic.course.village import village
from mimic.data_loader import WINDOW_HOURS, DataLoader
from mimic.models.logistic import BinnedLogit
from mimic.ordering import best_first
from mimic.point_in_time import count_before
from mimic.retrieval.earlybird import Posts, TimeIndex
from mimic.retrieval.light_ranker import LIGHT_FEATURES, LightRanker
from mimic.schema import ENGAGEMENTS
from mimic.viewer import avoided

__all__ = [
    "HEAVIER",
    "POSTS_LOST",
    "Asked",
    "Network",
    "best_kept",
    "counts_of",
    "heavier",
    "network_posts",
    "networks",
    "stairs",
    "village_posts",
    "worked",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BEST: Final = 100
"""How many of all eligible tweets are the oracle's best."""


# ---------------------------------------------------------------- the village


def village_posts() -> pd.DataFrame:
    """What the village posted in the last 48 hours, oldest first: poster, tweet_id, author, hours."""
    small = village()
    tweets = small.tweets.set_index("tweet_id")
    written = small.tweets.assign(poster=small.tweets["author"])
    again = small.answers[small.answers["kind"] == "retweet"]
    retweets = again.assign(poster=again["user"], author=tweets["author"].loc[again["tweet_id"]].to_numpy())
    posts = pd.concat([table[["poster", "tweet_id", "author", "hours"]] for table in (written, retweets)])
    posts = posts[(posts["hours"] > 0) & (posts["hours"] <= WINDOW_HOURS)]
    return posts.sort_values("hours", ascending=False, ignore_index=True)


# ---------------------------------------------------------------- a reader's network


def network_posts(data: DataLoader, index: TimeIndex, user: int, limit: int | None = None) -> Posts:
    """The newest posts of the people whom a user (row) follows, all of them by default."""
    most = len(index.tweet) if limit is None else limit
    return index.newest(data.following.of(user), most, not_retweeted_by=avoided(data, user))


class Truth(Protocol):
    """What an oracle is asked."""

    def values_of_eligible(self, user_id: int, at: int) -> tuple[Ints, Floats]:
        """Ids of all tweets that may be shown, ascending, and their values."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """One reader's network at the snapshot's moment: n eligible tweets, the newest post first."""

    user_id: int
    user: int
    """Row."""
    tweets: Ints
    """int64[n], rows."""
    retweeters: Ints
    """int64[n]: who brought each by retweeting it (rows), −1 where the author is followed."""
    features: Floats
    """float64[n, F], the light ranker's columns."""
    value: Floats
    """float64[n], the truth."""
    best: NDArray[np.bool_]
    """bool[n]: among the oracle's best hundred of everything that is eligible."""


def networks(data: DataLoader, truth: Truth, ranker: LightRanker, users: NDArray[Any]) -> list[Network]:
    """The networks of some users (ids) with their true values, in the order given."""
    index, found = TimeIndex.of(data), []
    for user_id in users.tolist():
        user = data.user_row(user_id)
        posts = network_posts(data, index, user)
        ids, values = truth.values_of_eligible(user_id, data.now)
        own = data.tweets["tweet_id"][posts.tweets]
        there = np.isin(own, ids)
        places = np.searchsorted(ids, own[there])
        best = best_first(values, ids, _BEST)
        tweets = posts.tweets[there]
        found.append(
            Network(
                user_id=user_id,
                user=user,
                tweets=tweets,
                retweeters=posts.retweeters[there],
                features=ranker.features(user, tweets),
                value=values[places],
                best=np.isin(places, best),
            )
        )
    return found


def best_kept(
    read: Sequence[Network],
    scores: Mapping[str, Sequence[NDArray[Any]]],
    k: int,
    *,
    at: int = 0,
    count: bool = False,
) -> pd.DataFrame:
    """How much of the oracle's best tweets in each network is among the first k of each score.

    Args:
        read: the networks.
        scores: name to one array a network, float[n].
        k: the budget.
        at: the moment, for the table.
        count: count the tweets instead of adding up their values.

    Returns:
        One row a reader for `percent_of`: user_id, at, one column a score, and `all` for the whole network.
    """
    rows: list[dict[str, float]] = []
    for place, one in enumerate(read):
        worth = one.best * (1.0 if count else one.value)
        row: dict[str, float] = {"user_id": one.user_id, "at": at}
        for name, of in scores.items():
            row[name] = float(worth[best_first(of[place], one.tweets, k)].sum())
        rows.append(row | {"all": float(worth.sum())})
    return pd.DataFrame(rows)


# ---------------------------------------------------------------- the light ranker on paper


def stairs(model: BinnedLogit, feature: str) -> tuple[Floats, Floats]:
    """One feature's staircase: upper ends of all bins but the last, and the weight of each bin."""
    f = list(LIGHT_FEATURES).index(feature)
    first, last = int(model.starts[f]), int(model.starts[f + 1])
    return model.edges[first:last], model.weights[first + f : last + f + 1]


def worked(model: BinnedLogit, row: NDArray[Any]) -> pd.DataFrame:
    """One tweet's score as an addition: for each feature its value, the bin, and the bin's weight.

    Args:
        model: a light ranker's.
        row: float[F], the tweet's features.

    Returns:
        Index: the features, then "everybody starts with" and "score". Columns: value, bin, weight.
    """
    table: dict[str, dict[str, Any]] = {}
    for name, x in zip(LIGHT_FEATURES, row, strict=True):
        ends, weights = stairs(model, name)
        place = int(np.searchsorted(ends, x))
        low = f"over {ends[place - 1]:.3g}" if place else ""
        high = f"to {ends[place]:.3g}" if place < len(ends) else ""
        table[name] = {"value": f"{x:.3g}", "bin": " ".join((low, high)).strip(), "weight": weights[place]}
    total = model.intercept + sum(line["weight"] for line in table.values())
    table["everybody starts with"] = {"value": "", "bin": "", "weight": model.intercept}
    table["score"] = {"value": "", "bin": "", "weight": total}
    return pd.DataFrame(table).T


def counts_of(data: DataLoader, tweets: NDArray[Any], features: Floats) -> Floats:
    """The light ranker's columns with the counts that some tweets have in a snapshot, float64[n, F]."""
    names, changed = list(LIGHT_FEATURES), features.copy()
    for kind in ENGAGEMENTS:
        changed[:, names.index(kind)] = data.counts(kind)[tweets]
    return changed


# ---------------------------------------------------------------- a heavier ranker

HEAVIER: Final = {
    "letters": "length of the text",
    "hashtags": "how many the text has",
    "marks": "its question and exclamation marks",
    "viewer_rate": "answers of the viewer so far, for each tweet that they saw",
    "author_rate": "answers that the author has had so far, for each showing",
    "showings": "how often the tweet was shown so far",
    "followers": "how many follow the author",
}
"""Columns that a heavier ranker has beyond the light one's, and their meaning."""

_PRIOR: Final = 10.0
"""Showings that a rate begins with, one of them answered."""


def heavier(
    data: DataLoader, viewers: NDArray[Any], tweets: NDArray[Any], at: NDArray[np.int64], light: Floats
) -> Floats:
    """The light ranker's columns and those of HEAVIER, all as of each row's moment: float64[n, F + 7].

    Args:
        data: a snapshot that is not earlier than any of the moments.
        viewers: int[n], rows.
        tweets: int[n], rows.
        at: int64[n], ms.
        light: float64[n, F].
    """
    shown, answers, table = data.impressions, data.interactions, data.tweets
    author, written = table["author"], data.text(tweets)

    def rate(shown_key: NDArray[Any], answer_key: NDArray[Any], keys: NDArray[Any]) -> Floats:
        seen = count_before(shown_key, shown["shown_at"], keys, at)
        return np.asarray((count_before(answer_key, answers["at"], keys, at) + 1) / (seen + _PRIOR))

    columns = {
        "letters": [len(text) for text in written],
        "hashtags": [text.count("#") for text in written],
        "marks": [text.count("?") + text.count("!") for text in written],
        "viewer_rate": rate(shown["user"], answers["user"], viewers),
        "author_rate": rate(author[shown["tweet"]], author[answers["tweet"]], author[tweets]),
        "showings": count_before(shown["tweet"], shown["shown_at"], tweets, at),
        "followers": count_before(data.follows["followed"], data.follows["created_at"], author[tweets], at),
    }
    return np.column_stack((light, *(np.asarray(columns[name], np.float64) for name in HEAVIER)))


# ---------------------------------------------------------------- warm-up: what lies beyond the newest?


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question about the heavy user's network."""

    data: DataLoader
    limit: int
    """How many posts are fetched."""

    @property
    def user(self) -> int:
        """The heavy user's row."""
        return self.data.user_row(cast(self.data).heavy_user.user_id)

    def beyond(self, found: int) -> float:
        """What is left of some posts when the newest are fetched."""
        return float(max(found - self.limit, 0))


def _searched(asked: Asked) -> int:
    return network_posts(asked.data, TimeIndex.of(asked.data), asked.user).searched


def _with_copies(asked: Asked) -> int:
    index = TimeIndex.of(asked.data)
    return len(index.by_user.gather(asked.data.following.of(asked.user))[1])


def _originals(asked: Asked) -> int:
    posts = network_posts(asked.data, TimeIndex.of(asked.data), asked.user)
    return int((posts.retweeters == NONE).sum())


POSTS_LOST: Final[Exercise[Asked]] = Exercise(
    solve=lambda asked: asked.beyond(_searched(asked)),
    read=number,
    agrees=close_to(0.0),
    misconceptions=(
        number_from(
            lambda asked: float(_searched(asked)),
            "This is the whole network. The question is what is left when the newest have been taken.",
        ),
        number_from(
            lambda asked: asked.beyond(_with_copies(asked)),
            "This counts posts, and a tweet that three people retweet is posted four times. A tweet can be "
            "fetched only once.",
        ),
        number_from(
            lambda asked: asked.beyond(_originals(asked)),
            "This leaves out the retweets. What a followee retweets is a post of the network, too.",
        ),
        number_from(
            lambda asked: float(asked.limit),
            "This is the limit itself, how many are fetched. How many are not?",
        ),
    ),
    praise="No score was asked about any of them: they are older than the newest, and that was all.",
    hint="Not this one. `posts.searched` says how many distinct tweets were in the network before the limit.",
)
"""How many tweets of the heavy user's network lie beyond the newest `limit`."""

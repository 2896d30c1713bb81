"""The checks of the chapters' exercises.

    from mimic.course import check

    check.reciprocity(0.5, data)

Each computes the right answer from the reader's own data and says which misunderstanding a wrong answer
comes from. The exercises themselves are in `mimic.course.chapter_1` and its neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimic.course.chapter_1 import AUTHOR_CAP, MOST_LOST, Capped, scored
from mimic.course.chapter_2 import RECIPROCITY
from mimic.course.chapter_3 import FUTURE_LIKES, MOST_FOLLOWED, WEIGHTED_LIKES
from mimic.course.chapter_4 import DECAYED, UNDONE
from mimic.course.chapter_5 import POSTS_LOST, Asked
from mimic.course.chapter_8 import IVF_WORK, IvfSize
from mimic.course.chapter_10 import FOUND_ONCE, Found
from mimic.course.exercise import Outcome
from mimic.data_loader import DataLoader
from mimic.feed import Feed
from mimic.retrieval.ann import VectorIndex

if TYPE_CHECKING:
    from mimic.next_day import NextDay


from mimic.course.chapter_6a import INSIDE_SHARE, POTTS
from mimic.course.chapter_6b import NO_COMMUNITY
from mimic.course.chapter_7 import BATCH_LOSS, LENT, WITHOUT_VECTOR, Batch
from mimic.course.chapter_9 import ENGAGED_TWICE
from mimic.retrieval.communities import Communities
from mimic.retrieval.graph_jet import UserTweetGraph
from mimic.retrieval.interested_in import InterestedIn

__all__ = [
    "author_cap",
    "batch_loss",
    "decayed",
    "engaged_twice",
    "found_once",
    "future_likes",
    "inside_share",
    "ivf_work",
    "lent",
    "most_followed",
    "most_lost",
    "no_community",
    "posts_lost",
    "potts",
    "reciprocity",
    "scored",
    "undone",
    "weighted_likes",
    "without_vector",
]


def most_lost(answer: str, feed: Feed) -> Outcome:
    """Chapter 1, warm-up: the name of the step at which most of the feed's candidates ended."""
    return MOST_LOST.check(answer, feed)


def author_cap(answer: object, feed: Feed, *, most: int = 2) -> Outcome:
    """Chapter 1, build: a filter that keeps the `most` best-scored tweets of each author.

    `answer` is a filter, its `keep` method, or the mask that it returns for `check.scored(feed)`.
    """
    return AUTHOR_CAP.check(answer, Capped(feed=feed, most=most))


def reciprocity(answer: float, data: DataLoader) -> Outcome:
    """Chapter 2: the share of follows that are returned."""
    return RECIPROCITY.check(answer, data)


def most_followed(answer: int, data: DataLoader) -> Outcome:
    """Chapter 3: how many followers the most followed account has, read off the CSR `data.followers`."""
    return MOST_FOLLOWED.check(answer, data)


def future_likes(answer: int, data: DataLoader) -> Outcome:
    """Chapter 3: how many likes of tweets that exist now are still to come, up to the end of the files."""
    return FUTURE_LIKES.check(answer, data)


def weighted_likes(answer: float, data: DataLoader) -> Outcome:
    """Chapter 3: the like rate of all impressions so far, each weighted by 1 / propensity."""
    return WEIGHTED_LIKES.check(answer, data)


def posts_lost(answer: int, data: DataLoader, *, limit: int = 200) -> Outcome:
    """Chapter 5: how many tweets of the heavy user's network lie beyond the newest `limit`."""
    return POSTS_LOST.check(answer, Asked(data=data, limit=limit))


def ivf_work(answer: float, index: VectorIndex) -> Outcome:
    """Chapter 8: multiplications of one search in an IVF index, if all of its cells are of equal size."""
    return IVF_WORK.check(answer, IvfSize.of(index))


def decayed(answer: float, data: DataLoader) -> Outcome:
    """Chapter 4, warm-up: what is left today, decayed by day, of all that Mara answered within 30 days."""
    return DECAYED.check(answer, data)


def undone(answer: object, day: NextDay) -> Outcome:
    """Chapter 4, build: `undo(p, kept)`, from the probabilities of a thinned sample to those of all pairs.

    `answer` is the function; it is called with what a perfect model would say after such a sample.
    """
    return UNDONE.check(answer, day)


def inside_share(answer: float, found: Communities) -> Outcome:
    """Chapter 6, first part: the share of the producer graph's edge weight within communities."""
    return INSIDE_SHARE.check(answer, found)


def potts(answer: object, found: Communities) -> Outcome:
    """Chapter 6, first part: an objective with gain = weight inside − 0.01 × other members."""
    return POTTS.check(answer, found)


def no_community(answer: int, data: DataLoader, interests: InterestedIn) -> Outcome:
    """Chapter 6, second half: how many users belong to no community."""
    return NO_COMMUNITY.check(answer, (data, interests))


def engaged_twice(answer: int, graph: UserTweetGraph) -> Outcome:
    """Chapter 9: how many pairs of a person and a tweet have more than one edge in the graph."""
    return ENGAGED_TWICE.check(answer, graph)


def without_vector(answer: float, data: DataLoader) -> Outcome:
    """Chapter 7a: the share of the likes after the snapshot whose tweet nobody had answered before it."""
    return WITHOUT_VECTOR.check(answer, data)


def lent(answer: float, data: DataLoader) -> Outcome:
    """Chapter 7b: how often the most liked tweet is expected in a batch of 512 likes."""
    return LENT.check(answer, data)


def batch_loss(answer: object, data: DataLoader, *, seed: int = 0) -> Outcome:
    """Chapter 7b: a function of `scores`, `q` and `known` (see `chapter_7.Batch`) that returns the loss."""
    return BATCH_LOSS.check(answer, Batch.draw(data, seed=seed))


def found_once(answer: int, found: Found) -> Outcome:
    """Chapter 10: how many of a reader's best hundred exactly one source found."""
    return FOUND_ONCE.check(answer, found)

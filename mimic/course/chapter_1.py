"""Chapter 1: where value is lost, in a table of two by two; two exercises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.batch import SCORE, Candidates, Verdicts
from mimic.course.exercise import Exercise, Misconception, WrongKind
from mimic.csr import positions_in_runs
from mimic.evaluation import Interval, interval
from mimic.feed import Feed
from mimic.ordering import best_first
from mimic.trace import SHOWN, Step

__all__ = ["AUTHOR_CAP", "MOST_LOST", "Capped", "crossed", "in_words", "scored"]

Mask = NDArray[np.bool_]


# ---------------------------------------------------------------- where value is lost


def crossed(values: pd.DataFrame, cells: pd.DataFrame, *, best: str, seed: int) -> pd.DataFrame:
    """Two changes and both ways to tell apart what they add, in % of the best feed, with paired intervals.

    Args:
        values: one row a user, from `evaluate_feeds`.
        cells: 2 × 2 names of feeds; one change leads from the first row to the second, the other from the
            first column to the second.
        best: the feed that is 100 %.
        seed: draws the users; the same ones for each interval.

    Returns:
        The four cells, what the second column adds in each row, and what the second row adds in each
        column, as `Interval`s; the corner that belongs to neither is empty text.
    """

    def percent(one: str, other: str | None = None) -> Interval:
        return interval(
            values,
            lambda mean: 100 * (mean[one] - (mean[other] if other else 0.0)) / mean[best],
            rng=np.random.default_rng(seed),
        )

    (a, b), (c, d) = cells.to_numpy().tolist()
    rows: list[list[object]] = [
        [percent(a), percent(b), percent(b, a)],
        [percent(c), percent(d), percent(d, c)],
        [percent(c, a), percent(d, b), ""],
    ]
    names = [*cells.index, f"{cells.index[1]} adds"], [*cells.columns, f"{cells.columns[1]} adds"]
    return pd.DataFrame(rows, index=names[0], columns=names[1])


def in_words(change: Interval, *, more: str, less: str, neither: str) -> str:
    """The words for a change whose interval lies above zero, below it, or on both sides of it."""
    return more if change.low > 0 else less if change.high < 0 else neither


# ---------------------------------------------------------------- warm-up: where did most candidates end?


def _ended(feed: Feed) -> NDArray[np.int64]:
    """How many candidates ended at each step without being shown, int64[steps]."""
    trace = feed.trace
    step = np.array([cause.step for cause in trace.causes], np.int64)[trace.ends]
    lost = np.array([cause.fate != SHOWN for cause in trace.causes], bool)[trace.ends]
    return np.bincount(step[lost], minlength=len(trace.steps))


def _plain(name: str) -> str:
    return name.lower().replace("_", " ").replace("-", " ").strip()


def _step_named(answer: object, feed: Feed) -> Step:
    """The step that somebody names, by its own name or by that of its stage."""
    if not isinstance(answer, str):
        raise WrongKind(f"A name from the trace was expected, got {type(answer).__name__}.")
    steps = feed.trace.steps
    named = [step for step in steps if _plain(step.name) == _plain(answer)]
    named = named or [step for step in steps if _plain(step.stage) == _plain(answer)]
    if not named:
        raise WrongKind(f"No step of the trace is called {answer!r}; take a name from its first columns.")
    if len(named) > 1:
        raise WrongKind(f"{len(named)} steps belong to {answer!r}; name one of them.")
    return named[0]


def _of_stage(*stages: str) -> Any:
    return lambda step, _feed: step.stage in stages


MOST_LOST: Final[Exercise[Feed]] = Exercise(
    solve=lambda feed: feed.trace.steps[int(_ended(feed).argmax())],
    read=_step_named,
    agrees=lambda given, right: given is right,
    misconceptions=(
        Misconception(
            _of_stage("source"),
            "A source reads many tweets and returns few. What it left behind never was a candidate, so it "
            "cannot have been lost. Look at the steps after the merge.",
        ),
        Misconception(
            _of_stage("merge"),
            "The merge loses nobody: a tweet that two sources found is one candidate with two finders.",
        ),
        Misconception(
            _of_stage("hydrate", "score", "select", "gate"),
            "This step may not drop anything: it adds columns, puts in order, or lets the request pass. "
            "Its «out» equals its «in».",
        ),
        Misconception(
            _of_stage("budget"),
            "The budget turns many away, before anything is known about them. Another step ends more.",
        ),
        Misconception(
            _of_stage("filter", "post filter", "late filter"),
            "Filters are what one thinks of first, and this one removes only few. Compare the whole column.",
        ),
    ),
    praise="Most candidates end there. Nothing was wrong with them: there was no room for more.",
    hint="Most candidates end elsewhere. The column «removed» has one number a step; sources do not count.",
)
"""Name the step at which most candidates ended."""


# ---------------------------------------------------------------- build: at most k tweets an author


@dataclass(frozen=True, kw_only=True)
class Capped:
    """What a filter is tried on."""

    feed: Feed
    most: int
    """Tweets that an author may have."""


def scored(feed: Feed) -> Candidates:
    """The candidates that reached the scorers, with whole numbers for authors, as a filter sees them."""
    everything = feed.candidates
    there = everything.take(np.isfinite(everything[SCORE]))
    whole = {name: there[name].astype(np.int64) for name in ("author", "topic", "lang") if name in there}
    return there.with_columns(whole)


def _mask_of(answer: object, asked: Capped) -> Mask:
    """The mask that a filter, its method or its author hands in."""
    candidates = scored(asked.feed)
    keep = getattr(answer, "keep", answer)
    given = keep(asked.feed.query, candidates) if callable(keep) else keep
    mask = np.asarray(given.code == 0 if isinstance(given, Verdicts) else given)
    if mask.dtype != bool:
        raise WrongKind(
            f"A filter answers with true and false, one for each candidate; these are {mask.dtype}. Row "
            "numbers become a mask by `mask = np.zeros(len(candidates), bool); mask[rows] = True`."
        )
    if mask.shape != (len(candidates),):
        raise WrongKind(
            f"The mask must have one entry a candidate, shape ({len(candidates)},), and has {mask.shape}."
        )
    return mask


def _places_in_author(order: NDArray[np.int64], candidates: Candidates) -> NDArray[np.int64]:
    """How many candidates of the same author come before each in `order`, by position in the batch."""
    author = candidates["author"][order]
    by_author = np.argsort(author, kind="stable")
    place = np.empty(len(candidates), np.int64)
    place[order[by_author]] = positions_in_runs(np.unique(author, return_counts=True)[1])
    return place


def _best(asked: Capped) -> NDArray[np.int64]:
    candidates = scored(asked.feed)
    return best_first(candidates[SCORE], candidates.rows)


def _cap(asked: Capped, order: NDArray[np.int64], most: int) -> Mask:
    return np.asarray(_places_in_author(order, scored(asked.feed)) < most)


def _whole_authors(asked: Capped) -> Mask:
    _, inverse, counts = np.unique(scored(asked.feed)["author"], return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] <= asked.most)


def _mask_from(compute: Any, message: str) -> Misconception[Capped]:
    return Misconception(lambda mask, asked: bool(np.array_equal(mask, compute(asked))), message)


AUTHOR_CAP: Final[Exercise[Capped]] = Exercise(
    solve=lambda asked: _cap(asked, _best(asked), asked.most),
    read=_mask_of,
    agrees=lambda given, right: bool(np.array_equal(given, right)),
    misconceptions=(
        _mask_from(
            lambda asked: ~_cap(asked, _best(asked), asked.most),
            "The mask is the right one turned round: true keeps a candidate, false removes it.",
        ),
        _mask_from(
            lambda asked: _cap(asked, _best(asked), asked.most)[_best(asked)],
            "These are the right answers in another order: the mask goes from best to worst, but its places "
            "must be those of the batch. Write it back with `mask[order] = …`.",
        ),
        _mask_from(
            lambda asked: _cap(asked, np.arange(len(scored(asked.feed))), asked.most),
            "This keeps the first tweets of each author in the order of the batch, which is the order of "
            "finding. Keep the best by score.",
        ),
        _mask_from(
            lambda asked: _cap(asked, _best(asked)[::-1], asked.most),
            "This keeps each author's worst tweets: the order is from the lowest score to the highest.",
        ),
        _mask_from(
            _whole_authors,
            "This removes every tweet of an author who has too many. Their best ones should stay.",
        ),
        _mask_from(
            lambda asked: _cap(asked, _best(asked), asked.most + 1),
            "One too many an author: places within an author begin at 0, so the last one kept is most − 1.",
        ),
        _mask_from(
            lambda asked: _cap(asked, _best(asked), asked.most - 1),
            "One too few an author: places within an author begin at 0, so place most − 1 still stays.",
        ),
    ),
    praise="Each author keeps their best, everybody else is untouched, and the mask fits the batch.",
    hint="Not this one. Take one author with many candidates and look at which of theirs your mask keeps.",
)
"""A filter that keeps the best few tweets of each author."""

"""Chapter 4: dealings so far, a balanced sample, a score taken apart, the truth's forecast; two exercises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.columns import rows_of
from mimic.course.exercise import Exercise, Misconception, WrongKind, close_to, number, number_from
from mimic.data_loader import DataLoader
from mimic.models.logistic import HingedLogit
from mimic.retrieval.edge_features import EDGE_FEATURES, edge_features
from mimic.retrieval.edge_log import (
    DAY_MS,
    DECAY,
    INTERACTIONS,
    EdgeLog,
    candidate_pairs,
    next_day,
    pair_keys,
    shunned_pairs,
    split_pairs,
)

if TYPE_CHECKING:
    from mimic.next_day import NextDay

__all__ = ["DECAYED", "KEPT", "UNDONE", "BalancedSample", "dealings", "exposures", "log_odds_by_feature"]
__all__ += ["chance_to_interact"]

Keys = NDArray[np.int64]
Floats = NDArray[np.float64]


# ---------------------------------------------------------------- looking


def exposures(data: DataLoader, pairs: Keys) -> NDArray[np.int64]:
    """Tweets by the other that the source was shown within 30 days, for ascending pairs: int64[E]."""
    place, there = rows_of(pairs, EdgeLog.of(data, "impressions").pair)
    return np.bincount(place[there], minlength=len(pairs))


def dealings(data: DataLoader, user_ids: Mapping[str, int]) -> pd.DataFrame:
    """What has passed, within 30 days, between some people and those whom they follow.

    Args:
        data: the snapshot.
        user_ids: name to user id.

    Returns:
        One row a name, and one for everybody: how many they follow; how many of these were never shown to
        them, shown but never answered, answered once, answered more often.
    """
    pairs = np.sort(pair_keys(data, data.follows["follower"], data.follows["followed"]))
    log = EdgeLog.of(data, "interactions")
    place, there = rows_of(pairs, log.pair[log.among(INTERACTIONS)])
    answers = np.bincount(place[there], minlength=len(pairs))
    shown, sources = exposures(data, pairs) > 0, split_pairs(data, pairs)[0]
    columns = {
        "follows": np.ones(len(pairs), bool),
        "never shown": ~shown & (answers == 0),
        "never answered": shown & (answers == 0),
        "answered once": answers == 1,
        "more often": answers > 1,
    }
    of = {name: sources == data.user_row(user) for name, user in user_ids.items()}
    of["everybody"] = np.ones(len(pairs), bool)
    table = {
        who: {name: int((column & rows).sum()) for name, column in columns.items()}
        for who, rows in of.items()
    }
    return pd.DataFrame.from_dict(table, orient="index")


def log_odds_by_feature(model: HingedLogit, features: Floats) -> pd.DataFrame:
    """What each feature adds to the log-odds of some pairs; with the intercept they sum to the score.

    Args:
        model: one of a TieModel's two regressions.
        features: float64[n, F], from `edge_features`.

    Returns:
        One row a feature and one for the intercept, one column a pair.
    """
    slopes = model.weights[1 : 1 + len(model.center)]
    bends = model.weights[1 + len(model.center) :].reshape(model.knots.shape)
    lines = (features - model.center) / model.scale * slopes
    broken = np.maximum(features[:, :, None] - model.knots, 0.0) / model.scale[:, None] * bends
    table = pd.DataFrame((lines + broken.sum(axis=2)).T, index=list(EDGE_FEATURES))
    table.loc["intercept"] = model.weights[0]
    return table


# ---------------------------------------------------------------- Twitter's sample


@dataclass(frozen=True, kw_only=True, eq=False)
class BalancedSample:
    """About as many pairs that interacted the next day as pairs that did not, as Twitter draws them."""

    pairs: Keys
    """int64[n]."""
    features: Floats
    """float64[n, F], as of each pair's own morning."""
    interacted: NDArray[np.bool_]
    """bool[n]."""
    share: float
    """π, the share of all candidates that interacted: what the balance hides."""

    @classmethod
    def of(
        cls, data: DataLoader, *, mornings: int, sources: NDArray[np.bool_], rng: np.random.Generator
    ) -> BalancedSample:
        """Of the last mornings before a snapshot, and of some sources (bool[users]).

        Pairs that interacted are kept with probability 1 − π and the others with π (train_model.sql), π
        being the share of each morning; edges with a block or a mute are left out.
        """
        parts, happened, rows = [], 0, 0
        for back in range(mornings, 0, -1):
            then, later = (data.as_of(data.now - days * DAY_MS) for days in (back, back - 1))
            pairs = np.setdiff1d(candidate_pairs(then), shunned_pairs(then), assume_unique=True)
            pairs = pairs[sources[split_pairs(data, pairs)[0]]]
            interacted = rows_of(next_day(then, later)[0], pairs)[1]
            share = interacted.mean()
            keep = rng.random(len(pairs)) < np.where(interacted, 1 - share, share)
            parts.append((pairs[keep], edge_features(then, pairs[keep]), interacted[keep]))
            happened, rows = happened + int(interacted.sum()), rows + len(pairs)
        kept, features, answers = (np.concatenate(part) for part in zip(*parts, strict=True))
        return cls(pairs=kept, features=features, interacted=answers, share=happened / rows)


# ---------------------------------------------------------------- the truth


class Truth(Protocol):
    """What an oracle is asked."""

    def probabilities(self, user_ids: Any, tweet_ids: Any, at: Any, position: Any = 0) -> pd.DataFrame:
        """True probability of each response."""
        ...


def chance_to_interact(truth: Truth, data: DataLoader, pairs: Keys) -> Floats:
    """True probability that pairs interact the next day, told what will be shown where: float64[E].

    One minus the chance that every tweet shown goes without an answer; 0 for pairs that do not meet. Fatigue
    is left out. Nobody can know so much in the morning.
    """
    later = data.as_of(data.now + DAY_MS)
    rows = np.arange(len(data.impressions), len(later.impressions))
    user, tweet = (later.impressions[name][rows] for name in ("user", "tweet"))
    place, there = rows_of(pairs, pair_keys(data, user, later.tweets["author"][tweet]))
    rows, place, user, tweet = rows[there], place[there], user[there], tweet[there]
    if not len(rows):
        return np.zeros(len(pairs))
    chances = truth.probabilities(
        later.users["user_id"][user],
        later.tweets["tweet_id"][tweet],
        later.impressions["shown_at"][rows],
        later.impressions["position"][rows],
    )
    silence = np.log1p(-chances[list(INTERACTIONS)].to_numpy().clip(max=1 - 1e-9)).sum(axis=1)
    return np.asarray(-np.expm1(np.bincount(place, silence, len(pairs))), np.float64)


# ---------------------------------------------------------------- warm-up: what is left


def _mine(data: DataLoader, user_id: int = 42) -> EdgeLog:
    """The last 30 days of one source's answers, dislikes left out."""
    log = EdgeLog.of(data, "interactions")
    rows = log.among(INTERACTIONS) & (log.source == data.user_row(user_id))
    parts = {name: getattr(log, name)[rows] for name in ("source", "other", "age", "kind")}
    return EdgeLog(users=log.users, **parts)


def _left(data: DataLoader, weigh: Callable[[NDArray[np.int64]], NDArray[Any]]) -> float:
    return float(np.sum(weigh(_mine(data).age)))


_RTOL: Final = 2e-3
"""Room for an answer with three digits."""

DECAYED: Final[Exercise[DataLoader]] = Exercise(
    solve=lambda data: _left(data, lambda age: DECAY**age),
    read=number,
    agrees=close_to(_RTOL),
    misconceptions=(
        number_from(
            lambda data: _left(data, np.ones_like),
            "This counts them all alike. Each is worth .955 to the power of its age in days.",
            _RTOL,
        ),
        number_from(
            lambda data: float((EdgeLog.of(data, "interactions").source == data.user_row(42)).sum()),
            "This counts every row of hers, dislikes too, and all alike. Take those `among(INTERACTIONS)`, "
            "each worth .955 to the power of its age in days.",
            _RTOL,
        ),
        number_from(
            lambda data: _left(data, lambda age: 0.5 ** (age / 7)),
            "This takes the comment at its word: half after seven days. The constant says something else.",
            _RTOL,
        ),
        number_from(
            lambda data: _left(data, lambda age: DECAY ** (age + 1)),
            "Nearly: you weigh today's answers down, too. Day 0 counts in full.",
            _RTOL,
        ),
        number_from(
            lambda data: float(len(np.unique(_mine(data).age))),
            "This is the number of days with an answer, one of the eight columns. Here each answer counts, "
            "less with each day.",
            _RTOL,
        ),
        number_from(
            lambda data: float(len(np.unique(_mine(data).other))),
            "This is the number of people whom she answered.",
            _RTOL,
        ),
    ),
    praise="That is what the rollup holds of her month: old answers fade, none is forgotten at once.",
    hint='Not this one. Take rows of `EdgeLog.of(data, "interactions")` whose `source` is her row and that '
    "are `among(INTERACTIONS)`, and add up their `weight`.",
)
"""What is left today of all that Mara answered within 30 days."""


# ---------------------------------------------------------------- build: undo another balance

KEPT: Final = 0.02
"""Share of the pairs without an interaction that the exercise keeps."""


def _said(day: NextDay) -> tuple[Floats, Floats]:
    """True probabilities, and what a perfect model says that saw all interactions and few of the others."""
    p = day.scores["tie"]
    return p, p / (p + (1 - p) * KEPT)


def _applied(answer: object, day: NextDay) -> Floats:
    if not callable(answer):
        raise WrongKind(f"A function was expected, `undo(p, kept)`, got {type(answer).__name__}.")
    _, said = _said(day)
    try:
        found = np.asarray(answer(said, KEPT), np.float64)
    except Exception as error:
        raise WrongKind(f"Calling your function failed: {type(error).__name__}: {error}.") from error
    if found.shape != said.shape:
        raise WrongKind(f"It was given {len(said)} probabilities and returned shape {found.shape}.")
    return found


def _is(compute: Callable[[Floats], Any], message: str) -> Misconception[NextDay]:
    """The misconception of those whose function computes this from what the model says."""
    return Misconception(lambda found, day: bool(np.allclose(found, compute(_said(day)[1]))), message)


UNDONE: Final[Exercise[NextDay]] = Exercise(
    solve=lambda day: _said(day)[0],
    read=_applied,
    agrees=lambda found, p: bool(np.allclose(found, p, rtol=1e-6)),
    misconceptions=(
        _is(
            lambda p: p,
            "This returns what it was given: still the probability among the rows that were kept.",
        ),
        _is(
            lambda p: p * KEPT,
            "You scale the probability. What the sample multiplied are the odds, p / (1 − p): scale those.",
        ),
        _is(
            lambda p: p / (1 - p) * KEPT,
            "These are the right odds. Turn them back into probabilities: odds / (1 + odds).",
        ),
        _is(
            lambda p: p / (p + (1 - p) * KEPT),
            "The wrong way round: this makes the sample's promise larger still. The sample is too rich in "
            "interactions.",
        ),
        _is(
            lambda p: p * KEPT / (p * KEPT + (1 - p) * (1 - KEPT)),
            "This undoes Twitter's balance, in which interactions were thinned, too. Here all were kept.",
        ),
        Misconception(
            lambda found, _: bool(((found < 0) | (found > 1) | np.isnan(found)).any()),
            "Some of these are no probabilities: they lie outside of 0 and 1.",
        ),
    ),
    praise="Whoever throws rows away must know how many, and then nothing is lost but certainty.",
    hint="Not this one. Thinning the others by a factor multiplies the odds by its inverse. Divide it out.",
)
"""A function that turns the probabilities of a thinned sample into those of all pairs."""

"""Exercises that know what went wrong: an answer is compared with what each misconception would say.

An exercise never holds its answer. It computes it from the reader's own data, so it works for any seed
and preset, and it computes in the same way what somebody answers who divides by the wrong thing or reads
the wrong column. An answer that equals one of those gets the message that belongs to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from mimic.markup import FAINT, div, frame, tag, text
from mimic.palette import GRAPH, OUT_OF_NETWORK

__all__ = ["Exercise", "Misconception", "Outcome", "WrongKind", "close_to", "number", "number_from"]

Data = TypeVar("Data")


class WrongKind(ValueError):
    """An answer of the wrong kind; the message says what was expected."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of an answer: truthy when it is right, and a message either way."""

    right: bool
    message: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'Right.' if self.right else 'Not yet.'} {self.message}"

    def _repr_html_(self) -> str:
        colour = GRAPH if self.right else OUT_OF_NETWORK
        mark = tag("b", "✔ Right." if self.right else "✘ Not yet.")
        edge = f"border-left:5px {'solid' if self.right else 'dashed'} {colour}"
        return frame(div(f"{mark} {text(self.message)}", f"{edge};background:{FAINT};padding:.6em .9em"))


@dataclass(frozen=True)
class Misconception(Generic[Data]):
    """A wrong idea that an answer can give away."""

    fits: Callable[[Any, Data], bool]
    """Whether an answer comes from this idea. It gets the answer as read, and the reader's data."""
    message: str
    """What to tell them: what they found, and what was asked. Never the answer."""


@dataclass(frozen=True, kw_only=True)
class Exercise(Generic[Data]):
    """A question with an answer that is computed from the reader's data."""

    solve: Callable[[Data], Any]
    """The right answer."""
    misconceptions: tuple[Misconception[Data], ...]
    """The first one that fits speaks, so the most specific ones come first."""
    praise: str
    """Said when the answer is right: what it means."""
    hint: str
    """Said when it is wrong in a way that nobody has foreseen."""
    read: Callable[[object, Data], Any]
    """Turns what was handed in into something that can be compared, or raises WrongKind."""
    agrees: Callable[[Any, Any], bool]
    """Whether two answers are the same."""

    def check(self, answer: object, data: Data) -> Outcome:
        """Check an answer.

        Args:
            answer: what the reader found.
            data: what it was found in.
        """
        try:
            given = self.read(answer, data)
        except WrongKind as wrong:
            return Outcome(right=False, message=str(wrong))
        if self.agrees(given, self.solve(data)):
            return Outcome(right=True, message=self.praise)
        fitting = (idea.message for idea in self.misconceptions if idea.fits(given, data))
        return Outcome(right=False, message=next(fitting, self.hint))


def number_from(compute: Callable[[Data], float], message: str, rtol: float = 0.0) -> Misconception[Data]:
    """The misconception of those who answer what `compute` gives, within a relative tolerance."""
    agrees = close_to(rtol)
    return Misconception(lambda answer, data: agrees(answer, compute(data)), message)


def number(answer: object, _data: object) -> float:
    """Read one number: a Python or numpy one, or an array that holds a single one.

    Raises WrongKind for everything else, and for a number that is not finite.
    """
    try:
        values = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        raise WrongKind(f"A number was expected, got {type(answer).__name__}.") from None
    if values.size != 1:
        raise WrongKind(f"One number was expected, got {values.size}.")
    if not np.isfinite(values).all():
        raise WrongKind("The number is not finite: somewhere a missing value or a division by 0 came in.")
    return float(values.reshape(())[()])


def close_to(rtol: float) -> Callable[[float, float], bool]:
    """Agreement of numbers within a relative tolerance, for answers that may have been rounded."""
    return lambda one, other: bool(np.isclose(one, other, rtol=rtol, atol=1e-12))

"""The record of one request: every step with its numbers, every candidate with its fate.

Nothing vanishes. Each tweet that a source fetched has exactly one fate: shown, removed by a named
component for a stated reason, left over when the budget was spent, or ranked too low. Hence

    shown + removed + over budget + not selected = fetched

holds by construction, and a test says so for random pipelines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mimic.errors import MimicError

__all__ = ["NOT_SELECTED", "OVER_BUDGET", "REMOVED", "SHOWN", "Cause", "Recorder", "Step", "Trace"]

SHOWN: Final = "shown"
REMOVED: Final = "removed"
OVER_BUDGET: Final = "over budget"
NOT_SELECTED: Final = "not selected"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One component at work on one request."""

    stage: str
    """Kind of component: gate, source, merge, budget, hydrate, filter, score, post filter,
    select, late filter, feed."""
    name: str
    """The component."""
    entered: int
    """Candidates that came in; for a source, the tweets that it searched."""
    left: int
    """Candidates that went on."""
    ms: float
    """Time that it took, milliseconds."""
    note: str = ""
    """What else there is to say, such as an error."""
    traceback: str = ""
    """Where the error came from, when a source failed."""

    @property
    def removed(self) -> int:
        """Candidates that ended here."""
        return self.entered - self.left


@dataclass(frozen=True)
class Cause:
    """An end that candidates can meet: which step, what fate, and why."""

    step: int
    """Position in `Trace.steps`; −1 for a candidate that is still on its way."""
    fate: str
    """One of SHOWN, REMOVED, OVER_BUDGET, NOT_SELECTED."""
    reason: str
    """For people: "you saw it in the last 48 hours"."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """What happened to a request, step by step, and to each of the n candidates fetched."""

    steps: tuple[Step, ...]
    """In order of work."""
    causes: tuple[Cause, ...]
    """The ends that candidates met."""
    ends: NDArray[np.int16]
    """int16[n]: position in `causes` of each candidate, in the order of `feed.candidates`."""

    @property
    def fates(self) -> NDArray[np.str_]:
        """str[n]: what became of each candidate."""
        return np.array([cause.fate for cause in self.causes], dtype=np.str_)[self.ends]

    @property
    def reasons(self) -> NDArray[np.str_]:
        """str[n]: why."""
        return np.array([cause.reason for cause in self.causes], dtype=np.str_)[self.ends]

    @property
    def ms(self) -> float:
        """Milliseconds of all steps together."""
        return sum(step.ms for step in self.steps)

    @property
    def stopped(self) -> str:
        """Why no source was asked: what the product's own closed gate said. Empty when they were."""
        if any(step.stage == "merge" for step in self.steps):
            return ""
        return next((step.note for step in reversed(self.steps) if step.stage == "gate"), "")

    def table(self) -> pd.DataFrame:
        """One row a component: stage, name, in, out, removed, ms. For sources *in* is tweets searched."""
        return pd.DataFrame(
            {
                "stage": [step.stage for step in self.steps],
                "name": [step.name for step in self.steps],
                "in": [step.entered for step in self.steps],
                "out": [step.left for step in self.steps],
                "removed": [step.removed for step in self.steps],
                "ms": [round(step.ms, 3) for step in self.steps],
            }
        )

    def removals(self) -> pd.DataFrame:
        """One row an end that candidates met, being shown among them: stage, name, fate, reason, count.

        The counts add up to all that was fetched; whoever wants only what was lost leaves out the fate
        "shown".
        """
        counts = np.bincount(self.ends, minlength=len(self.causes))
        met = [(cause, int(count)) for cause, count in zip(self.causes, counts, strict=True) if count]
        return pd.DataFrame(
            {
                "stage": [self.steps[cause.step].stage for cause, _ in met],
                "name": [self.steps[cause.step].name for cause, _ in met],
                "fate": [cause.fate for cause, _ in met],
                "reason": [cause.reason for cause, _ in met],
                "count": [count for _, count in met],
            }
        )

    def loss(self, values: ArrayLike) -> pd.DataFrame:
        """Where value was lost: `values` float[n] is what each candidate of `feed.candidates` is worth.

        One row a step at which candidates ended: stage, name, removed, lost (their summed value)
        and left (the value of all that went on). NaN counts as nothing. The recommender cannot
        know true values; whoever can (an oracle, a held-out log) passes them in.

        Raises MimicError when there is not one value a candidate.
        """
        worth = np.nan_to_num(np.asarray(values, np.float64))
        if worth.shape != self.ends.shape:
            raise MimicError(f"values must have shape {self.ends.shape}, one a candidate, got {worth.shape}")
        step_of_cause = np.array([cause.step for cause in self.causes])
        shown = np.array([cause.fate == SHOWN for cause in self.causes])[self.ends]
        steps = step_of_cause[self.ends][~shown]
        removed = np.bincount(steps, minlength=len(self.steps))
        lost = np.bincount(steps, worth[~shown], minlength=len(self.steps))
        left = worth.sum() - np.cumsum(lost)
        ended = np.flatnonzero(removed)
        return pd.DataFrame(
            {
                "stage": [self.steps[i].stage for i in ended],
                "name": [self.steps[i].name for i in ended],
                "removed": removed[ended],
                "lost": lost[ended],
                "left": left[ended],
            }
        )

    def __repr__(self) -> str:
        return str(self.table().to_string(index=False))

    def _repr_html_(self) -> str:
        from mimic.show import trace_html

        return trace_html(self)


class Recorder:
    """Writes a trace while a request runs."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.causes: list[Cause] = []
        self._since = perf_counter()

    def start(self) -> None:
        """Begin to time the next step."""
        self._since = perf_counter()

    def step(
        self, stage: str, name: str, entered: int, left: int, *, note: str = "", traceback: str = ""
    ) -> None:
        """Record a step that took the time since `start`."""
        ms = (perf_counter() - self._since) * 1e3
        self.steps.append(
            Step(stage=stage, name=name, entered=entered, left=left, ms=ms, note=note, traceback=traceback)
        )

    def ends(self, fate: str, reasons: Sequence[str]) -> int:
        """Name the ends that candidates meet at the latest step; returns the number of the first."""
        first = len(self.causes)
        self.causes.extend(Cause(len(self.steps) - 1, fate, reason) for reason in reasons)
        return first

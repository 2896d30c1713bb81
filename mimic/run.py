"""One request on its way through a `MixerPipeline`: applies the deltas and writes down each step.

This is the only place where a batch of candidates is changed, and it keeps books like a shop:
what is taken off the shelf is written down, with the reason (`mimic.trace`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from mimic.batch import SCORE, Array, Candidates, Query, scatter
from mimic.contracts import RANK, check_hydrated, check_order, check_scored, check_verdicts, name_of
from mimic.data_loader import DataLoader
from mimic.errors import UnknownColumn
from mimic.feed import Feed, Written
from mimic.trace import NOT_SELECTED, OVER_BUDGET, REMOVED, SHOWN, Recorder, Trace

if TYPE_CHECKING:
    from mimic.pipeline import CandidatePipeline, Filter, Gate, Hydrator, MixerPipeline, ScoringPipeline

__all__ = ["Run", "merge", "passes"]


def passes(gate: Gate, query: Query, recorder: Recorder, *, to: str) -> bool:
    """Ask a gate and record its answer; `to` names what stands behind it."""
    recorder.start()
    reason = gate.closed(query)
    recorder.step("gate", f"{name_of(gate)} to {to}", 1, 0 if reason else 1, note=reason)
    return not reason


@contextmanager
def _asking(component: object, method: str) -> Iterator[None]:
    """Names the component that asks for a column which nobody has written."""
    try:
        yield
    except UnknownColumn as error:
        raise UnknownColumn(f"{name_of(component)}.{method}: {error}") from error


class Run:
    """The state of one request: who is still in the race, and what became of the others."""

    def __init__(self, pipeline: MixerPipeline, query: Query) -> None:
        self.pipeline = pipeline
        self.query = query
        self.recorder = Recorder()
        self.written: list[Written] = []
        self._start_from(Candidates(data=pipeline.data, rows=np.zeros(0, np.int64)))

    def _start_from(self, fetched: Candidates) -> None:
        self.fetched = fetched
        self.batch = fetched
        """Candidates that are still in the race."""
        self.places = np.arange(len(fetched))
        """Where each of them stands among the fetched."""
        self.ends = np.full(len(fetched), -1, np.int16)

    def fetch(self) -> None:
        """Ask the sources, merge what they found, and spend the budget."""
        answers = [(part.name, self._ask(part)) for part in self.pipeline.sources]
        for part in self.pipeline.backfill:
            if len(merge(self.pipeline.data, answers)) < self.pipeline.budget:
                answers.append((part.name, self._ask(part)))
            else:
                self.recorder.start()
                self.recorder.step(
                    "source", part.name, 0, 0, note="not asked: the budget was full without it"
                )
        self.recorder.start()
        self._start_from(merge(self.pipeline.data, answers))
        everything = sum(len(found) for _, found in answers)
        self.recorder.step("merge", "distinct tweets", everything, len(self.fetched))
        self.recorder.start()
        over = np.arange(len(self.fetched)) >= self.pipeline.budget
        self._keep("budget", "budget", over.astype(np.int8), OVER_BUDGET, ["no room left in the budget"])

    def _ask(self, part: CandidatePipeline) -> Candidates:
        return part.run(self.query, self.pipeline.data, self.recorder, strict=self.pipeline.strict)

    def hydrate(self, hydrator: Hydrator) -> None:
        """Add facts."""
        self.recorder.start()
        with _asking(hydrator, "hydrate"):
            columns = hydrator.hydrate(self.query, self.batch)
        self._write("hydrate", check_hydrated(hydrator, columns, len(self.batch), self.batch.columns.keys()))
        self.recorder.step("hydrate", name_of(hydrator), len(self.batch), len(self.batch))

    def score(self, pipeline: ScoringPipeline) -> None:
        """Let a scoring pipeline's scorers speak one after the other, unless a gate is closed."""
        if not all(passes(gate, self.query, self.recorder, to="scores") for gate in pipeline.gates):
            return
        for hydrator in pipeline.hydrators:
            self.hydrate(hydrator)
        for scorer in pipeline.scorers:
            self.recorder.start()
            with _asking(scorer, "score"):
                answer = scorer.score(self.query, self.batch)
            columns = check_scored(scorer, answer, len(self.batch))
            latest = {SCORE: columns[SCORE]} if SCORE in columns else {}
            named = {f"{scorer.name}.{name}": column for name, column in columns.items()}
            self._write("score", named | latest)
            self.recorder.step("score", scorer.name, len(self.batch), len(self.batch))

    def filter(self, stage: str, filter_: Filter) -> None:
        """Take out what a filter removes."""
        self.recorder.start()
        with _asking(filter_, "keep"):
            answer = filter_.keep(self.query, self.batch)
        code, reasons = check_verdicts(filter_, answer, len(self.batch))
        self._keep(stage, name_of(filter_), code, REMOVED, reasons)

    def select(self) -> None:
        """Put the batch in order."""
        self.recorder.start()
        selector = self.pipeline.selector
        entered = len(self.batch)
        with _asking(selector, "select"):
            answer = selector.select(self.query, self.batch)
        order = check_order(selector, answer, entered)
        left_out = np.delete(self.places, order)
        self.batch, self.places = self.batch.take(order), self.places[order]
        self.recorder.step("select", name_of(selector), entered, len(order))
        self.ends[left_out] = self.recorder.ends(NOT_SELECTED, ["the selector left it out"])

    def feed(self) -> Feed:
        """Cut at the size that was asked for and close the books."""
        self.recorder.start()
        size, entered = self.query.size, len(self.places)
        shown = self.places[:size]
        self.recorder.step("feed", "first by order", entered, len(shown))
        self.ends[shown] = self.recorder.ends(SHOWN, ["in the feed"])
        self.ends[self.places[size:]] = self.recorder.ends(NOT_SELECTED, [f"ranked below place {size}"])
        steps, causes = tuple(self.recorder.steps), tuple(self.recorder.causes)
        return Feed(
            query=self.query,
            data=self.pipeline.data,
            fetched=self.fetched,
            written=tuple(self.written),
            places=shown,
            trace=Trace(steps=steps, causes=causes, ends=self.ends),
            sources=(*self.pipeline.sources, *self.pipeline.backfill),
        )

    def _write(self, stage: str, columns: dict[str, Array]) -> None:
        self.written.append(Written(stage, self.places, columns))
        self.batch = self.batch.with_columns(columns)

    def _keep(self, stage: str, name: str, code: Array, fate: str, reasons: Sequence[str]) -> None:
        entered = len(self.batch)
        keep = code == 0
        removed, codes = self.places[~keep], code[~keep]
        if len(removed):
            self.batch, self.places = self.batch.take(keep), self.places[keep]
        self.recorder.step(stage, name, entered, len(self.batch))
        self.ends[removed] = self.recorder.ends(fate, reasons) + codes.astype(np.int16) - 1


def merge(data: DataLoader, answers: Sequence[tuple[str, Candidates]]) -> Candidates:
    """One batch from the sources' answers: a tweet found twice is one candidate with two finders.

    Candidates stand in the order in which they were first found. Each source's columns come along
    under its name, with its rank: "graph.rank", from 1.
    """
    rows = np.concatenate([np.zeros(0, np.int64), *(found.rows for _, found in answers)])
    distinct, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    by_first = np.argsort(first, kind="stable")
    place = np.empty(len(distinct), np.int64)
    place[by_first] = np.arange(len(distinct))
    place = place[inverse]  # of each answer among the merged
    bits = np.zeros(len(distinct), np.uint32)
    columns: dict[str, Array] = {}
    start = 0
    for bit, (name, found) in enumerate(answers):
        mine = place[start : start + len(found)]
        start += len(found)
        bits[mine] |= np.uint32(1 << bit)
        columns[f"{name}.{RANK}"] = scatter(np.arange(1, len(found) + 1), mine, len(distinct))
        for column, values in found.columns.items():
            columns[f"{name}.{column}"] = scatter(values, mine, len(distinct))
    names = tuple(name for name, _ in answers)
    return Candidates(data=data, rows=distinct[by_first], columns=columns, finders=names, found=bits)

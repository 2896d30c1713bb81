"""READ FIRST. The framework: one request, from a query to a feed, with every tweet accounted for.

    query ─ gates ─ sources ─ merge ─ budget ─ hydrate ─ filter ─ score ─ filter ─ select ─ late filter ─ feed

**Components return deltas, and only the pipeline applies them.** A filter returns which rows to
keep; it never gets its hands on the list, so it cannot reorder it or lose what it dropped:

    component         method                       returns                          so it cannot
    CandidateSource   fetch(query)                 Candidates, best first           see the others
    Hydrator          hydrate(query, candidates)   new columns                      drop, reorder
    Filter            keep(query, candidates)      bool[n] or Verdicts              rescore, reorder
    Scorer            score(query, candidates)     score columns                    drop, reorder
    Selector          select(query, candidates)    places in the batch, in order    invent, duplicate
    Gate              closed(query)                why to stop, or ""               touch candidates

A component is a frozen dataclass whose fields are its configuration; try another value with
`dataclasses.replace`. This module knows none of them: `mimic.product` puts them together.

After Twitter's Product Mixer (product-mixer/core/src/main/scala/com/twitter/product_mixer/core/
pipeline). There, mixer, recommendation, candidate and scoring pipelines each have their own
config classes and run concurrently; here one process runs them in the order written.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mimic.batch import Array, Candidates, Query, Verdicts
from mimic.contracts import check_found, check_same_moment, name_of
from mimic.data_loader import DataLoader
from mimic.errors import MimicError
from mimic.feed import Feed
from mimic.run import Run, passes
from mimic.trace import Recorder, Trace

__all__ = [
    "Array",
    "CandidatePipeline",
    "CandidateSource",
    "Candidates",
    "Feed",
    "Filter",
    "Gate",
    "Hydrator",
    "MixerPipeline",
    "Query",
    "Scorer",
    "ScoringPipeline",
    "Selector",
    "Trace",
    "Verdicts",
]


class CandidateSource(Protocol):
    """Finds tweets that might be worth showing."""

    @property
    def name(self) -> str:
        """A short name, used in columns and figures: "in_network"."""
        ...

    def fetch(self, query: Query) -> Candidates:
        """Distinct tweets, best first, up to the source's own limit; `searched` says out of how many."""
        ...

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why `fetch` does not return this tweet, for people."""
        ...


class Hydrator(Protocol):
    """Adds facts to candidates."""

    def hydrate(self, query: Query, candidates: Candidates) -> Mapping[str, Array]:
        """New columns, each of length n."""
        ...


class Filter(Protocol):
    """Removes candidates, each for a reason that can be told. A `reason` field words a bool answer."""

    def keep(self, query: Query, candidates: Candidates) -> Array | Verdicts:
        """bool[n], true to keep, or Verdicts when there are several reasons."""
        ...


class Scorer(Protocol):
    """Says how good candidates are. Later scorers see earlier scores."""

    @property
    def name(self) -> str:
        """A short name, put before its columns: "heuristic" writes "heuristic.topic"."""
        ...

    def score(self, query: Query, candidates: Candidates) -> Mapping[str, Array]:
        """Float columns; the one called "score" is what selectors sort by. NaN: «I cannot say»."""
        ...


class Selector(Protocol):
    """Puts candidates in order."""

    def select(self, query: Query, candidates: Candidates) -> Array:
        """Places in the batch, best first. All of them, so that late filters can be refilled."""
        ...


class Gate(Protocol):
    """Decides whether a pipeline runs at all for this request."""

    def closed(self, query: Query) -> str:
        """Why the pipeline stops here, or "" to let the request pass."""
        ...


@dataclass(frozen=True, kw_only=True)
class CandidatePipeline:
    """A source behind gates. Only here is a failure caught: it costs the source's tweets, not the feed."""

    source: CandidateSource
    gates: tuple[Gate, ...] = ()

    @property
    def name(self) -> str:
        """The source's name."""
        return self.source.name

    def run(self, query: Query, data: DataLoader, recorder: Recorder, *, strict: bool) -> Candidates:
        """The source's candidates; none when a gate is closed or when it failed, with a line in the trace.

        With `strict` the failure is raised.
        """
        nothing = Candidates(data=data, rows=np.zeros(0, np.int64))
        if not all(passes(gate, query, recorder, to=self.name) for gate in self.gates):
            return nothing
        recorder.start()
        try:
            found = check_found(self.source, self.source.fetch(query), data)
        except Exception as error:  # whatever a source does, the feed goes on
            if strict:
                raise
            note = f"failed: {type(error).__name__}: {error}"
            recorder.step("source", self.source.name, 0, 0, note=note, traceback=traceback.format_exc())
            return nothing
        recorder.step("source", self.source.name, max(found.searched, len(found)), len(found))
        return found

    def explain(self, query: Query, tweet_id: int) -> str:
        """Why this pipeline did not bring a tweet."""
        reasons = [reason for gate in self.gates if (reason := gate.closed(query))]
        return reasons[0] if reasons else self.source.explain(query, tweet_id)


@dataclass(frozen=True, kw_only=True)
class ScoringPipeline:
    """Scorers that belong together, with the facts that they need and the gates that can skip them."""

    scorers: tuple[Scorer, ...]
    hydrators: tuple[Hydrator, ...] = ()
    gates: tuple[Gate, ...] = ()


def _check_wrapped(parts: Sequence[object], wanted: type, inside: str) -> None:
    for part in parts:
        if not isinstance(part, wanted):
            raise MimicError(f"{name_of(part)}: wrap it in {wanted.__name__}({inside})")


@dataclass(frozen=True, kw_only=True)
class MixerPipeline:
    """The whole way from a query to a feed. Build one with `mimic.for_you`, or by hand.

    `run` changes nothing, so the same query always gives the same feed. Raises MimicError when a part
    was built on another snapshot than `data`, is not wrapped as its stage wants, or shares its name.
    """

    data: DataLoader
    """The snapshot that requests are answered from."""
    gates: tuple[Gate, ...] = ()
    """A closed one means an empty feed."""
    sources: tuple[CandidatePipeline, ...]
    """Asked in this order, which is also the order in which the budget is spent."""
    backfill: tuple[CandidatePipeline, ...] = ()
    """Asked only while the sources leave room in the budget."""
    budget: int = 500
    """Distinct candidates that go on from the sources; the rest are over budget."""
    hydrators: tuple[Hydrator, ...] = ()
    filters: tuple[Filter, ...] = ()
    """Run before scoring, on facts."""
    scoring: tuple[ScoringPipeline, ...] = ()
    post_filters: tuple[Filter, ...] = ()
    """Run after scoring: they may look at scores."""
    selector: Selector
    late_filters: tuple[Filter, ...] = ()
    """Run on the selector's order; the feed is refilled from below what they remove."""
    strict: bool = False
    """Raise when a source fails, instead of going on without it. For tests and notebooks."""

    def __post_init__(self) -> None:
        _check_wrapped((*self.sources, *self.backfill), CandidatePipeline, "source=…")
        _check_wrapped(self.scoring, ScoringPipeline, "scorers=(…,)")
        for _, part in self.parts():
            check_same_moment(part, self.data)
        parts = [part.name for part in (*self.sources, *self.backfill)]
        parts += [scorer.name for pipeline in self.scoring for scorer in pipeline.scorers]
        if twice := {name for name in parts if parts.count(name) > 1}:
            raise MimicError(f"two parts are called {min(twice)!r}: their columns would have the same names")

    def run(self, query: Query) -> Feed:
        """Answer a request. Raises UnknownUser, and BrokenContract when a component misbehaves."""
        self.data.user_row(query.user_id)
        run = Run(self, query)
        if all(passes(gate, query, run.recorder, to="feed") for gate in self.gates):
            run.fetch()
            for hydrator in self.hydrators:
                run.hydrate(hydrator)
            for filter_ in self.filters:
                run.filter("filter", filter_)
            for pipeline in self.scoring:
                run.score(pipeline)
            for filter_ in self.post_filters:
                run.filter("post filter", filter_)
            run.select()
            for filter_ in self.late_filters:
                run.filter("late filter", filter_)
        return run.feed()

    def parts(self) -> list[tuple[str, object]]:
        """Stage and component, for every component in order of work; a source without its wrapping."""
        parts: list[tuple[str, Sequence[object]]] = [("gate", self.gates)]
        for stage, ways in (("source", self.sources), ("backfill", self.backfill)):
            for way in ways:
                parts += [("gate", way.gates), (stage, [way.source])]
        parts += [("hydrate", self.hydrators), ("filter", self.filters)]
        for scoring in self.scoring:
            parts += [("gate", scoring.gates), ("hydrate", scoring.hydrators), ("score", scoring.scorers)]
        parts += [("post filter", self.post_filters), ("select", [self.selector])]
        parts += [("late filter", self.late_filters)]
        return [(stage, part) for stage, members in parts for part in members]

    def components(self) -> list[tuple[str, str]]:
        """Stage and name of every component, in order of work."""
        return [(stage, name_of(part)) for stage, part in self.parts()]

    def __repr__(self) -> str:
        lines = [f"  {stage:<12} {name}" for stage, name in self.components()]
        return "\n".join([f"<MixerPipeline on {self.data.path.name}, budget {self.budget}", *lines, ">"])

    def _repr_html_(self) -> str:
        from mimic.show import pipeline_html

        return pipeline_html(self)

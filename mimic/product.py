"""The whole product on one screen: every part of the machine, in the order in which a request meets it."""

from __future__ import annotations

from collections.abc import Sequence

from mimic.candidates import GraphSource, InNetworkSource, OutOfNetworkSource, PopularSource
from mimic.data_loader import DataLoader
from mimic.features import AuthorHydrator, ProofHydrator, TweetHydrator, ViewerHydrator, author_rates
from mimic.filtering import (
    AgeFilter,
    BlockFilter,
    ContentBalanceFilter,
    DuplicateFilter,
    FollowsSomeone,
    MuteFilter,
    OwnFilter,
    SeenFilter,
    ServedFilter,
    TopSelector,
)
from mimic.pipeline import (
    CandidatePipeline,
    CandidateSource,
    Filter,
    MixerPipeline,
    Scorer,
    ScoringPipeline,
    Selector,
)
from mimic.retrieval.earlybird import TimeIndex
from mimic.retrieval.graph_jet import EngagementGraph
from mimic.retrieval.topic_popular import TopicPopular
from mimic.scoring import DiversityScorer, HeuristicScorer

__all__ = ["for_you"]


def for_you(
    data: DataLoader,
    *,
    sources: Sequence[CandidateSource | CandidatePipeline] | None = None,
    backfill: Sequence[CandidateSource | CandidatePipeline] | None = None,
    filters: Sequence[Filter] | None = None,
    scorers: Sequence[Scorer] | None = None,
    post_filters: Sequence[Filter] | None = None,
    selector: Selector | None = None,
    late_filters: Sequence[Filter] | None = None,
    budget: int = 500,
    strict: bool = False,
) -> MixerPipeline:
    """The «For You» feed of a snapshot. Whatever you pass takes the place of the part that stands below.

    `data` must be the snapshot that your own parts were built on. Building takes from milliseconds
    to a second; a request then takes milliseconds. With `strict`, a source that fails is raised.
    """
    graph, topics = EngagementGraph.of(data), TopicPopular.of(data)
    follows = (FollowsSomeone(data=data),)
    in_network = InNetworkSource(data=data, index=TimeIndex.of(data), limit=200)
    walk = GraphSource(data=data, graph=graph, limit=100)
    default_sources = (
        CandidatePipeline(source=in_network, gates=follows),
        CandidatePipeline(source=walk, gates=follows),
        CandidatePipeline(source=OutOfNetworkSource(data=data, index=topics)),
    )
    default_filters = (
        OwnFilter(data=data),
        AgeFilter(),
        SeenFilter(data=data),
        ServedFilter(),
        BlockFilter(data=data),
        MuteFilter(data=data),
    )
    facts = (
        TweetHydrator(data=data),
        ViewerHydrator(data=data),
        AuthorHydrator(rates=author_rates(data)),
        ProofHydrator(data=data, graph=graph),
    )
    return MixerPipeline(
        data=data,
        sources=_behind_gates(default_sources if sources is None else sources),
        backfill=_behind_gates([PopularSource(data=data, index=topics)] if backfill is None else backfill),
        budget=budget,
        hydrators=facts,
        filters=tuple(default_filters if filters is None else filters),
        scoring=(
            ScoringPipeline(
                scorers=tuple((HeuristicScorer(), DiversityScorer()) if scorers is None else scorers)
            ),
        ),
        post_filters=tuple([DuplicateFilter(data=data)] if post_filters is None else post_filters),
        selector=selector or TopSelector(),
        late_filters=tuple([ContentBalanceFilter()] if late_filters is None else late_filters),
        strict=strict,
    )


def _behind_gates(sources: Sequence[CandidateSource | CandidatePipeline]) -> tuple[CandidatePipeline, ...]:
    return tuple(
        part if isinstance(part, CandidatePipeline) else CandidatePipeline(source=part) for part in sources
    )

"""The whole product on one screen: every part of the machine, in the order in which a request meets it."""

from __future__ import annotations

from collections.abc import Sequence

from mimic.candidates import GraphSource, InNetworkSource, OutOfNetworkSource, PopularSource
from mimic.data_loader import DataLoader
from mimic.engines import Engine, SimClustersEngine, TopicEngine, TrendsEngine, TwoTowerEngine
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
from mimic.fits import early, late
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
from mimic.retrieval.light_ranker import LightRanker
from mimic.retrieval.real_graph import RealGraph
from mimic.retrieval.simclusters import SimClusters
from mimic.retrieval.stranger_ranker import StrangerRanker
from mimic.retrieval.topic_popular import TopicPopular
from mimic.retrieval.tower_rows import can_learn
from mimic.retrieval.trends import Trends
from mimic.retrieval.two_tower import TwoTower
from mimic.retrieval.uteg import Uteg
from mimic.scoring import DiversityScorer, HeuristicScorer

__all__ = ["behind_gates", "for_you", "sources_of", "stranger_ranker"]


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

    `data` must be the snapshot that your own parts were built on. Models that are missing are trained first,
    with a progress bar, which takes about a minute once; a request then takes milliseconds. With
    `strict`, a source that fails is raised.
    """
    graph, topics = EngagementGraph.of(data), TopicPopular.of(data)
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
        sources=behind_gates(sources_of(data) if sources is None else sources),
        backfill=behind_gates([PopularSource(data=data, index=topics)] if backfill is None else backfill),
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


def sources_of(data: DataLoader) -> tuple[CandidatePipeline, ...]:
    """The three sources of the product, with the models and indexes behind them.

    Models are of the late fit (`mimic.fits`), indexes of the snapshot itself. Before a platform's first
    response to a stranger there is nothing to learn from: then sources do without models.
    """
    topics = TopicEngine(data=data, index=TopicPopular.of(data))
    engines: tuple[Engine, ...] = (topics,)
    ties = ranker = strangers = None
    if can_learn(late(data)):
        ties = RealGraph.of(data, fitted=late(data))
        ranker = LightRanker.of(data, ties, fitted=late(data))
        towers = TwoTower.of(data)
        strangers = stranger_ranker(data, towers)
        engines = (
            TwoTowerEngine(data=data, index=towers),
            topics,
            SimClustersEngine(data=data, index=SimClusters.of(data), limit=500),
            TrendsEngine(data=data, index=Trends.of(data)),
        )
    uteg = Uteg.of(data, ties, ranker=ranker) if ties else None
    follows = (FollowsSomeone(data=data),)
    in_network = InNetworkSource(data=data, index=TimeIndex.of(data), ranker=ranker, limit=200)
    walk = GraphSource(data=data, graph=EngagementGraph.of(data), ties=ties, uteg=uteg, limit=100)
    return (
        CandidatePipeline(source=in_network, gates=follows),
        CandidatePipeline(source=walk, gates=follows),
        CandidatePipeline(source=OutOfNetworkSource(data=data, engines=engines, ranker=strangers)),
    )


def stranger_ranker(data: DataLoader, towers: TwoTower) -> StrangerRanker | None:
    """The light ranker of strangers' tweets; None where no days lie between the early fit and the late one.

    It learns what to make of the towers' opinion from days that the early towers have not seen.
    """
    if not can_learn(early(data)) or early(data).now >= late(data).now:
        return None
    return StrangerRanker.of(data, towers, early=early(data), fitted=late(data))


def behind_gates(sources: Sequence[CandidateSource | CandidatePipeline]) -> tuple[CandidatePipeline, ...]:
    """Sources that are not wrapped yet, wrapped without gates."""
    return tuple(
        part if isinstance(part, CandidatePipeline) else CandidatePipeline(source=part) for part in sources
    )

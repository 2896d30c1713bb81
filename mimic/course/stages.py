"""Where the course stands: the strip at the head of a chapter, and the product at its end."""

from __future__ import annotations

from typing import Any, Final

from mimic.candidates import GraphSource, InNetworkSource, OutOfNetworkSource
from mimic.data_loader import DataLoader
from mimic.engines import Engine, SimClustersEngine, TopicEngine, TwoTowerEngine
from mimic.errors import MimicError
from mimic.filtering import FollowsSomeone
from mimic.fits import late
from mimic.pipeline import CandidatePipeline, MixerPipeline
from mimic.product import for_you, sources_of
from mimic.retrieval.earlybird import TimeIndex
from mimic.retrieval.graph_jet import EngagementGraph
from mimic.retrieval.light_ranker import LightRanker
from mimic.retrieval.real_graph import RealGraph
from mimic.retrieval.simclusters import SimClusters
from mimic.retrieval.topic_popular import TopicPopular
from mimic.retrieval.two_tower import TwoTower
from mimic.retrieval.uteg import Uteg

__all__ = ["NEWEST_CHAPTER", "product_at", "strip"]

NEWEST_CHAPTER: Final = 10
"""The last chapter whose product can be built."""

_BRINGS: Final = {
    4: "the real graph of ties",
    5: "the light ranker of the in-network source",
    6: "SimClusters",
    7: "the two towers",
    8: "the search for nearest neighbours",
    9: "the walk from weighted seeds",
    10: "the mixed budget of 500 with its trends",
    11: "the feature table",
    12: "the heavy ranker",
    13: "the score made of many heads",
    14: "the safety models",
    15: "the visibility rules",
    16: "diversity and balance",
    17: "the whole machine",
}


def product_at(data: DataLoader, *, chapter: int, **parts: Any) -> MixerPipeline:
    """The product as it stands at the end of a chapter.

    Chapters 1 to 3 share the first product, which needs no training; 4 to 10 give it better sources, one
    a chapter.

    Args:
        data: the snapshot that requests are answered from.
        chapter: 1 and up.
        **parts: as for `for_you`, to take the place of the chapter's own.

    Raises:
        MimicError: there is no such chapter, or its product is still to come.
    """
    if 1 <= chapter <= NEWEST_CHAPTER:
        defaults: dict[str, Any] = {"strict": True}
        if "sources" not in parts:
            defaults["sources"] = _sources(data, chapter)
        return for_you(data, **(defaults | parts))
    if chapter in _BRINGS:
        raise MimicError(
            f"chapter {chapter} brings {_BRINGS[chapter]}, which is still to come; "
            f"the newest product is product_at(data, chapter={NEWEST_CHAPTER})"
        )
    raise MimicError(f"no chapter {chapter} changes the product; those that do are 1 … {max(_BRINGS)}")


def _sources(data: DataLoader, chapter: int) -> tuple[CandidatePipeline, ...]:
    """The sources of a chapter: those of the finished product, or what stood in their place before."""
    if chapter >= 10:
        return sources_of(data)
    fitted = late(data)
    ties = RealGraph.of(data, fitted=fitted) if chapter >= 4 else None
    ranker = LightRanker.of(data, ties, fitted=fitted) if ties and chapter >= 5 else None
    topics = TopicEngine(data=data, index=TopicPopular.of(data))
    engines: tuple[Engine, ...] = (topics,)
    if chapter >= 6:
        engines = (*engines, SimClustersEngine(data=data, index=SimClusters.of(data)))
    if chapter >= 7:
        engines = (TwoTowerEngine(data=data, index=TwoTower.of(data)), *engines)
    uteg = Uteg.of(data, ties, ranker=ranker) if ties and chapter >= 9 else None
    walk = GraphSource(data=data, graph=EngagementGraph.of(data), ties=ties, uteg=uteg)
    follows = (FollowsSomeone(data=data),)
    return (
        CandidatePipeline(
            source=InNetworkSource(data=data, index=TimeIndex.of(data), ranker=ranker), gates=follows
        ),
        CandidatePipeline(source=walk, gates=follows),
        CandidatePipeline(source=OutOfNetworkSource(data=data, engines=engines)),
    )


def strip(*stages: str) -> None:
    """Show the funnel in small with some stages lit: «you are here».

    Args:
        *stages: some of `mimic.plots.STAGES`; none lights them all.

    Raises:
        MimicError: there is no such stage.
    """
    from mimic import plots

    lit = "all of it" if not stages else " and ".join(stages)
    alt = f"Strip of the funnel, from tweets to a feed. You are here: {lit}."
    plots.show(plots.strip_figure(*stages), title=None, alt=alt)

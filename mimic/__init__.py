"""Mimic: a «For You» feed in small, from a folder of tables to twenty tweets and the reason for each.

    from mimic import DataLoader, Query, for_you

    data = DataLoader.open(path)
    feed = for_you(data).run(Query(user_id=42))

Read `mimic.pipeline` first. Everything that a notebook, a test from outside or another program may
rely on is listed in `__all__`; the parts to build with live in the modules named after their stage.
"""

from mimic.candidates import GraphSource, InNetworkSource, OutOfNetworkSource, PopularSource
from mimic.data_loader import DataLoader
from mimic.errors import (
    BadDataset,
    BadQuery,
    BrokenContract,
    MimicError,
    StaleArtifact,
    UnknownColumn,
    UnknownTweet,
    UnknownUser,
)
from mimic.filtering import (
    AgeFilter,
    BlockFilter,
    ContentBalanceFilter,
    DuplicateFilter,
    MuteFilter,
    OwnFilter,
    SeenFilter,
    ServedFilter,
    TopSelector,
)
from mimic.pipeline import (
    CandidatePipeline,
    Candidates,
    Feed,
    MixerPipeline,
    Query,
    ScoringPipeline,
    Trace,
    Verdicts,
)
from mimic.product import for_you
from mimic.scoring import VALUE_WEIGHTS, DiversityScorer, HeuristicScorer, RecencyScorer

__all__ = [
    "VALUE_WEIGHTS",
    "AgeFilter",
    "BadDataset",
    "BadQuery",
    "BlockFilter",
    "BrokenContract",
    "CandidatePipeline",
    "Candidates",
    "ContentBalanceFilter",
    "DataLoader",
    "DiversityScorer",
    "DuplicateFilter",
    "Feed",
    "GraphSource",
    "HeuristicScorer",
    "InNetworkSource",
    "MimicError",
    "MixerPipeline",
    "MuteFilter",
    "OutOfNetworkSource",
    "OwnFilter",
    "PopularSource",
    "Query",
    "RecencyScorer",
    "ScoringPipeline",
    "SeenFilter",
    "ServedFilter",
    "StaleArtifact",
    "TopSelector",
    "Trace",
    "UnknownColumn",
    "UnknownTweet",
    "UnknownUser",
    "Verdicts",
    "for_you",
]

"""Where the course stands: the strip at the head of a chapter, and the product at its end."""

from __future__ import annotations

from typing import Final

from mimic.data_loader import DataLoader
from mimic.errors import MimicError
from mimic.pipeline import MixerPipeline
from mimic.product import for_you

__all__ = ["NEWEST_CHAPTER", "product_at", "strip"]

NEWEST_CHAPTER: Final = 3
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


def product_at(data: DataLoader, *, chapter: int) -> MixerPipeline:
    """The product as it stands at the end of a chapter.

    Chapters 1 to 3 share the first product, which needs no training.

    Args:
        data: the snapshot that requests are answered from.
        chapter: 1 and up.

    Raises:
        MimicError: there is no such chapter, or its product is still to come.
    """
    if 1 <= chapter <= NEWEST_CHAPTER:
        return for_you(data, strict=True)
    if chapter in _BRINGS:
        raise MimicError(
            f"chapter {chapter} brings {_BRINGS[chapter]}, which is still to come; "
            f"the newest product is product_at(data, chapter={NEWEST_CHAPTER})"
        )
    raise MimicError(f"no chapter {chapter} changes the product; those that do are 1 … {max(_BRINGS)}")


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

"""What the world has decided about its tweets before a word is written."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from mimic.schema import LANGUAGES
from prep.topics import EVENTS, LEAVES

Codes = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TweetPlan:
    """One row a tweet, n rows; every field is an array of that length.

    Raises ValueError when lengths differ, a code is out of range, or an event's tweet is vague.
    """

    lang: Codes
    """int8[n], index into `mimic.schema.LANGUAGES`."""
    topic: npt.NDArray[np.int16]
    """int16[n], the true leaf, index into `prep.topics.LEAVES`."""
    clarity: Codes
    """int8[n]: the text says nothing of its topic (0), speaks of the root (1), of the leaf (2)."""
    length: npt.NDArray[np.int16]
    """int16[n], characters aimed at, at most 280; a language may scale it (Japanese needs fewer)."""
    wording: Codes
    """int8[n], from 0 (flat) to 3 (vivid)."""
    has_media: Bools
    """bool[n]; a flag only, no picture is made."""
    has_link: Bools
    """bool[n]; the text then ends in a link to a domain reserved for examples."""
    hashtag: Bools
    """bool[n]; the text then carries one hashtag, of the topic where clarity allows."""
    bait: Codes
    """int8[n]: none (0), mild (1) or strong (2) begging for engagement."""
    nsfw: Bools
    """bool[n], the truth; the text shows it only noisily."""
    toxic: Bools
    """bool[n], the truth; the text shows it only noisily."""
    is_reply: Bools
    """bool[n]; replies read as replies and never hold a word of `MUTABLE_WORDS`."""
    event: Codes
    """int8[n], index into `prep.topics.EVENTS`, or -1. Such tweets have clarity 2."""

    def __post_init__(self) -> None:
        sizes = {field.name: len(getattr(self, field.name)) for field in dataclasses.fields(self)}
        if len(set(sizes.values())) != 1:
            raise ValueError(f"all columns of a plan must have the same length, got {sizes}")
        limits = {
            "lang": (0, len(LANGUAGES) - 1),
            "topic": (0, len(LEAVES) - 1),
            "clarity": (0, 2),
            "wording": (0, 3),
            "bait": (0, 2),
            "event": (-1, len(EVENTS) - 1),
        }
        for name, (low, high) in limits.items():
            column = getattr(self, name)
            if len(column) and (column.min() < low or column.max() > high):
                raise ValueError(f"{name} must be in {low}…{high}, got {column.min()}…{column.max()}")
        if ((self.event >= 0) & (self.clarity < 2)).any():
            raise ValueError("a tweet about an event must have clarity 2")

    def __len__(self) -> int:
        return len(self.topic)

    def slice(self, start: int, stop: int) -> TweetPlan:
        """Rows `start` to `stop`, as views."""
        columns = {field.name: getattr(self, field.name)[start:stop] for field in dataclasses.fields(self)}
        return TweetPlan(**columns)

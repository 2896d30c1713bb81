"""The topic tree: 12 roots with 10 leaves each, in an order that never changes.

A leaf's number is its `topic_id` in every table. The tree is small enough to read at one go and wide
enough that two strangers rarely share their four to six interests.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

TREE: Final[MappingProxyType[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Sport": (
            "football",
            "basketball",
            "tennis",
            "running",
            "motorsport",
            "cricket",
            "swimming",
            "climbing",
            "ice hockey",
            "yoga and gym",
        ),
        "Music": (
            "pop",
            "hip-hop",
            "rock",
            "jazz",
            "classical music",
            "electronic music",
            "K-pop",
            "vinyl",
            "choirs",
            "learning the guitar",
        ),
        "Food": (
            "bread and baking",
            "coffee",
            "tea",
            "vegetarian cooking",
            "street food",
            "barbecue",
            "cheese",
            "desserts",
            "restaurants",
            "fermenting",
        ),
        "Technology": (
            "phones",
            "programming",
            "artificial intelligence",
            "gadgets",
            "cyber security",
            "open source",
            "electric cars",
            "3D printing",
            "smart homes",
            "social media",
        ),
        "News": (
            "politics",
            "local news",
            "elections",
            "climate",
            "world affairs",
            "health service",
            "courts",
            "journalism",
            "schools",
            "housing",
        ),
        "Science": (
            "weather",
            "storms and floods",
            "birdwatching",
            "space",
            "oceans",
            "fossils",
            "physics",
            "medicine",
            "mathematics",
            "the brain",
        ),
        "Screen": (
            "television",
            "cinema",
            "anime",
            "reality shows",
            "documentaries",
            "crime series",
            "stand-up comedy",
            "costume dramas",
            "superhero films",
            "video creators",
        ),
        "Games": (
            "gaming",
            "board games",
            "chess",
            "retro games",
            "mobile games",
            "e-sports",
            "role-playing games",
            "speedrunning",
            "puzzles",
            "card games",
        ),
        "Everyday life": (
            "small talk",
            "family",
            "pets",
            "work life",
            "sleep",
            "gardening",
            "home repairs",
            "dating",
            "student life",
            "parenting",
        ),
        "Getting around": (
            "city cycling",
            "trains and trams",
            "driving",
            "flying",
            "hiking",
            "city walks",
            "camping",
            "maps",
            "beach holidays",
            "backpacking",
        ),
        "Money": (
            "crypto",
            "saving",
            "stocks",
            "job hunting",
            "start-ups",
            "taxes",
            "second-hand bargains",
            "the economy",
            "side jobs",
            "insurance",
        ),
        "Culture": (
            "books",
            "poetry",
            "museums",
            "fashion",
            "photography",
            "comics",
            "theatre",
            "languages",
            "internet memes",
            "animal memes",
        ),
    }
)
"""Root name to the names of its ten leaves."""

ROOTS: Final[tuple[str, ...]] = tuple(TREE)
"""Names of the 12 roots; a root's number is its place."""

LEAVES: Final[tuple[str, ...]] = tuple(leaf for leaves in TREE.values() for leaf in leaves)
"""Names of the 120 leaves; a leaf's number is its place."""

ROOT_OF: Final[npt.NDArray[np.int16]] = np.repeat(
    np.arange(len(ROOTS), dtype=np.int16), [len(leaves) for leaves in TREE.values()]
)
"""int16[120]: the root of each leaf."""
ROOT_OF.flags.writeable = False

EVENTS: Final[tuple[str, ...]] = ("final", "storm", "scandal", "meme")
"""Kinds of event; `TweetPlan.event` counts in this order."""

EVENT_LEAVES: Final[MappingProxyType[str, int]] = MappingProxyType(
    {
        "final": LEAVES.index("football"),
        "storm": LEAVES.index("storms and floods"),
        "scandal": LEAVES.index("politics"),
        "meme": LEAVES.index("animal memes"),
    }
)
"""Where each event happens. The storm's and the meme's leaves are niches on every other day."""

BROAD_LEAVES: Final[tuple[int, int, int]] = (
    LEAVES.index("small talk"),
    LEAVES.index("television"),
    LEAVES.index("weather"),
)
"""Leaves that most people share; none of them is an event's."""

MARA_LEAVES: Final[tuple[int, int]] = (LEAVES.index("city cycling"), LEAVES.index("bread and baking"))
"""What Mara, whom chapter 1 introduces, cares about."""

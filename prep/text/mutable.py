"""Words that people mute."""

from __future__ import annotations

import re
from typing import Final

MUTABLE_WORDS: Final[tuple[str, ...]] = (
    "crypto",
    "spoiler",
    "derby",
    "election",
    "penalty",
    "minister",
    "parliament",
    "sourdough",
    "marathon",
    "airdrop",
    "altcoin",
    "heron",
    "k-pop",
    "speedrun",
    "mortgage",
    "storm",
    "ネタバレ",
    "選挙",
    "elecciones",
    "novela",
    "eleições",
    "seçim",
    "انتخابات",
    "ديربي",
)
"""Matched as case-insensitive substrings. Lexicons hold them only among the words, sentences and tags
of leaves and events, so that only a tweet that speaks of its leaf can contain one."""


_ANY: Final = re.compile("|".join(map(re.escape, MUTABLE_WORDS)))


def holds_mutable(text: str) -> bool:
    """Whether any of `MUTABLE_WORDS` occurs in `text`, ignoring case."""
    return _ANY.search(text.lower()) is not None

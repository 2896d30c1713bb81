"""Lexicons as they stand in the files: found, read, and expanded, but not yet compiled."""

from __future__ import annotations

import functools
import json
import math
import re
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from prep.topics import ROOTS

WORDINGS: Final = ("0", "1", "2", "3")
"""Keys of the four levels of wording in a lexicon, flat to vivid."""

PARTS: Final = ("talk", "safety", "bait", "events", "bios")
"""Files of a lexicon besides `meta.json` and one a root."""

COMBINATIONS: Final = 10
"""Most variants of one phrase that its small slots make; more would let such phrases crowd out others."""

_SLOT = re.compile(r"\{([a-z]+)\}")
_SENTENCE_BEGINS = re.compile(r"(^|[.!?。！？؟]\s*)$")
_LATE = frozenset("txab")  # filled while writing, not while loading

Lexicon = MappingProxyType[str, Any]
"""Part or root name to the content of its file."""


def file_of_root(root: str) -> str:
    """Name of a root's file, without `.json`."""
    return root.lower().replace(" ", "-")


@functools.cache
def read_lexicon(lang: str) -> Lexicon:
    """All files of one language. Raises FileNotFoundError or json.JSONDecodeError for a broken one."""
    folder = resources.files("prep.text") / "lexicon" / lang
    files = {"meta": "meta", **{part: part for part in PARTS}, **{root: file_of_root(root) for root in ROOTS}}
    return MappingProxyType(
        {key: json.loads((folder / f"{name}.json").read_text("utf-8")) for key, name in files.items()}
    )


def capital(text: str, lang: str) -> str:
    """`text` with a capital first letter; Turkish has two kinds of i."""
    first = "İ" if lang == "tr" and text.startswith("i") else text[:1].upper()
    return first + text[1:]


def expand(phrase: str, slots: dict[str, list[str]], lang: str) -> list[str]:
    """The phrase with its small slots filled, up to `COMBINATIONS` variants, spread evenly.

    Raises KeyError for a slot that the lexicon does not define.
    """
    names = [name for name in _SLOT.findall(phrase) if name not in _LATE] if "{" in phrase else []
    if not names:
        return [phrase]
    sizes = [len(slots[name]) for name in names]
    total = math.prod(sizes)
    count = min(total, COMBINATIONS)
    variants = []
    for i in range(count):
        rest, filled = i * total // count, phrase
        for name, size in zip(names, sizes, strict=True):
            rest, place = divmod(rest, size)
            place += i if total > count else 0  # else the first slot would hardly move
            before, _, after = filled.partition("{" + name + "}")
            word = slots[name][place % size]
            begins = _SENTENCE_BEGINS.search(before) is not None
            filled = before + (capital(word, lang) if begins else word) + after
        variants.append(filled)
    return list(dict.fromkeys(variants))

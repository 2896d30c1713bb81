"""A lexicon compiled to arrays, so that a hundred thousand tweets can draw from it at once.

A *bank* is a list of interchangeable phrases, sorted by length. A phrase is text before its slot, perhaps
a word in the slot, and text after it; each part is a number in one table of *pieces*, and piece 0 is empty.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from prep.text import safety
from prep.text.mutable import holds_mutable
from prep.text.raw import WORDINGS, Lexicon, capital, expand, read_lexicon
from prep.topics import EVENTS, LEAVES, ROOT_OF, ROOTS

LINK_HOSTS: Final = ("https://example.com/", "https://example.org/", "https://example.net/")
"""Domains that RFC 2606 keeps free for examples."""

LINK_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits of a link's path, without those that look alike."""

LIMIT: Final = 280
"""Most characters of a tweet."""

LEAST_WEIGHT: Final = 4
"""How often an entry without small slots stands in its bank, beside up to ten variants of one with."""

SAFETY_KINDS: Final = (
    ("toxic", "term"),
    ("toxic", "hostile"),
    ("nsfw", "term"),
    ("nsfw", "hinting"),
    ("clean", "reclaimed"),
    ("clean", "quoted"),
    ("clean", "lookalike"),
    ("clean", "medical"),
    ("clean", "trash_talk"),
)
"""Groups and kinds of `safety.json`."""

Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phrasebook:
    """One language. P phrases in B banks."""

    pieces: tuple[str, ...]
    """Distinct strings that texts are made of; the first is empty."""
    before: npt.NDArray[np.int32]
    """int32[P], piece before the slot, or the whole phrase."""
    capital: npt.NDArray[np.int32]
    """int32[P], the same with a capital letter, for a word that begins a sentence."""
    after: npt.NDArray[np.int32]
    """int32[P], piece after the slot."""
    initial: npt.NDArray[np.bool_]
    """bool[P], the slot comes first."""
    size: npt.NDArray[np.int16]
    """int16[P], characters without the slot's word."""
    family: npt.NDArray[np.int32]
    """int32[P], the entry of the lexicon that a phrase comes from."""
    start: Ints
    """int64[B + 1], first phrase of each bank."""
    fitting: npt.NDArray[np.int32]
    """int32[B, 281], phrases of a bank with at most that many characters."""
    banks: dict[str, Ints]
    """Kind of phrase to the numbers of its banks: by wording, leaf, root or strength."""
    scale: float
    """Characters that this language needs, relative to English."""


class _Compiler:
    """Collects banks; the order of calls decides every number, so that texts are reproducible."""

    def __init__(self, lang: str, join: str, slots: dict[str, list[str]]) -> None:
        self.lang, self.join, self.slots = lang, join, slots
        self.pieces: dict[str, int] = {"": 0}
        self.rows: list[tuple[int, ...]] = []
        self.sizes: list[int] = []
        self.families = 0

    def piece(self, text: str) -> int:
        return self.pieces.setdefault(text, len(self.pieces))

    def bank(self, entries: Iterable[str], lead: str) -> int:
        """Add a bank of phrases that stand behind `lead`; returns its number."""
        rows = []
        for entry in entries:
            self.families += 1
            phrases = expand(entry, self.slots, self.lang)
            weight = LEAST_WEIGHT if len(phrases) == 1 else 1
            rows += [(*self._row(phrase, lead), self.families, weight) for phrase in phrases]
        rows.sort(key=lambda row: row[4])
        self.rows += rows
        self.sizes.append(sum(row[-1] for row in rows))
        return len(self.sizes) - 1

    def _row(self, phrase: str, lead: str) -> tuple[int, int, int, int, int]:
        before, slot, after = phrase.partition("{t}" if "{t}" in phrase else "{x}")
        whole = self.piece(lead + before)
        upper = whole if lead else self.piece(capital(before, self.lang))
        size = len(lead) + len(before) + len(after)
        return whole, upper, self.piece(after), int(bool(slot) and not before), size

    def sentences(self, groups: Iterable[Sequence[str]]) -> Ints:
        return np.array([self.bank(group, self.join) for group in groups])

    def words(self, groups: Iterable[Sequence[str]]) -> Ints:
        return np.array([self.bank(group, "") for group in groups])

    def tags(self, groups: Iterable[Sequence[str]]) -> Ints:
        return np.array([self.bank(group, " ") for group in groups])

    def finish(self, banks: dict[str, Ints], scale: float) -> Phrasebook:
        columns = np.array(self.rows, np.int32)
        before, upper, after, initial, size, family = columns[:, :-1].repeat(columns[:, -1], axis=0).T
        start = np.concatenate([[0], np.cumsum(self.sizes)])
        bank = np.repeat(np.arange(len(self.sizes)), self.sizes)
        counts = np.zeros((len(self.sizes), LIMIT + 1), np.int32)
        np.add.at(counts, (bank, np.minimum(size, LIMIT)), 1)
        return Phrasebook(
            pieces=tuple(self.pieces),
            before=before.copy(),
            capital=upper.copy(),
            after=after.copy(),
            initial=initial > 0,
            size=size.astype(np.int16),
            family=family.copy(),
            start=start,
            fitting=np.cumsum(counts, axis=1, dtype=np.int32),
            banks=banks,
            scale=scale,
        )


@functools.cache
def phrasebook(lang: str) -> Phrasebook:
    """The compiled lexicon of one language."""
    lexicon = read_lexicon(lang)
    compiler = _Compiler(lang, lexicon["meta"]["join"], lexicon["talk"]["slots"])
    banks = _talk(compiler, lexicon) | _topics(compiler, lexicon) | _safety(compiler, lexicon, lang)
    return compiler.finish(banks, lexicon["meta"]["scale"])


def _talk(compiler: _Compiler, lexicon: Lexicon) -> dict[str, Ints]:
    """Banks that fit everywhere, by wording; bait by strength (0: mild, 1: strong)."""
    talk, bait = lexicon["talk"], lexicon["bait"]
    kinds = ("vague", "comments", "about", "react", "reply_about", "openers", "closers")
    banks = {kind: compiler.sentences(talk[kind][wording] for wording in WORDINGS) for kind in kinds}
    for side in ("front", "back"):
        banks[f"bait_{side}"] = compiler.sentences(bait[side][strength] for strength in ("mild", "strong"))
    banks["vague_tags"] = compiler.tags([talk["tags"]])
    banks["link_hosts"] = compiler.tags([LINK_HOSTS])
    banks["link_paths"] = compiler.words([[a + b for a in LINK_LETTERS for b in LINK_LETTERS]])
    return banks


def _topics(compiler: _Compiler, lexicon: Lexicon) -> dict[str, Ints]:
    """Banks of the 12 roots, and of the 120 leaves followed by the four events.

    The `safe_` ones leave out what people mute.
    """
    roots = [lexicon[root] for root in ROOTS]
    leaves = [lexicon[ROOTS[root]]["leaves"][leaf] for root, leaf in zip(ROOT_OF, LEAVES, strict=True)]
    places = leaves + [lexicon["events"][event] for event in EVENTS]
    spare_tags = [roots[root]["tags"] for root in ROOT_OF] + [lexicon["talk"]["tags"]] * len(EVENTS)
    banks = {
        "root_words": compiler.words(root["words"] for root in roots),
        "root_says": compiler.sentences(root["says"] for root in roots),
        "root_tags": compiler.tags(root["tags"] for root in roots),
        "root_emoji": compiler.sentences(root["emoji"] for root in roots),
        "words": compiler.words(place["words"] for place in places),
        "says": compiler.sentences(place["says"] for place in places),
        "tags": compiler.tags(place["tags"] for place in places),
    }
    for kind, lead in (("words", ""), ("says", compiler.join), ("tags", " ")):
        banks[f"safe_{kind}"] = banks[kind].copy()
        for i, (place, spare) in enumerate(zip(places, spare_tags, strict=True)):
            unmuted = [entry for entry in place[kind] if not holds_mutable(entry)]
            if len(unmuted) < len(place[kind]):
                banks[f"safe_{kind}"][i] = compiler.bank(unmuted or spare, lead)
    return banks


def _safety(compiler: _Compiler, lexicon: Lexicon, lang: str) -> dict[str, Ints]:
    """What hostile, explicit and merely suspicious tweets say, and the terms for their slots."""
    phrases = lexicon["safety"]
    banks = {f"{group}_{kind}": compiler.sentences([phrases[group][kind]]) for group, kind in SAFETY_KINDS}
    terms = {
        "slur": safety.slurs(lang),
        "explicit": safety.explicit(lang),
        "reclaimed": safety.reclaimed(lang),
        "hidden_slur": [hidden for term in safety.slurs(lang) for hidden in safety.obfuscations(term)],
        "hidden_explicit": [hidden for term in safety.explicit(lang) for hidden in safety.obfuscations(term)],
    }
    return banks | {f"term_{kind}": compiler.words([group]) for kind, group in terms.items()}

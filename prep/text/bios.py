"""Profile texts, made of what a person cares about."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mimic.schema import LANGUAGES
from prep.text.raw import capital, expand, read_lexicon
from prep.text.strings import column, glue, take, take_where
from prep.topics import LEAVES, ROOT_OF, ROOTS

Ints = npt.NDArray[np.int64]

EMPTY_SHARE: Final = 0.2
"""Share of people who write no bio (chosen)."""

OWN_SHARE: Final = 0.35
"""Share of bios that are a ready sentence of the first interest, where its leaf has any."""

TAIL_SHARE: Final = 0.45
"""Share of bios with an afterthought."""


class _Sentences:
    """The bio sentences of one language, as columns of strings: before {a}, between, after {b}."""

    def __init__(self, lang: str) -> None:
        lexicon = read_lexicon(lang)
        self.join: str = lexicon["meta"]["join"]
        slots = lexicon["talk"]["slots"]
        leaves = [lexicon[ROOTS[root]]["leaves"][leaf] for root, leaf in zip(ROOT_OF, LEAVES, strict=True)]
        words = [leaf["words"][0] for leaf in leaves]
        self.words = column(["", *words, *(capital(word, lang) for word in words)])
        bios = lexicon["bios"]
        groups = [bios["none"], bios["one"], bios["two"], *(leaf.get("bio", []) for leaf in leaves)]
        phrases = [[p for entry in group for p in expand(entry, slots, lang)] for group in groups]
        self.start = np.concatenate([[0], np.cumsum([len(group) for group in phrases])])
        flat = [phrase for group in phrases for phrase in group]
        before, rest = zip(*((p.partition("{a}")[0], p.partition("{a}")[2]) for p in flat), strict=True)
        self.before, self.between = column(before), column([r.partition("{b}")[0] for r in rest])
        self.after = column([r.partition("{b}")[2] for r in rest])
        self.slots = np.array([("{a}" in p) + ("{b}" in p) for p in flat])
        self.initial = np.array([p.startswith("{a}") for p in flat])
        self.tails = column([p for entry in bios["tails"] for p in expand(entry, slots, lang)])


_sentences = functools.cache(_Sentences)


def write_bios(lang: npt.NDArray[np.int8], interests: Ints, rng: np.random.Generator) -> pa.StringArray:
    """A bio for each person, string[n], perhaps empty, at most 160 characters.

    `interests` is int[n, 2], main leaves, -1 for none.
    """
    texts: list[pa.StringArray] = [column([])]
    rows: list[Ints] = [np.zeros(0, np.int64)]
    for code, name in enumerate(LANGUAGES):
        own = np.flatnonzero(lang == code)
        if len(own):
            rows.append(own)
            texts.append(_bios(_sentences(name), interests[own], rng))
    place = np.empty(len(lang), np.int64)
    place[np.concatenate(rows)] = np.arange(len(lang))
    return take(pa.concat_arrays(texts), place)


def _bios(book: _Sentences, interests: Ints, rng: np.random.Generator) -> pa.StringArray:
    n = len(interests)
    u, v = rng.random(n), rng.random(n)
    known = (interests >= 0).sum(axis=1)
    interests = np.where(interests[:, :1] >= 0, interests, interests[:, ::-1]).astype(np.int64)
    group = np.where(known == 2, np.where(rng.random(n) < 0.35, 1, 2), known)
    own = 3 + interests[:, 0]
    ready = (known > 0) & (rng.random(n) < OWN_SHARE) & (book.start[own + 1] > book.start[own])
    group = np.where(ready, own, group)
    count = book.start[group + 1] - book.start[group]
    phrase = book.start[group] + (u * count).astype(np.int64)
    slots = book.slots[phrase]
    first = np.where(slots > 0, 1 + interests[:, 0] + len(LEAVES) * book.initial[phrase], 0)
    second = np.where(slots > 1, 1 + interests[:, 1], 0)
    tail = (rng.random(n) * len(book.tails)).astype(np.int64)
    spoken = v >= EMPTY_SHARE
    tailed = spoken & (rng.random(n) < TAIL_SHARE)
    return glue(
        take_where(book.before, phrase, spoken),
        take_where(book.words, first, spoken),
        take_where(book.between, phrase, spoken),
        take_where(book.words, second, spoken),
        take_where(book.after, phrase, spoken),
        take_where(column([book.join]), np.zeros(n, np.int64), tailed),
        take_where(book.tails, tail, tailed),
    )

"""Names and handles. Every person is made up, from lists of given and family names of each language."""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from importlib import resources
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mimic.schema import LANGUAGES
from prep.text.bios import write_bios
from prep.text.raw import expand
from prep.text.strings import choose, codes, column, digits, glue, head, take, without_end

Ints = npt.NDArray[np.int64]

STEM: Final = 11
"""Most letters of a handle before its number: 15 in all leave four digits for namesakes."""

NAME_STYLES: Final = (0.5, 0.2, 0.08, 0.07)
"""Shares of full names, given names, given names with an initial, with an emoji; the rest is playful."""

HANDLE_STYLES: Final = (0.28, 0.24, 0.2)
"""Shares of annakline, anna_kline, akline; the rest is a playful word or two."""

NUMBERED: Final = 0.4
"""Share of handles with a number that they would not need."""

EMOJI: Final = ("🌻", "🚲", "☕", "🌙", "🐌", "🎈", "🍞", "🦆", "🌧️", "🍋", "🪴", "📎", "🧦", "🥨", "🌶️", "🎺")


@functools.cache
def _names(lang: str) -> dict[str, Any]:
    text = (resources.files("prep.text") / "names" / f"{lang}.json").read_text("utf-8")
    lists: dict[str, Any] = json.loads(text)
    for part in ("given", "family"):
        lists[f"{part}_latin"] = [plain(name) for name in lists.get(f"{part}_latin", lists[part])]
    lists["playful"] = [p for entry in lists["playful"] for p in expand(entry, lists["slots"], lang)]
    return lists


def plain(name: str) -> str:
    """`name` in small ASCII letters only."""
    name = unicodedata.normalize("NFKD", name.replace("ı", "i").lower())
    return re.sub(r"[^a-z]", "", name)


def write_people(
    lang: npt.NDArray[np.int8], interests: npt.NDArray[np.int16], rng: np.random.Generator
) -> tuple[pa.StringArray, pa.StringArray, pa.StringArray]:
    """Names, unique handles and bios of n people, three string[n].

    `lang` is int8[n], index into LANGUAGES; `interests` int16[n, 2], two main leaves, -1 for none.
    Handles are ASCII letters, digits and _, at most 15 long, distinct even if case is ignored; bios have
    at most 160 characters and may be empty.
    """
    if interests.shape != (len(lang), 2):
        raise ValueError(f"interests must have shape ({len(lang)}, 2), got {interests.shape}")
    names: list[pa.StringArray] = [column([])]
    stems: list[pa.StringArray] = [column([])]
    rows: list[Ints] = [np.zeros(0, np.int64)]
    for code, name in enumerate(LANGUAGES):
        own = np.flatnonzero(lang == code)
        given, family = (rng.random(len(own)) for _ in range(2))
        rows.append(own)
        names.append(_display_names(name, given, family, rng))
        stems.append(_stems(name, given, family, rng))
    place = np.empty(len(lang), np.int64)
    place[np.concatenate(rows)] = np.arange(len(lang))
    handles = _distinct(take(pa.concat_arrays(stems), place), rng)
    bios = write_bios(lang, interests.astype(np.int64), rng)
    return take(pa.concat_arrays(names), place), handles, bios


def _pick(strings: list[str], u: npt.NDArray[np.float64]) -> pa.StringArray:
    return take(column(strings), (u * len(strings)).astype(np.int64))


def _styled(
    styles: tuple[pa.StringArray, ...], shares: tuple[float, ...], rng: np.random.Generator
) -> pa.StringArray:
    """Row by row one of several columns, by shares; the last takes the rest."""
    style = np.searchsorted(np.cumsum(shares), rng.random(len(styles[0])), side="right")
    return choose(style, styles)


def _display_names(
    lang: str, given: npt.NDArray[np.float64], family: npt.NDArray[np.float64], rng: np.random.Generator
) -> pa.StringArray:
    lists = _names(lang)
    n, gap = len(given), lists["gap"]
    first, last = _pick(lists["given"], given), _pick(lists["family"], family)
    pair = (last, first) if lists["family_first"] else (first, last)
    initial = glue(head(last, 1), _pick(["."], given))
    styles = (
        glue(*pair, gap=gap),
        first,
        glue(first, initial, gap=" ") if lists["initials"] else first,
        glue(first, _pick(list(EMOJI), rng.random(n)), gap=" "),
        _pick(lists["playful"], rng.random(n)),
    )
    return _styled(styles, NAME_STYLES, rng)


def _stems(
    lang: str, given: npt.NDArray[np.float64], family: npt.NDArray[np.float64], rng: np.random.Generator
) -> pa.StringArray:
    """Handles without their numbers: small letters and _, never ending in a digit."""
    lists = _names(lang)
    n = len(given)
    first, last = _pick(lists["given_latin"], given), _pick(lists["family_latin"], family)
    one, two = (_pick(lists["stems"][part], rng.random(n)) for part in ("first", "second"))
    styles = (
        glue(first, last),
        glue(first, last, gap="_"),
        glue(head(first, 1), last),
        glue(one, two, gap="_"),
    )
    return without_end(head(_styled(styles, HANDLE_STYLES, rng), STEM), "_")


def _distinct(stems: pa.StringArray, rng: np.random.Generator) -> pa.StringArray:
    """Stems with a number where a namesake needs one, or fancies one."""
    n = len(stems)
    code = codes(stems)
    order = np.argsort(code, kind="stable")
    first = np.searchsorted(code[order], np.arange(code.max(initial=-1) + 1))
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n) - first[code[order]]
    number = _scattered(2 * rank + (rng.random(n) < NUMBERED), code)
    return glue(stems, digits(number))


def _scattered(rank: Ints, salt: Ints) -> Ints:
    """A number of two to four digits for each rank above 0, distinct for distinct ranks of one salt."""
    number = np.zeros(len(rank), np.int64)
    base = 1
    for low in (10, 100, 1_000):
        width = 9 * low
        inside = (rank >= base) & (rank < base + width)
        number[inside] = low + ((rank[inside] - base) * 7_919 + salt[inside] * 31) % width
        base += width
    if (rank >= base).any():
        raise ValueError(f"too many people share one handle: {rank.max()} of at most {base - 1}")
    return number

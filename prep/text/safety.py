"""Stand-ins for the words that a safety model must learn, and how a latent shows in text.

Nothing here is a word of any language: the terms are invented, so that the data set can be public and
still teach what makes moderation hard. `GLOSSARY` says what each stands for.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from mimic.schema import LANGUAGES

_SLURS: Final = {
    "latin": ("zlurk", "frobbard", "murgling", "splonk", "grazzler", "vonkheel"),
    "ja": ("ズラーク", "フロッバド", "マーグリン", "スプロンク", "グラズラ", "ヴォンキル"),
    "ar": ("زلورك", "فروبارد", "مورغلنغ", "سبلونك", "غرازلر", "فونكهيل"),
}
_EXPLICIT: Final = {
    "latin": ("snoodle", "fwoomp", "lurvle", "zinkum", "bloffing"),
    "ja": ("スヌードゥル", "フウンプ", "ルルヴル", "ジンカム", "ブロッフィ"),
    "ar": ("سنودل", "فوومب", "لورفل", "زنكم", "بلوفنغ"),
}
_RECLAIMED: Final = (2, 3)
"""Places of the slurs that the insulted have taken back and call each other among friends."""

_DIGITS: Final = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "u": "v"})


def _script(lang: str) -> str:
    return lang if lang in _SLURS else "latin"


def slurs(lang: str) -> tuple[str, ...]:
    """Stand-ins for slurs in the script of `lang`."""
    return _SLURS[_script(lang)]


def explicit(lang: str) -> tuple[str, ...]:
    """Stand-ins for sexually explicit words in the script of `lang`."""
    return _EXPLICIT[_script(lang)]


def reclaimed(lang: str) -> tuple[str, ...]:
    """Slur stand-ins that also occur as friendly self-names."""
    return tuple(slurs(lang)[i] for i in _RECLAIMED)


def obfuscations(term: str) -> tuple[str, ...]:
    """Spellings that dodge a word list: digits, spaced letters, a star in the middle."""
    middle = len(term) // 2
    spellings = (
        term.translate(_DIGITS),
        " ".join(term),
        ".".join(term),
        term[:middle] + "*" + term[middle + 1 :],
        term[:middle] + term[middle] * 3 + term[middle + 1 :],
    )
    return tuple(dict.fromkeys(spelling for spelling in spellings if spelling != term))


def _glossary() -> dict[str, str]:
    roles: dict[str, str] = {}
    for lang in LANGUAGES:
        for terms, role in ((slurs(lang), "slur stand-in"), (explicit(lang), "explicit stand-in")):
            for term in terms:
                roles[term] = role
                roles |= dict.fromkeys(obfuscations(term), f"obfuscated {role}")
        roles |= dict.fromkeys(reclaimed(lang), "slur stand-in, reclaimed among friends")
    return roles


GLOSSARY: Final[MappingProxyType[str, str]] = MappingProxyType(_glossary())
"""Every invented term, in every spelling, to its role."""

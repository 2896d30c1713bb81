"""Is a lexicon whole, and what does it sound like?

`python -m prep.text.check ja` prints every problem with its place, and when there is none, sample tweets.
The exit code is 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from mimic.schema import LANGUAGES
from prep.text.compose import write_tweets
from prep.text.mutable import holds_mutable
from prep.text.phrasebook import SAFETY_KINDS
from prep.text.plan import TweetPlan
from prep.text.raw import WORDINGS, Lexicon, expand, read_lexicon
from prep.topics import EVENTS, LEAVES, ROOTS, TREE

LEVELLED: Final = {
    "vague": (12, 120),
    "comments": (12, 120),
    "about": (12, 90),
    "react": (10, 120),
    "reply_about": (8, 90),
    "openers": (4, 30),
    "closers": (6, 20),
}
"""Kind of talk to the least number of entries a level and the most characters of one."""

SHORT: Final = 40
"""Each bank of statements has three phrases of at most so many characters, for short tweets."""

_FORBIDDEN = re.compile(r"[#@\n]|https?:|^\s|\s$|  ")


class _Checker:
    """Walks through one lexicon and collects problems, each with its place."""

    def __init__(self, lang: str, lexicon: Lexicon) -> None:
        self.lang, self.lexicon = lang, lexicon
        self.slots: dict[str, list[str]] = lexicon["talk"].get("slots", {})
        self.problems: list[str] = []

    def entries(self, place: str, entries: Any, least: int, longest: int, slot: str = "") -> list[str]:
        """Check one list of phrases; returns the phrases with small slots filled."""
        if not isinstance(entries, list) or not all(isinstance(entry, str) and entry for entry in entries):
            self.problems.append(f"{place}: must be a list of strings")
            return []
        if len(entries) < least:
            self.problems.append(f"{place}: {len(entries)} entries, at least {least} needed")
        if len(set(entries)) < len(entries):
            self.problems.append(f"{place}: the same entry twice")
        return [phrase for entry in entries for phrase in self._entry(place, entry, longest, slot)]

    def _entry(self, place: str, entry: str, longest: int, slot: str) -> list[str]:
        try:
            phrases = expand(entry, self.slots, self.lang)
        except KeyError as missing:
            self.problems.append(f"{place}: {entry!r} has the unknown slot {missing}")
            return []
        for mark in ("{t}", "{x}", "{a}", "{b}"):
            if entry.count(mark) != (mark in slot):
                self.problems.append(f"{place}: {entry!r} must have {mark} {int(mark in slot)} times")
        bare = [re.sub(r"\{.\}", "", phrase) for phrase in phrases]
        if any(_FORBIDDEN.search(phrase) for phrase in phrases):
            self.problems.append(f"{place}: {entry!r} has one of # @ http, a line break or a stray space")
        if max(map(len, bare)) > longest:
            self.problems.append(f"{place}: {entry!r} takes {max(map(len, bare))} characters of {longest}")
        return phrases

    def general(self, place: str, entries: Any, least: int, longest: int, slot: str = "") -> list[str]:
        """The same for phrases that any tweet may hold: no word that people mute."""
        phrases = self.entries(place, entries, least, longest, slot)
        muted = [phrase for phrase in phrases if holds_mutable(phrase)]
        self.problems += [f"{place}: {phrase!r} holds a word that people mute" for phrase in muted]
        return phrases

    def short(self, place: str, phrases: list[str]) -> None:
        """Enough short phrases for short tweets."""
        if sum(len(phrase) <= SHORT for phrase in phrases) < 3:
            self.problems.append(f"{place}: at least three phrases of {SHORT} characters or fewer needed")

    def tags(self, place: str, tags: Any, least: int) -> None:
        """Hashtags."""
        if not isinstance(tags, list) or len(tags) < least:
            self.problems.append(f"{place}: at least {least} needed")
            return
        for tag in tags:
            if not re.fullmatch(r"#\w{2,21}", tag):
                self.problems.append(f"{place}: {tag!r} must be # and 2 to 21 letters, digits or _")

    def talk(self) -> None:
        """`talk.json`."""
        talk = self.lexicon["talk"]
        for name, words in self.slots.items():
            self.general(f"talk.slots.{name}", words, 2, 28)
        for kind, (least, longest) in LEVELLED.items():
            for wording in WORDINGS:
                place, slot = f"talk.{kind}.{wording}", "{t}" if "about" in kind else ""
                phrases = self.general(place, talk.get(kind, {}).get(wording), least, longest, slot)
                self.short(place, phrases)
        self.tags("talk.tags", talk.get("tags"), 8)

    def parts(self) -> None:
        """`safety.json`, `bait.json` and `bios.json`."""
        for group, kind in SAFETY_KINDS:
            slot = "{x}" if kind in ("term", "reclaimed", "quoted") else ""
            entries = self.lexicon["safety"].get(group, {}).get(kind)
            self.general(f"safety.{group}.{kind}", entries, 4, 50 if slot else 60, slot)
        for side in ("front", "back"):
            for strength in ("mild", "strong"):
                entries = self.lexicon["bait"].get(side, {}).get(strength)
                self.general(f"bait.{side}.{strength}", entries, 5, 60)
        for kind, slot in (("none", ""), ("one", "{a}"), ("two", "{a}{b}"), ("tails", "")):
            self.entries(f"bios.{kind}", self.lexicon["bios"].get(kind), 4, 60 if slot else 40, slot)

    def topics(self) -> None:
        """The root files and `events.json`."""
        for root in ROOTS:
            content = self.lexicon[root]
            self.general(f"{root}.words", content.get("words"), 6, 28)
            self.short(f"{root}.says", self.general(f"{root}.says", content.get("says"), 6, 120))
            self.tags(f"{root}.tags", content.get("tags"), 1)
            self.general(f"{root}.emoji", content.get("emoji"), 3, 8)
            unknown = set(content.get("leaves", {})) - set(TREE[root])
            self.problems += [f"{root}.leaves: there is no leaf {name!r}" for name in sorted(unknown)]
            for leaf in TREE[root]:
                self.place(f"{root}.{leaf}", content.get("leaves", {}).get(leaf, {}))
        for event in EVENTS:
            self.place(f"events.{event}", self.lexicon["events"].get(event, {}))

    def place(self, place: str, content: dict[str, Any]) -> None:
        """A leaf or an event."""
        words = self.entries(f"{place}.words", content.get("words"), 5, 28)
        says = self.entries(f"{place}.says", content.get("says"), 4, 120)
        self.short(f"{place}.says", says)
        self.tags(f"{place}.tags", content.get("tags"), 1)
        self.entries(f"{place}.bio", content.get("bio", []), 0, 100)
        for kind, phrases, least in (("words", words, 3), ("says", says, 2)):
            if sum(not holds_mutable(phrase) for phrase in phrases) < least:
                self.problems.append(f"{place}.{kind}: {least} without words that people mute needed")


def problems(lang: str) -> list[str]:
    """Everything wrong with the lexicon of `lang`, one line each."""
    try:
        lexicon = read_lexicon(lang)
    except (FileNotFoundError, ValueError) as error:
        return [f"a file is missing or broken: {error}"]
    checker = _Checker(lang, lexicon)
    if set(lexicon["meta"]) != {"join", "scale"}:
        checker.problems.append("meta.json must have exactly join and scale")
    checker.talk()
    checker.parts()
    checker.topics()
    return checker.problems


def sample_plan(rng: np.random.Generator, n: int, lang: int) -> TweetPlan:
    """An ordinary mixture of n tweets in one language, with shares like those of the world."""
    event = np.where(rng.random(n) < 0.02, rng.integers(0, len(EVENTS), n), -1).astype(np.int8)
    clarity = np.where(event >= 0, 2, rng.choice(3, n, p=(0.30, 0.25, 0.45))).astype(np.int8)
    length = np.clip(np.exp(rng.normal(4.18, 0.65, n)), 8, 280)
    return TweetPlan(
        lang=np.full(n, lang, np.int8),
        topic=rng.integers(0, len(LEAVES), n).astype(np.int16),
        clarity=clarity,
        length=length.astype(np.int16),
        wording=rng.choice(4, n, p=(0.3, 0.3, 0.25, 0.15)).astype(np.int8),
        has_media=rng.random(n) < 0.4,
        has_link=rng.random(n) < 0.2,
        hashtag=rng.random(n) < 0.12,
        bait=rng.choice(3, n, p=(0.8, 0.13, 0.07)).astype(np.int8),
        nsfw=rng.random(n) < 0.05,
        toxic=rng.random(n) < 0.03,
        is_reply=rng.random(n) < 0.45,
        event=event,
    )


def _samples(lang: str) -> Iterator[str]:
    rng = np.random.default_rng(7)
    plan = sample_plan(rng, 40, LANGUAGES.index(lang))
    for i, text in enumerate(write_tweets(plan, rng).to_pylist()):
        yield f"{'reply' if plan.is_reply[i] else 'tweet'} w{plan.wording[i]} c{plan.clarity[i]}  {text}"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m prep.text.check", description=__doc__)
    parser.add_argument("lang", choices=LANGUAGES)
    lang: str = parser.parse_args().lang
    found = problems(lang)
    print("\n".join(found or _samples(lang)))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())

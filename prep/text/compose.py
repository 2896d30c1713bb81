"""From plans to tweets.

The rows of a plan are written a language at a time, originals and replies apart, each as a grid of pieces
(`Draft`); then all grids are joined into strings at once. What must appear (bait, what a safety model
should notice, tag, link) takes its room first; statements fill the rest.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mimic.schema import LANGUAGES
from prep.text.draft import CELLS, Draft
from prep.text.phrasebook import LIMIT, Ints, Phrasebook, phrasebook
from prep.text.plan import TweetPlan
from prep.text.strings import column, glue_rows, take
from prep.text.visible import write_safety
from prep.topics import LEAVES, ROOT_OF, ROOTS

FAMILY: Final = len(LEAVES) // len(ROOTS)
"""Leaves of a root."""

BATCH: Final = 1 << 17
"""Tweets written at once, so that memory stays bounded; part of what makes texts reproducible."""

BLUR: Final = 0.65
"""Chance that a phrase is a level flatter or livelier than its tweet, for nobody is consistent."""

SHARED_ROOT: Final = 0.2
"""Share of clear tweets that get by with words of their root (so that label and text find at most .80)."""

SHARED_SIBLING: Final = 0.12
"""Share of clear tweets that begin with a word of a sibling leaf."""

SAYS: Final = 0.45
"""Share of first statements that are whole sentences of the topic rather than a frame and a word."""

SAYS_LATER: Final = 0.6
"""The same of later statements, for frames stand best in front."""

AFTERTHOUGHT: Final = 0.5
"""Share of later statements that say nothing of the topic."""

NEW_START: Final = 0.4
"""Share of later statements of a vague tweet that could begin one: it rambles."""

STRETCH: Final = 1.03
"""Room given for a wanted character, because phrases rarely fill it to the last letter."""

LEAST_ROOM: Final = 12
"""Free characters below which nothing more is said."""

OPENER_ROOM: Final = 25
"""Free characters below which a beginning is not worth it."""

OPENER: Final = 0.15
"""Chance of a beginning such as "Small update"."""

CLOSER: Final = 0.4
"""Chance of an ending such as "lol" or an emoji."""

EMOJI: Final = 0.12
"""Chance of an ending with an emoji of the root; part of `CLOSER`."""

BAIT_SHOWN: Final = (0.75, 0.92)
"""Chances that mild and strong bait show in the words."""

ASKS: Final = 0.03
"""Share of tweets without bait that ask something all the same."""

ROUNDS: Final = 8
"""Most statements in a tweet."""

BAIT_FRONT, BEGIN, SAFETY_FRONT, FIRST = 0, 1, 2, 3
SAFETY_BACK = FIRST + ROUNDS
BAIT_BACK, END, TAG, LINK, SEGMENTS = (SAFETY_BACK + i for i in range(1, 6))


def write_tweets(plan: TweetPlan, rng: np.random.Generator) -> pa.StringArray:
    """Texts of the planned tweets, string[n], none empty, each of at most 280 code points."""
    starts = range(0, len(plan), BATCH)
    parts = [_write_batch(plan.slice(start, start + BATCH), rng) for start in starts]
    return pa.concat_arrays([column([]), *parts])


def _write_batch(plan: TweetPlan, rng: np.random.Generator) -> pa.StringArray:
    grid = np.zeros((len(plan), SEGMENTS * CELLS), np.int32)
    pieces: list[str] = [""]
    for code, lang in enumerate(LANGUAGES):
        book = phrasebook(lang)
        for reply in (False, True):
            rows = np.flatnonzero((plan.lang == code) & (plan.is_reply == reply))
            if len(rows):
                cells = _Writer(plan, rows, book, rng).write()
                grid[rows] = np.where(cells > 0, cells + (len(pieces) - 1), 0)
        pieces += book.pieces[1:]
    return _join(grid, pieces)


def _join(grid: npt.NDArray[np.int32], pieces: list[str]) -> pa.StringArray:
    """Rows of pieces to strings; the space that every sentence brings is cut from the first."""
    used = grid > 0
    return glue_rows(take(column(pieces), grid[used].astype(np.int64)), used.sum(axis=1))


class _Writer:
    """Writes the rows of one language that are all originals or all replies."""

    def __init__(self, plan: TweetPlan, rows: Ints, book: Phrasebook, rng: np.random.Generator) -> None:
        self.book, self.rng, self.n = book, rng, len(rows)
        self.plan = TweetPlan(**{f.name: getattr(plan, f.name)[rows] for f in dataclasses.fields(plan)})
        self.reply = bool(self.plan.is_reply[0])
        self.safe = "safe_" if self.reply else ""
        event, topic = self.plan.event.astype(np.int64), self.plan.topic.astype(np.int64)
        self.root = ROOT_OF[topic].astype(np.int64)
        self.place = np.where(event >= 0, len(LEAVES) + event, topic)
        u = rng.random(self.n)
        free = (self.plan.clarity == 2) & (event < 0)
        self.level = np.where(free & (u < SHARED_ROOT), 1, self.plan.clarity)
        sibling = self.root * FAMILY + (topic + rng.integers(1, FAMILY, self.n)) % FAMILY
        leans = free & (u >= SHARED_ROOT) & (u < SHARED_ROOT + SHARED_SIBLING)
        self.word_place = np.where(leans, sibling, self.place)
        room = np.rint(np.minimum(self.plan.length * book.scale * STRETCH, LIMIT)).astype(np.int64)
        self.draft = Draft(book, room, SEGMENTS, rng)

    def write(self) -> npt.NDArray[np.int32]:
        """int32[n, cells]: pieces of each row, in reading order."""
        visible = self._attachments()
        room = self.draft.room
        everyone = np.arange(self.n)
        must = ~visible | (room > LEAST_ROOM)
        self._first(everyone[must])
        begins = np.flatnonzero(
            (room > OPENER_ROOM) & (self.rng.random(self.n) < OPENER) & (self.plan.bait == 0)
        )
        self.draft.say(BEGIN, begins, self._worded("openers", begins))
        for extra in range(1, ROUNDS):
            self._more(FIRST + extra, np.flatnonzero(room > LEAST_ROOM))
        self._ending()
        return self.draft.cells

    def _attachments(self) -> npt.NDArray[np.bool_]:
        """Tag, link, bait and safety segments; returns which rows have words of the last."""
        plan, rng, draft, banks = self.plan, self.rng, self.draft, self.book.banks
        tagged = np.flatnonzero(plan.hashtag)
        level = self.level[tagged]
        tags = np.where(level == 2, banks[f"{self.safe}tags"][self.place[tagged]], banks["vague_tags"][0])
        tags = np.where(level == 1, banks["root_tags"][self.root[tagged]], tags)
        draft.say(TAG, tagged, tags, forced=True)
        linked = np.flatnonzero(plan.has_link)
        draft.link(LINK, linked)
        begs = rng.random(self.n) < np.array((ASKS, *BAIT_SHOWN))[plan.bait]
        front = begs & (plan.bait > 0) & (rng.random(self.n) < 0.5)
        for segment, side, chosen in ((BAIT_FRONT, "front", front), (BAIT_BACK, "back", begs & ~front)):
            rows = np.flatnonzero(chosen)
            draft.say(segment, rows, banks[f"bait_{side}"][np.maximum(plan.bait[rows] - 1, 0)], forced=True)
        return write_safety(draft, plan.nsfw, plan.toxic, SAFETY_FRONT, SAFETY_BACK)

    def _first(self, rows: Ints) -> None:
        vague = self.level[rows] == 0
        plain = self._worded("react" if self.reply else "vague", rows)
        frames = self._worded("reply_about" if self.reply else "about", rows)
        says = ~vague & (self.rng.random(len(rows)) < (0.0 if self.reply else SAYS))
        bank = np.where(vague, plain, np.where(says, self._says(rows), frames))
        words = np.where(vague | says, -1, self._words(rows, self.word_place))
        self.draft.say(FIRST, rows, bank, words, forced=True, fill=True)

    def _more(self, segment: int, rows: Ints) -> None:
        u = self.rng.random(len(rows))
        plain = self._worded("comments", rows)
        other = self._worded("react" if self.reply else "vague", rows)
        idle = (self.level[rows] == 0) | (u < AFTERTHOUGHT)
        plain = np.where((self.level[rows] == 0) & (u < NEW_START), other, plain)
        says = ~idle & (self.rng.random(len(rows)) < SAYS_LATER)
        bank = np.where(idle, plain, np.where(says, self._says(rows), self._worded("about", rows)))
        words = np.where(idle | says, -1, self._words(rows, self.place))
        self.draft.say(segment, rows, bank, words, fill=True)

    def _ending(self) -> None:
        u = self.rng.random(self.n)
        rows = np.flatnonzero((u < CLOSER) & (self.draft.room > 0))
        emoji = (u[rows] < EMOJI) & (self.level[rows] > 0)
        bank = np.where(emoji, self.book.banks["root_emoji"][self.root[rows]], self._worded("closers", rows))
        self.draft.say(END, rows, bank)

    def _worded(self, kind: str, rows: Ints) -> Ints:
        """Banks of a kind by wording, now and then a level off."""
        u = self.rng.random(len(rows))
        shift = np.where(u < BLUR / 2, -1, np.where(u < BLUR, 1, 0))
        return self.book.banks[kind][np.clip(self.plan.wording[rows] + shift, 0, 3)]

    def _says(self, rows: Ints) -> Ints:
        leaf = self.book.banks[f"{self.safe}says"][self.place[rows]]
        return np.where(self.level[rows] == 2, leaf, self.book.banks["root_says"][self.root[rows]])

    def _words(self, rows: Ints, place: Ints) -> Ints:
        leaf = self.book.banks[f"{self.safe}words"][place[rows]]
        return np.where(self.level[rows] == 2, leaf, self.book.banks["root_words"][self.root[rows]])

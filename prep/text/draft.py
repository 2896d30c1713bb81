"""A batch of tweets being written: a grid of pieces, filled segment by segment."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prep.text.phrasebook import LIMIT, Ints, Phrasebook

Bools = npt.NDArray[np.bool_]

CELLS = 3
"""Pieces of a segment: before the slot, the slot's word, after the slot."""

NARROW = 40
"""With fewer free characters than this, a phrase that fills takes at least `TIGHT` of them."""

TIGHT, LOOSE = 0.7, 0.35
"""Least shares of the room that a filling phrase takes, when the room is narrow and when it is not."""

FEW = 24
"""The least number of phrases to choose among, however short the room; six entries of a lexicon or more."""


class Draft:
    """Tweets of one language and kind. n rows, S segments in reading order.

    A segment is written at most once a row; `room` says how many characters a row still wants.
    """

    def __init__(self, book: Phrasebook, room: Ints, segments: int, rng: np.random.Generator) -> None:
        self.book, self.rng = book, rng
        self.room = room.astype(np.int64)
        self.cells = np.zeros((len(room), segments * CELLS), np.int32)
        self._families = np.full((len(room), segments), -1, np.int32)

    def say(
        self,
        segment: int,
        rows: Ints,
        bank: Ints,
        word_bank: Ints | None = None,
        *,
        forced: bool = False,
        fill: bool = False,
    ) -> None:
        """Write one phrase of `bank` (one bank a row) into a segment of `rows`.

        With `word_bank` (-1 where the phrases have no slot) a word of it fills the slot. Where nothing
        fits the room, a short phrase is taken when `forced`, else nothing. Short phrases that would leave
        much of the room are passed over with `fill`. A phrase from an entry that the row has used already
        is left out.
        """
        if not len(rows):
            return
        book = self.book
        word, word_size = self._words(rows, word_bank)
        phrase, fits = self._choose(bank, self.room[rows] - word_size, forced=forced, fill=fill)
        fresh = (self._families[rows] != book.family[phrase, None]).all(axis=1)
        kept = fits & fresh
        rows, phrase, word, word_size = rows[kept], phrase[kept], word[kept], word_size[kept]
        column = segment * CELLS
        self.cells[rows, column] = book.before[phrase]
        filled = word >= 0
        first = book.initial[phrase]
        spelled = np.where(first, book.capital[word], book.before[word])
        self.cells[rows, column + 1] = np.where(filled, spelled, 0)
        self.cells[rows, column + 2] = book.after[phrase]
        self._families[rows, segment] = book.family[phrase]
        self.room[rows] -= book.size[phrase] + word_size

    def link(self, segment: int, rows: Ints) -> None:
        """Write a short invented link to a reserved domain (RFC 2606) into a segment of `rows`."""
        banks, start = self.book.banks, self.book.start
        for i, bank in enumerate((banks["link_hosts"][0], banks["link_paths"][0], banks["link_paths"][0])):
            count = start[bank + 1] - start[bank]
            part = start[bank] + (self.rng.random(len(rows)) * count).astype(np.int64)
            self.cells[rows, segment * CELLS + i] = self.book.before[part]
            self.room[rows] -= self.book.size[part]

    def _words(self, rows: Ints, word_bank: Ints | None) -> tuple[Ints, Ints]:
        """A word for each row, -1 for none, and its length."""
        if word_bank is None:
            return np.full(len(rows), -1), np.zeros(len(rows), np.int64)
        wanted = word_bank >= 0
        low = self.book.start[word_bank]
        count = self.book.start[word_bank + 1] - low
        word = np.where(wanted, low + (self.rng.random(len(rows)) * count).astype(np.int64), -1)
        return word, np.where(wanted, self.book.size[word], 0).astype(np.int64)

    def _choose(self, bank: Ints, room: Ints, *, forced: bool, fill: bool) -> tuple[Ints, Bools]:
        """A phrase for each row, and whether it fits."""
        book = self.book
        total = book.start[bank + 1] - book.start[bank]
        high = book.fitting[bank, np.clip(room, 0, LIMIT)].astype(np.int64)
        fits = (high > 0) | forced
        high = np.maximum(high, np.minimum(total, FEW if forced else 1))
        low = np.zeros(len(bank), np.int64)
        if fill:
            least = np.floor(room * np.where(room < NARROW, TIGHT, LOOSE)).astype(np.int64)
            low = np.maximum(np.minimum(book.fitting[bank, np.clip(least, 0, LIMIT)], high - FEW), 0)
        phrase = book.start[bank] + low + (self.rng.random(len(bank)) * (high - low)).astype(np.int64)
        return phrase, fits

"""How hostility and nudity show in text: sometimes plainly, sometimes not at all.

And sometimes a harmless tweet looks bad: those are the hard cases of a safety model.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from prep.text.draft import Draft

Bools = npt.NDArray[np.bool_]

SHOWN: Final = (0.43, 0.19, 0.24)
"""Shares of true cases with the plain term, an obfuscated one, no term but a telling phrase. The rest
shows nothing."""

HARD_CASES: Final[dict[str, float]] = {
    "reclaimed": 0.004,
    "quoted": 0.006,
    "lookalike": 0.005,
    "medical": 0.005,
    "trash_talk": 0.007,
}
"""Share of clean tweets that merely look bad, by the reason why (chosen; 2.7 % in all)."""

FRONT_SHARE: Final = 0.3
"""Chance that the telling segment comes first."""


def write_safety(draft: Draft, nsfw: Bools, toxic: Bools, front: int, back: int) -> Bools:
    """Write the telling segment of each row into segment `front` or `back`; returns which rows have one.

    bool[n] each. A tweet that is both shows only its hostility, so that everything fits.
    """
    n, rng = len(nsfw), draft.rng
    place = np.where(rng.random(n) < FRONT_SHARE, front, back)
    u = rng.random(n)
    form = np.searchsorted(np.cumsum(SHOWN), u, side="right")
    case = np.searchsorted(np.cumsum(list(HARD_CASES.values())), u, side="right")
    shown = np.full(n, False)
    for group, rows_of, phrase, term in (
        ("toxic", toxic, "hostile", "slur"),
        ("nsfw", nsfw & ~(toxic & (form < 3)), "hinting", "explicit"),
    ):
        for kind, words, chosen in (
            ("term", f"term_{term}", form == 0),
            ("term", f"term_hidden_{term}", form == 1),
            (phrase, "", form == 2),
        ):
            shown |= _write(draft, place, rows_of & chosen, f"{group}_{kind}", words)
    for i, kind in enumerate(HARD_CASES):
        words = {"reclaimed": "term_reclaimed", "quoted": "term_slur"}.get(kind, "")
        shown |= _write(draft, place, ~toxic & ~nsfw & (case == i), f"clean_{kind}", words)
    return shown


def _write(draft: Draft, place: npt.NDArray[np.int64], chosen: Bools, kind: str, words: str) -> Bools:
    """One kind of segment for the chosen rows, half of them in front and so on; returns `chosen`."""
    banks = draft.book.banks
    for segment in np.unique(place[chosen]):
        rows = np.flatnonzero(chosen & (place == segment))
        word_bank = np.full(len(rows), banks[words][0]) if words else None
        draft.say(int(segment), rows, np.full(len(rows), banks[kind][0]), word_bank, forced=True)
    return chosen

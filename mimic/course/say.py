"""Numbers and names that the prose of a chapter repeats.

A chapter's Markdown holds the number itself, so that it reads well everywhere, inside an element that
names it: `<data value="median_age">3.1 hours</data>`. The cell that measured it says so::

    say(median_age=f"{hours:.1f} hours", users=len(users), share=(0.6131, ".0%"))

`scripts/execute_notebooks.py` copies what was said into the Markdown, and a test compares the two. The
output is plain text, so nbval compares it like every other number of the chapter.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import TypeAlias

Sayable: TypeAlias = str | bool | Integral | Real | tuple[object, str]
"""A value to be said: as it is, or with the format specification to say it in."""


class Said:
    """What `say` returns: shows itself as one line `key = text` a value.

    The texts also travel in the output's metadata, under `say`, where the executing script finds them.
    """

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def __repr__(self) -> str:
        return "\n".join(f"{key} = {text}" for key, text in self.texts.items())

    def _repr_mimebundle_(
        self,
        include: object = None,
        exclude: object = None,
    ) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        return {"text/plain": repr(self)}, {"say": dict(self.texts)}


def say(**values: Sayable) -> Said:
    """Say numbers and names of this page, for the prose to repeat. Use it as a cell's last expression.

    Args:
        **values: what is said, by key. Strings stand as they are, whole numbers get thousands
            separators, other numbers three significant digits, and a tuple `(value, spec)` is formatted
            by Python's format specification, as in `(0.6131, ".0%")`.

    Returns:
        An object that displays the texts.

    Raises:
        ValueError: nothing was said, or a text has a line break and would not fit into a sentence.
    """
    if not values:
        raise ValueError("say() needs at least one key=value")
    texts = {key: _text(value) for key, value in values.items()}
    for key, text in texts.items():
        if "\n" in text or not text.strip():
            raise ValueError(f"{key!r} must be one line of text, got {text!r}")
    return Said(texts)


def _text(value: Sayable) -> str:
    if isinstance(value, tuple):
        return format(*value)
    if isinstance(value, str | bool):
        return str(value)
    if isinstance(value, Integral):
        return f"{int(value):,}"
    return f"{float(value):.3g}"

"""«Why am I seeing this?» and, harder, «why am I not?»: the story of one tweet in one request."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

__all__ = ["Why", "in_digits"]


def in_digits(value: float) -> str:
    """A number for people: whole ones (ids, counts) with all their digits, others with four."""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.4g}"


@dataclass(frozen=True, kw_only=True)
class Why:
    """What became of a tweet: who found it or why nobody did, its scores, where it ended."""

    tweet_id: int
    text: str
    author: str
    """Handle of who wrote it, without the @."""
    fate: str
    """"shown", "removed", "over budget", "not selected" or "never fetched"."""
    reason: str
    """Why, for people. Of a tweet that was never fetched: which gate kept everything out, or nothing."""
    step: str
    """Where it ended, such as "filter SeenFilter"; empty when it was never fetched."""
    rank: int | None
    """Its place in the feed, from 1, when it is shown."""
    found: Mapping[str, int]
    """The sources that found it, and at which rank, from 1."""
    missed: Mapping[str, str]
    """The other sources, and why each did not bring it."""
    facts: Mapping[str, float]
    """Numbers that sources and hydrators wrote about it."""
    scores: Mapping[str, float]
    """Numbers that scorers wrote about it; "score" is the last word."""

    def table(self) -> pd.DataFrame:
        """One row a statement: about (source, fact, score or fate), name, and what is said."""
        rows = [("source", name, f"found at rank {rank}") for name, rank in self.found.items()]
        rows += [("source", name, f"missed: {reason}") for name, reason in self.missed.items()]
        rows += [("fact", name, in_digits(value)) for name, value in self.facts.items()]
        rows += [("score", name, in_digits(value)) for name, value in self.scores.items()]
        rows.append(("fate", self.step, self.verdict))
        return pd.DataFrame(rows, columns=["about", "name", "what"])

    @property
    def verdict(self) -> str:
        """The outcome in a phrase, such as "shown at place 3"."""
        if self.rank is not None:
            return f"shown at place {self.rank}"
        return f"{self.fate}: {self.reason}" if self.reason else self.fate

    def __repr__(self) -> str:
        text = textwrap.shorten(self.text, 80, placeholder=" …")
        lines = [f"Tweet {self.tweet_id} by @{self.author}: {text}", f"  {self.verdict}"]
        if self.step:
            lines[-1] += f" ({self.step})"
        lines += [f"  found by {name} at rank {rank}" for name, rank in self.found.items()]
        lines += [f"  missed by {name}: {reason}" for name, reason in self.missed.items()]
        lines += [f"  {name} = {in_digits(value)}" for name, value in self.scores.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from mimic.show import why_html

        return why_html(self)

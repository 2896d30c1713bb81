"""The colours of the course, by meaning, and the words and shapes that say the same without colour.

After Okabe and Ito's palette, which people with any kind of colour vision can tell apart. A colour never
stands alone: each source has a word, an edge for its cards, and a hatch and a marker for figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = [
    "BASELINE",
    "GRAPH",
    "INK",
    "IN_NETWORK",
    "OUT_OF_NETWORK",
    "OWN_SOURCE",
    "REMOVED",
    "SEVERAL",
    "WARNING",
    "Look",
    "look_of",
    "words_of",
]

IN_NETWORK: Final = "#0072B2"
"""Blue: from people you follow."""
OUT_OF_NETWORK: Final = "#E69F00"
"""Orange: from strangers, by topic or embedding."""
GRAPH: Final = "#009E73"
"""Green: from strangers, by what the people you follow engaged with."""
SEVERAL: Final = "#CC79A7"
"""Purple: found by several sources at once."""
REMOVED: Final = "#7F7F7F"
"""Grey: what left the funnel."""
BASELINE: Final = REMOVED
"""Grey: what a method must beat."""
WARNING: Final = "#D55E00"
"""Vermilion: something is wrong."""
OWN_SOURCE: Final = "#56B4E9"
"""Sky blue: a source of the reader's own."""
INK: Final = "#787878"
"""Text and axes of figures: the grey whose contrast with the light and the dark page is the same, 4.2."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How something that a source found looks."""

    word: str
    """Its name for people."""
    colour: str
    edge: str
    """CSS border style of its cards."""
    hatch: str
    """Matplotlib hatch of its areas."""
    marker: str
    """Matplotlib marker of its points."""


_LOOKS: Final = {
    "in_network": Look(word="in-network", colour=IN_NETWORK, edge="solid", hatch="", marker="o"),
    "out_of_network": Look(
        word="out-of-network", colour=OUT_OF_NETWORK, edge="dashed", hatch="////", marker="s"
    ),
    "graph": Look(word="graph", colour=GRAPH, edge="dotted", hatch="...", marker="^"),
    "popular": Look(word="popular", colour=BASELINE, edge="groove", hatch="----", marker="v"),
}


def look_of(sources: str) -> Look:
    """The look of what `sources` found, written as in `Candidates.sources`: "graph", "in_network + graph"."""
    if " + " in sources:
        return Look(word=words_of(sources), colour=SEVERAL, edge="double", hatch="xxx", marker="D")
    own = Look(word=words_of(sources), colour=OWN_SOURCE, edge="ridge", hatch="\\\\\\\\", marker="P")
    return _LOOKS.get(sources, own)


def words_of(sources: str) -> str:
    """Names of sources for people: "in_network + graph" becomes "in-network and graph"."""
    names = [_LOOKS[name].word if name in _LOOKS else name.replace("_", " ") for name in sources.split(" + ")]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

"""The village drawn whole: people on the left, tweets on the right, arcs for follows, lines for answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from mimic.cards import age_words, avatar
from mimic.markup import LINE, MUTED, SMALL, div, frame, span, tag, text
from mimic.palette import GRAPH, IN_NETWORK

if TYPE_CHECKING:
    from mimic.course.village import Village

__all__ = ["village_html"]

_ROW: Final = 46
_WIDTH: Final = 660
_PEOPLE_AT: Final = 190
_TWEETS_AT: Final = 372


def village_html(village: Village) -> str:
    """A map as inline SVG, and beneath it who answered what, in words."""
    rows = max(len(village.people), len(village.tweets))
    height = rows * _ROW + 8
    people = _places(village.people["handle"].tolist(), height)
    tweets = _places(village.tweets["tweet_id"].tolist(), height)
    parts = [
        *(_follow(people[a], people[b]) for a, b in village.follows.itertuples(index=False)),
        *(_answer(people[user], tweets[tweet], kinds) for (user, tweet), kinds in _answers(village).items()),
        *(_person(person, people) for person in village.people.to_dict("records")),
        *(_tweet(tweet, tweets) for tweet in village.tweets.to_dict("records")),
    ]
    names = {"role": "img", "aria-label": _in_words(village), "viewBox": f"0 0 {_WIDTH} {height}"}
    size = {"width": str(_WIDTH), "height": str(height)}
    drawn = tag("svg", _ARROWS + "".join(parts), "display:block;color:inherit", names | size)
    scroll = {"tabindex": "0", "role": "group", "aria-label": "Map of the village"}
    return frame(tag("div", drawn, "overflow-x:auto", scroll), _legend())


_LINES: Final = {"like": ("", 0.66), "retweet": ("7 4", 0.6), "quote": ("2 4", 0.45), "click": ("1 3", 0.84)}
"""Dashes of each kind of answer, and how far along its line its name stands."""
_ARROWS: Final = (
    '<defs><marker id="village-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    f'orient="auto-start-reverse"><path d="M0 0l8 4-8 4Z" fill="{IN_NETWORK}"/></marker></defs>'
)


def _places(names: list[object], height: int) -> dict[object, float]:
    """The middle of each row, spread over the height."""
    pitch = height / len(names)
    return {name: pitch * (number + 0.5) for number, name in enumerate(names)}


def _follow(start: float, end: float) -> str:
    """An arc on the left, from who follows to who is followed."""
    reach = _PEOPLE_AT - 100 - min(abs(end - start) * 0.22, 74)
    return (
        f'<path d="M{_PEOPLE_AT - 92} {start:.0f}C{reach:.0f} {start:.0f} {reach:.0f} {end:.0f} '
        f'{_PEOPLE_AT - 92} {end - 4 if end > start else end + 4:.0f}" fill="none" stroke="{IN_NETWORK}" '
        'stroke-width="2" marker-end="url(#village-arrow)"/>'
    )


def _answers(village: Village) -> dict[tuple[str, int], list[str]]:
    """Kinds of answers of a person to a tweet, for all pairs that have one."""
    kinds: dict[tuple[str, int], list[str]] = {}
    for user, tweet, kind, _ in village.answers.itertuples(index=False):
        kinds.setdefault((user, tweet), []).append(kind)
    return kinds


def _answer(person: float, tweet: float, kinds: list[str]) -> str:
    """A line from a person to a tweet, with the kinds of answers on it."""
    dashes, near = _LINES[kinds[0]]
    x, end = _PEOPLE_AT + 22, _TWEETS_AT - 8
    said = tag(
        "text", text(", ".join(kinds)), "", {
            "x": f"{x + (end - x) * near:.0f}", "y": f"{person + (tweet - person) * near - 5:.0f}",
            "font-size": "12", "text-anchor": "middle", "fill": "currentColor",
        }
    )  # fmt: skip
    line = {"d": f"M{x} {person:.0f}L{end} {tweet:.0f}", "stroke": GRAPH, "stroke-width": "2"}
    return tag("path", "", "", line | {"stroke-dasharray": dashes}) + said


def _person(person: Mapping[Any, Any], places: dict[object, float]) -> str:
    y = places[person["handle"]]
    face = avatar(person["user_id"], 34).replace("<svg ", f'<svg x="{_PEOPLE_AT - 16}" y="{y - 17:.0f}" ', 1)
    return (
        f'<circle cx="{_PEOPLE_AT + 1}" cy="{y:.0f}" r="17" fill="rgba(128,128,128,.25)"/>{face}'
        f'<text x="{_PEOPLE_AT - 24}" y="{y + 5:.0f}" font-size="15" font-weight="600" text-anchor="end" '
        f'fill="currentColor">{text(person["handle"])}</text>'
    )


def _tweet(tweet: Mapping[Any, Any], places: dict[object, float]) -> str:
    y, hours = places[tweet["tweet_id"]], tweet["hours"]
    when = f"{age_words(hours)} ago" if hours > 0 else f"in {age_words(-hours)}"
    return (
        f'<g opacity="{1 if hours > 0 else 0.6}">'
        f'<circle cx="{_TWEETS_AT}" cy="{y:.0f}" r="4" fill="currentColor"/>'
        f'<text x="{_TWEETS_AT + 12}" y="{y - 2:.0f}" font-size="14" fill="currentColor">'
        f'<tspan font-weight="600">{tweet["tweet_id"]}</tspan> {text(tweet["text"])}</text>'
        f'<text x="{_TWEETS_AT + 12}" y="{y + 14:.0f}" font-size="12" fill="currentColor" opacity=".76">'
        f"{text(tweet['author'])}, {when}, {text(tweet['topic'])}</text></g>"
    )


def _in_words(village: Village) -> str:
    """The whole map for those who hear it."""
    follows = "; ".join(f"{a} follows {b}" for a, b in village.follows.itertuples(index=False))
    answers = "; ".join(
        f"{user} answers tweet {tweet} with a {kind}"
        for user, tweet, kind, _ in village.answers.itertuples(index=False)
    )
    return f"Map of eight people and the tweets that they answered. {follows}. {answers}."


def _legend() -> str:
    line = "display:inline-block;width:1.6em;vertical-align:middle;border-top:2px solid"
    follows = span("", f"{line} {IN_NETWORK}") + " follows &nbsp; "
    answers = span("", f"{line} {GRAPH}") + " answers: a like drawn through, a retweet dashed, others dotted"
    return div(follows + answers, f"{SMALL};{MUTED};border-top:{LINE};padding-top:.4em")

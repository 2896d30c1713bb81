"""How the things of the recommender show themselves in a notebook.

`Feed`, `Trace`, `Why`, `Candidates`, `MixerPipeline` and `DataLoader` call these when a cell ends with
one of them. For people and single tweets see `mimic.cards`, for figures `mimic.plots`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from mimic.cards import card_html, replying_to, source_chip, why_words
from mimic.markup import CARD, FAINT, MUTED, SMALL, bar, div, fold, frame, span, table, tag, text
from mimic.palette import BASELINE, REMOVED, WARNING, look_of
from mimic.trace import NOT_SELECTED, OVER_BUDGET, SHOWN
from mimic.trace import REMOVED as REMOVED_FATE
from mimic.why import in_digits

if TYPE_CHECKING:
    from mimic.batch import Candidates
    from mimic.data_loader import DataLoader
    from mimic.feed import Feed
    from mimic.pipeline import MixerPipeline
    from mimic.trace import Step, Trace
    from mimic.why import Why

__all__ = ["candidates_html", "data_html", "feed_html", "pipeline_html", "trace_html", "why_html"]

_OPEN_CARDS: Final = 8
"""Cards that stand open; the rest of a feed is one click away, as on a phone it is one swipe away."""


def feed_html(feed: Feed) -> str:
    """A feed as cards, each with its «why» folded below."""
    table = feed.table().assign(replying_to=replying_to(feed.data, feed.fetched.rows[feed.places]))
    cards = [
        card_html(row, rank=int(row["rank"]), why=why_words(feed.why(int(row["tweet_id"]))))
        for row in table.to_dict("records")
    ]
    more = cards[_OPEN_CARDS:]
    folded = fold(f"{len(more)} more", div("".join(more), "margin-top:.6em")) if more else ""
    return frame(_feed_head(feed), *cards[:_OPEN_CARDS], folded)


def _feed_head(feed: Feed) -> str:
    """Whose feed it is, out of how many, and what went wrong."""
    viewer = feed.data.profiles(np.array([feed.data.user_row(feed.query.user_id)])).iloc[0]
    counted = f"{len(feed.places)} of {len(feed.fetched):,} tweets fetched, {feed.trace.ms:.1f} ms"
    head = tag("b", f"For {tag('bdi', text(viewer['name']))}")
    head += span(f" @{text(viewer['handle'])} · {counted}", MUTED)
    notes = [_note(warning, WARNING) for warning in feed.warnings]
    notes += [] if len(feed.places) else [_note("The feed is empty; its trace says why.", BASELINE)]
    return div(head, "margin:0 0 .6em") + "".join(notes)


def _note(words: str, colour: str) -> str:
    """A remark beside a coloured edge."""
    look = f"border-left:4px solid {colour};background:{FAINT};padding:.45em .8em;margin:0 0 .6em"
    return div(text(words), look)


def trace_html(trace: Trace) -> str:
    """One row a step: how many came in and went on, what left and why, and how long it took."""
    most = max([step.left for step in trace.steps if step.stage != "gate"], default=1)
    rows = [_step_cells(trace, number, step, most) for number, step in enumerate(trace.steps)]
    header = ("step", "in", "out", "", "what left", "ms")
    return frame(table(header, rows, name="Trace of a request", numbers=(1, 2, 5), prose=(4,)))


def _step_cells(trace: Trace, number: int, step: Step, most: int) -> tuple[str, ...]:
    source = step.stage == "source"
    name = span(text(step.stage), f"{MUTED};margin-right:.3em")
    name += " " + (source_chip(step.name) if source else span(text(step.name), "overflow-wrap:anywhere"))
    ms = f"{step.ms:.2f}"
    if step.stage == "gate":
        return name, "", "", "", text(step.note or "open"), ms
    share = float(np.log10(1 + step.left) / np.log10(1 + max(most, 1)))
    drawn = bar(share, look_of(step.name).colour) if source else bar(share)
    return name, f"{step.entered:,}", f"{step.left:,}", drawn, _left_here(trace, number, step), ms


def _left_here(trace: Trace, number: int, step: Step) -> str:
    """Counts and reasons of the candidates that ended at a step, or what else there is to say."""
    counts = np.bincount(trace.ends, minlength=len(trace.causes)).tolist()
    said = [
        f"{count:,} {cause.reason}"
        for cause, count in zip(trace.causes, counts, strict=True)
        if cause.step == number and cause.fate != SHOWN and count
    ]
    said += [f"{step.removed:,} found twice"] if step.stage == "merge" and step.removed else []
    said += [step.note] if step.note else []
    return "<br>".join(text(line) for line in said)


def why_html(why: Why) -> str:
    """The story of one tweet: where it came from, what was thought of it, and how it ended."""
    look = look_of(" + ".join(why.found)) if why.fate == SHOWN else None
    edge = f"5px {look.edge} {look.colour}" if look else f"5px solid {REMOVED}"
    about = div(tag("b", f"@{text(why.author)}") + span(f" tweet {why.tweet_id}", MUTED))
    quote = tag("div", text(why.text), "margin:.1em 0 .5em;overflow-wrap:anywhere", {"dir": "auto"})
    parts = [about, quote, div(text(_verdict(why)), "font-weight:600;margin-bottom:.5em")]
    parts += [_origins(why), _scores(why), _facts(why)]
    return frame(div("".join(parts), f"{CARD};border-left:{edge}"))


def _verdict(why: Why) -> str:
    """How it ended, in a sentence."""
    ended = {
        SHOWN: f"Shown at place {why.rank}.",
        "never fetched": f"Never fetched: {why.reason or 'no source brought it'}.",
        OVER_BUDGET: f"Fetched, then dropped: {why.reason}.",
        NOT_SELECTED: f"Scored, but not shown: {why.reason}.",
        REMOVED_FATE: f"Removed by {why.step.rsplit(' ', 1)[-1]}: {why.reason}.",
    }
    return ended[why.fate]


def _origins(why: Why) -> str:
    """What each source says about it."""
    found = [(name, f"found it, at rank {rank}") for name, rank in why.found.items()]
    lines = [div(f"{source_chip(name)}: {text(said)}") for name, said in [*found, *why.missed.items()]]
    return div("".join(lines), "margin-bottom:.4em")


def _scores(why: Why) -> str:
    rows = [(text(name), in_digits(value)) for name, value in why.scores.items()]
    scored = table(("score", "value"), rows, name="Scores of the tweet", numbers=(1,))
    return fold(f"What the scorers said ({len(rows)})", scored, "margin-top:.3em") if rows else ""


def _facts(why: Why) -> str:
    rows = [(text(name), in_digits(value)) for name, value in why.facts.items()]
    known = table(("fact", "value"), rows, name="Facts about the tweet", numbers=(1,))
    return fold(f"What was known about it ({len(rows)})", known, "margin-top:.3em") if rows else ""


def candidates_html(candidates: Candidates) -> str:
    """How many tweets there are, who found them, what became of them, and which columns they have."""
    parts = [div(tag("b", f"{len(candidates):,} candidates"), "margin-bottom:.4em")]
    if candidates.finders and len(candidates):
        rows = [
            (source_chip(kind), f"{count:,}", bar(count / len(candidates), look_of(kind).colour))
            for kind, count in _tally(candidates.sources)
        ]
        parts.append(table(("found by", "tweets", ""), rows, name="Candidates by source", numbers=(1,)))
    if "fate" in candidates and len(candidates):
        rows = [
            (text(fate), f"{count:,}", bar(count / len(candidates)))
            for fate, count in _tally(candidates["fate"].tolist())
        ]
        parts.append(table(("fate", "tweets", ""), rows, name="Candidates by fate", numbers=(1,)))
    names = f"columns: {', '.join(candidates.columns) or 'none yet'}"
    return frame(*parts, div(text(names), f"{SMALL};overflow-wrap:anywhere;{MUTED}"))


def _tally(words: Sequence[str]) -> list[tuple[str, int]]:
    """How often each word occurs, the most frequent first."""
    return Counter(words).most_common()


def pipeline_html(pipeline: MixerPipeline) -> str:
    """Every part of a product, in order of work, with the first line of what it says about itself."""
    parts = pipeline.parts()
    before = ["", *(stage for stage, _ in parts)]
    rows = [
        (_once(stage, last), text(type(part).__name__), text(_purpose(part)))
        for last, (stage, part) in zip(before, parts, strict=False)
    ]
    head = tag("b", text(pipeline.data.path.name)) + f": a budget of {pipeline.budget:,} candidates"
    listed = table(("stage", "part", "what it does"), rows, name="Parts of the product", prose=(2,))
    return frame(div(head, "margin-bottom:.4em"), listed)


def _once(stage: str, last: str) -> str:
    """The name of a stage, where its first part stands."""
    return "" if stage == last else span(text(stage), f"white-space:nowrap;{MUTED}")


def _purpose(part: object) -> str:
    """The first line of a part's docstring; a dataclass without one has its signature there."""
    lines = (type(part).__doc__ or "").strip().splitlines()
    return lines[0] if lines and not lines[0].startswith(f"{type(part).__name__}(") else ""


def data_html(data: DataLoader) -> str:
    """Which world this is, as of when, and how large its tables are at that moment."""
    tables = [data.users, data.follows, data.tweets, data.impressions, data.interactions]
    tables += [data.blocks, data.mutes, data.moderation]
    rows = [
        (text(part.name), f"{len(part):,}", f"{data.manifest.rows[part.name] - len(part):,}")
        for part in tables
    ]
    moment = pd.Timestamp(data.now, unit="ms").strftime("%d %B %Y, %H:%M UTC").lstrip("0")
    head = tag("b", text(data.path.name)) + span(f" as of {moment}", MUTED)
    header = ("table", "rows until then", "still to come")
    sizes = table(header, rows, name="Tables of the data set", numbers=(1, 2))
    return frame(div(head, "margin-bottom:.4em"), sizes)

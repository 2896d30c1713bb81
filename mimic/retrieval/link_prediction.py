"""Can vectors tell whom somebody will follow or like? The true target's rank among a thousand false ones.

Three questions, none of which the vectors were trained on:

    follow                a follow made after the snapshot
    like, retweet, reply  the last answer to each tweet that had two before it
    author                whose tweets somebody likes after the snapshot, asked of the follow relation

The thousand are drawn twice. Among uniform ones it is enough to know who is popular; among targets drawn
by their number of edges popularity says nothing. A method has to do well on both. Everything here looks
beyond what was trained on; nothing in serving imports this module.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mimic.data_loader import DataLoader
from mimic.retrieval.twhin import RELATIONS, Twhin
from mimic.schema import RESPONSES

__all__ = ["NEGATIVES", "Question", "last_answers", "link_table", "questions", "ranks", "share_unknown"]

Ints = NDArray[np.integer[Any]]

NEGATIVES: Final = 1000
"""False targets that the true one is ranked among."""
_AT_ONCE: Final = 200
"""Edges whose negatives are scored together; bounds the memory."""
_ANSWERS: Final = RELATIONS[1:]


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """Edges whose targets are to be found."""

    relation: str
    """Whose vectors and translation answer it."""
    source: Ints
    """int[n]: users (rows)."""
    target: Ints
    """int[n]: users or tweets (rows)."""
    degree: NDArray[np.int64]
    """int64[targets]: edges in training of every target that there is: its popularity."""
    known: NDArray[np.int64]
    """int64[m], ascending: source × targets + target of every edge that there is, now or later. These are
    not false, so they are left out of the thousand."""


def last_answers(data: DataLoader, before: int = 2) -> NDArray[np.int64]:
    """Rows of `interactions`: the last like, retweet or reply to each tweet that had `before` earlier."""
    kinds = [RESPONSES.index(name) for name in _ANSWERS]
    rows = np.flatnonzero(np.isin(data.interactions["kind"], kinds))
    tweets = data.interactions["tweet"][rows]
    last = np.zeros(len(data.tweets), np.int64)
    last[tweets] = rows  # of several values for one place numpy keeps the last
    return last[np.bincount(tweets, minlength=len(data.tweets)) > before]


def share_unknown(data: DataLoader) -> float:
    """Share of the likes after a snapshot that go to tweets without an edge before it, NaN for no likes.

    Their vectors are what chance gave them: no embedding of ids can find these tweets.
    """
    log, new = data.as_of(data.manifest.end).interactions, slice(len(data.interactions), None)
    later = log["tweet"][new][log["kind"][new] == RESPONSES.index("like")]
    answers = np.isin(data.interactions["kind"], [RESPONSES.index(name) for name in _ANSWERS])
    known = np.unique(data.interactions["tweet"][answers])
    return float(np.mean(~np.isin(later, known))) if len(later) else float("nan")


def questions(data: DataLoader, held_out: Ints) -> dict[str, Question]:
    """The three questions on a snapshot. `held_out` are the rows of `last_answers`."""
    later = data.as_of(data.manifest.end)
    users, log = len(data.users), later.interactions
    author = later.tweets["author"]
    asked = {
        "follow": _question(
            "follow", later.follows["follower"], later.follows["followed"], len(data.follows), users
        )
    }
    kept = np.ones(len(data.interactions), bool)
    kept[held_out] = False
    answers = np.isin(data.interactions["kind"], [RESPONSES.index(name) for name in _ANSWERS])
    degree = np.bincount(data.interactions["tweet"][kept & answers], minlength=len(data.tweets))
    for name in _ANSWERS:
        of_kind = data.interactions["kind"] == RESPONSES.index(name)
        source, target = data.interactions["user"], data.interactions["tweet"]
        lost = of_kind & ~kept
        asked[name] = Question(
            relation=name,
            source=source[lost],
            target=target[lost],
            degree=degree,
            known=_keys(source[of_kind], target[of_kind], len(data.tweets)),
        )
    likes = np.flatnonzero(log["kind"] == RESPONSES.index("like"))
    seen = int(np.searchsorted(likes, len(data.interactions)))
    asked["author"] = _question("follow", log["user"][likes], author[log["tweet"][likes]], seen, users)
    return asked


def _question(relation: str, source: Ints, target: Ints, seen: int, targets: int) -> Question:
    """Ask for the distinct pairs that come after the first `seen` edges and were not among them."""
    old, all_ = _keys(source[:seen], target[:seen], targets), _keys(source, target, targets)
    new = np.setdiff1d(all_, old, assume_unique=True)
    degree = np.bincount(target[:seen], minlength=targets)
    return Question(relation=relation, source=new // targets, target=new % targets, degree=degree, known=all_)


def _keys(source: Ints, target: Ints, targets: int) -> NDArray[np.int64]:
    return np.unique(source.astype(np.int64) * targets + target)


def ranks(
    twhin: Twhin, asked: Question, *, by_degree: bool, rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Ranks of the true targets, 1 is best, by the vectors and by popularity: float64[n] each.

    Args:
        twhin: the vectors.
        asked: the edges.
        by_degree: draw the false targets by their number of edges, else uniformly.
        rng: draws them.
    """
    size = len(asked.degree)
    chance = asked.degree / asked.degree.sum() if by_degree else None
    places: dict[str, list[NDArray[np.float64]]] = {"vectors": [], "popularity": []}
    for low in range(0, len(asked.source), _AT_ONCE):
        source, target = asked.source[low : low + _AT_ONCE], asked.target[low : low + _AT_ONCE]
        drawn = rng.choice(size, (len(source), NEGATIVES), p=chance)
        false = ~np.isin(source[:, None].astype(np.int64) * size + drawn, asked.known)
        moved = twhin.moved(asked.relation, source)
        true = (moved * twhin.targets(asked.relation, target)).sum(axis=1)
        others = np.einsum("nd,nkd->nk", moved, twhin.targets(asked.relation, drawn))
        places["vectors"].append(_ranks(true, others, false))
        places["popularity"].append(_ranks(asked.degree[target], asked.degree[drawn], false))
    return {name: np.concatenate(parts) for name, parts in places.items()}


def _ranks(true: NDArray[Any], others: NDArray[Any], false: NDArray[np.bool_]) -> NDArray[np.float64]:
    """1 + how many are larger; of those that are equal half count."""
    larger, equal = others > true[:, None], others == true[:, None]
    return np.asarray(1.0 + (false & larger).sum(axis=1) + 0.5 * (false & equal).sum(axis=1))


def link_table(
    data: DataLoader, *, rng: np.random.Generator, config: Any = None, sample: int = 2000
) -> pd.DataFrame:
    """Mean reciprocal rank and share of ranks up to ten, by question and kind of negatives.

    Trains on the snapshot without the `last_answers`, once; at most `sample` edges a question.

    Returns:
        Index: question and "uniform" or "by degree". Columns: n, then MRR and hits@10 of the vectors, of
        popularity, and of chance.
    """
    held_out = last_answers(data)
    twhin = Twhin.of(data, config=config, without=held_out)
    chance = 1.0 / np.arange(1, NEGATIVES + 2)
    rows = {}
    for name, whole in questions(data, held_out).items():
        some = np.sort(rng.choice(len(whole.source), min(sample, len(whole.source)), replace=False))
        asked = replace(whole, source=whole.source[some], target=whole.target[some])
        for by_degree in (False, True):
            found = ranks(twhin, asked, by_degree=by_degree, rng=rng)
            row: dict[str, float] = {"n": len(some)}
            for method, places in found.items():
                row |= {f"MRR, {method}": (1 / places).mean(), f"hits@10, {method}": (places <= 10).mean()}
            row |= {"MRR, chance": chance.mean(), "hits@10, chance": 10 / (NEGATIVES + 1)}
            rows[name, "by degree" if by_degree else "uniform"] = row
    return pd.DataFrame.from_dict(rows, orient="index")

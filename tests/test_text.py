"""The text of the world: what a plan asks for is what the tweets say, in six languages."""

from __future__ import annotations

import copy
import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimic.schema import LANGUAGES
from prep.text import MUTABLE_WORDS, TweetPlan, check, write_tweets
from prep.text.mutable import holds_mutable
from prep.text.phrasebook import phrasebook
from prep.text.raw import capital, expand, read_lexicon
from prep.topics import BROAD_LEAVES, EVENT_LEAVES, EVENTS, LEAVES, MARA_LEAVES, ROOT_OF, ROOTS

EVERY_LANGUAGE = pytest.mark.parametrize("lang", LANGUAGES)


def plan_of(n: int, seed: int, *, lang: int | None = 0, **columns: object) -> TweetPlan:
    """n tweets as in the world, with some columns replaced; all languages with lang=None."""
    rng = np.random.default_rng(seed)
    plan = check.sample_plan(rng, n, lang or 0)
    if lang is None:
        columns["lang"] = rng.integers(0, len(LANGUAGES), n).astype(np.int8)
    full = {
        name: np.broadcast_to(np.asarray(value, getattr(plan, name).dtype), n).copy()
        for name, value in columns.items()
    }
    return dataclasses.replace(plan, **full)


def written(plan: TweetPlan, seed: int = 1) -> list[str]:
    return write_tweets(plan, np.random.default_rng(seed)).to_pylist()


# ---------------------------------------------------------------- topics


def test_the_tree_has_ten_leaves_a_root_and_no_name_twice() -> None:
    assert (len(ROOTS), len(LEAVES), len({*ROOTS, *LEAVES})) == (12, 120, 132)
    assert np.bincount(ROOT_OF).tolist() == [10] * 12


def test_events_mara_and_everyone_have_their_leaves() -> None:
    assert tuple(EVENT_LEAVES) == EVENTS
    assert not {*BROAD_LEAVES} & {*EVENT_LEAVES.values()}
    assert [LEAVES[leaf] for leaf in MARA_LEAVES] == ["city cycling", "bread and baking"]
    assert len({*EVENT_LEAVES.values()}) == len(EVENTS)


# ---------------------------------------------------------------- lexicons


@EVERY_LANGUAGE
def test_a_lexicon_is_whole(lang: str) -> None:
    assert check.problems(lang) == []


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("talk", "vague", "0"), ["Only one."], "at least 12"),
        (("talk", "about", "1"), ["No slot here."] * 13, "must have {t}"),
        (("talk", "tags"), ["NoHash"] * 9, "must be #"),
        (("talk", "react", "2"), [f"See #{i}." for i in range(12)], "has one of #"),
        (("Sport", "words"), ["the derby", "a", "b", "c", "d", "e"], "people mute"),
        (("Food", "leaves", "cheese", "says"), ["Very long. " * 11] * 5, "characters of 120"),
        (("Money", "leaves", "crypto", "words"), [f"crypto {i}" for i in range(6)], "3 without"),
        (("Games", "leaves", "chess"), {}, "must be a list"),
        (("safety", "toxic", "term"), ["{x} and {x}"] * 4, "must have {x}"),
        (("bait", "back", "mild"), [f"Ask {{nobody}} {i}" for i in range(6)], "unknown slot"),
    ],
)
def test_the_checker_sees_a_fault(
    monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...], value: object, complaint: str
) -> None:
    lexicon = copy.deepcopy(dict(read_lexicon("en")))
    inner = lexicon
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    monkeypatch.setattr(check, "read_lexicon", lambda lang: lexicon)
    assert any(complaint in problem for problem in check.problems("en"))


def test_a_missing_lexicon_is_a_problem_and_an_error() -> None:
    assert "missing or broken" in check.problems("xx")[0]
    with pytest.raises(FileNotFoundError):
        phrasebook("xx")


def test_small_slots_are_filled_evenly_and_begin_sentences_with_a_capital() -> None:
    slots = {"who": ["my aunt", "my dad"], "n": ["two", "three"]}
    assert expand("{who} waved. {n} times.", slots, "en") == [
        "My aunt waved. Two times.",
        "My dad waved. Two times.",
        "My aunt waved. Three times.",
        "My dad waved. Three times.",
    ]
    assert expand("About {t} again", slots, "en") == ["About {t} again"]
    assert (capital("iki", "tr"), capital("iki", "en")) == ("İki", "Iki")


def test_a_word_at_the_beginning_gets_a_capital() -> None:
    plan = plan_of(400, 2, clarity=2, length=20, toxic=False, nsfw=False, bait=0, is_reply=False)
    assert sum(text[0].islower() for text in written(plan)) == 0


# ---------------------------------------------------------------- what a plan asks for


@st.composite
def plans(draw: st.DrawFn) -> TweetPlan:
    n = draw(st.integers(0, 12))

    def codes(low: int, high: int) -> np.ndarray:
        return np.array(draw(st.lists(st.integers(low, high), min_size=n, max_size=n)), np.int16)

    flags = {
        name: codes(0, 1).astype(bool)
        for name in ("has_media", "has_link", "hashtag", "nsfw", "toxic", "is_reply")
    }
    event = codes(-1, len(EVENTS) - 1).astype(np.int8)
    return TweetPlan(
        lang=codes(0, len(LANGUAGES) - 1).astype(np.int8),
        topic=codes(0, len(LEAVES) - 1),
        clarity=np.where(event >= 0, 2, codes(0, 2)).astype(np.int8),
        length=codes(1, 280),
        wording=codes(0, 3).astype(np.int8),
        bait=codes(0, 2).astype(np.int8),
        event=event,
        **flags,
    )


@settings(deadline=None, max_examples=150)
@given(plan=plans(), seed=st.integers(0, 2**32))
def test_any_plan_gives_honest_texts(plan: TweetPlan, seed: int) -> None:
    texts = written(plan, seed)
    assert len(texts) == len(plan)
    for i, text in enumerate(texts):
        assert 0 < len(text) <= 280
        assert text == text.strip()
        assert "  " not in text
        assert not re.search(r"[{}@\n]", text)
        assert ("#" in text) == plan.hashtag[i]
        assert ("https://example." in text) == plan.has_link[i]
        if plan.clarity[i] < 2 or plan.is_reply[i]:
            assert not holds_mutable(text)


def test_the_same_seed_gives_the_same_texts_and_another_does_not() -> None:
    plan = plan_of(3000, 3, lang=None)
    assert written(plan, 5) == written(plan, 5)
    same = np.mean([a == b for a, b in zip(written(plan, 5), written(plan, 6), strict=True)])
    assert same < 0.05


def test_a_wrong_plan_is_refused() -> None:
    plan = plan_of(4, 0)
    with pytest.raises(ValueError, match="same length"):
        dataclasses.replace(plan, topic=plan.topic[:2])
    with pytest.raises(ValueError, match="wording must be in 0…3"):
        dataclasses.replace(plan, wording=plan.wording + np.int8(4))
    with pytest.raises(ValueError, match="clarity 2"):
        dataclasses.replace(plan, event=np.zeros(4, np.int8), clarity=np.zeros(4, np.int8))


@EVERY_LANGUAGE
def test_muted_words_occur_only_where_the_leaf_is_named(lang: str) -> None:
    plan = plan_of(20_000, 4, lang=LANGUAGES.index(lang))
    holds = np.array([holds_mutable(text) for text in written(plan)])
    named = (plan.clarity == 2) & ~plan.is_reply
    assert not holds[~named].any()
    assert holds[named].any()


def test_every_muted_word_occurs_somewhere() -> None:
    plan = plan_of(60_000, 5, lang=None, clarity=2, is_reply=False)
    everything = "\n".join(written(plan)).lower()
    assert [word for word in MUTABLE_WORDS if word not in everything] == []


@EVERY_LANGUAGE
def test_replies_react_and_originals_do_not(lang: str) -> None:
    talk = read_lexicon(lang)["talk"]
    reactions = [
        phrase
        for entries in talk["react"].values()
        for entry in entries
        for phrase in expand(entry, talk["slots"], lang)
        if len(phrase) > 8
    ]
    bare = {"clarity": 0, "bait": 0, "toxic": False, "nsfw": False, "event": -1, "length": 40}
    code = LANGUAGES.index(lang)
    replies, originals = (
        np.mean([any(p in text for p in reactions) for text in written(plan)])
        for plan in (
            plan_of(300, 6, lang=code, is_reply=True, **bare),
            plan_of(300, 6, lang=code, is_reply=False, **bare),
        )
    )
    assert replies > 0.6
    assert originals < 0.1


@pytest.mark.parametrize(
    ("event", "names"),
    [
        ("final", ("Rovers", "Northgate", "cup final")),
        ("storm", ("Odalys",)),
        ("scandal", ("Oswin", "Crumbold", "biscuit")),
        ("meme", ("heron", "bird at the desk", "desk bird", "bird in accounts", "DeskHeron")),
    ],
)
def test_tweets_about_an_event_name_it(event: str, names: tuple[str, ...]) -> None:
    index, leaf = EVENTS.index(event), EVENT_LEAVES[event]
    about = plan_of(1500, 7, event=index, topic=leaf, clarity=2, is_reply=False)
    other = plan_of(1500, 7, event=-1, topic=leaf, clarity=2, is_reply=False)
    named, elsewhere = (
        np.mean([any(name.lower() in text.lower() for name in names) for text in written(plan)])
        for plan in (about, other)
    )
    assert named > 0.35
    assert elsewhere < 0.05

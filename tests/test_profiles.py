"""Names, handles and bios."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimic.schema import LANGUAGES
from prep.text import people, write_people
from prep.text.raw import read_lexicon
from prep.topics import LEAVES, ROOT_OF, ROOTS


def profiles(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, list[list[str]]]:
    """Languages, interests, and the three columns of text."""
    rng = np.random.default_rng(seed)
    lang = rng.integers(0, len(LANGUAGES), n).astype(np.int8)
    interests = rng.integers(-1, len(LEAVES), (n, 2)).astype(np.int16)
    return lang, interests, [column.to_pylist() for column in write_people(lang, interests, rng)]


@settings(deadline=None, max_examples=40)
@given(n=st.integers(0, 40), seed=st.integers(0, 2**32))
def test_profiles_keep_their_limits(n: int, seed: int) -> None:
    _, _, (names, handles, bios) = profiles(n, seed)
    assert len(names) == len(handles) == len(bios) == n
    assert all(0 < len(name) <= 50 and name == name.strip() for name in names)
    assert all(len(bio) <= 160 and "{" not in bio for bio in bios)
    assert len({handle.lower() for handle in handles}) == n


def test_handles_stay_short_and_distinct_for_many_people() -> None:
    _, _, (names, handles, bios) = profiles(150_000, 1)
    assert len({handle.lower() for handle in handles}) == 150_000
    text = "\n".join(handles)
    assert text.isascii()
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789_\n")
    assert max(map(len, handles)) <= 15
    assert min(map(len, handles)) >= 2
    assert len(set(names)) > 30_000
    assert np.mean([not bio for bio in bios]) == pytest.approx(0.2, abs=0.01)


def test_too_many_namesakes_are_an_error() -> None:
    with pytest.raises(ValueError, match="too many people share one handle"):
        people._scattered(np.array([10_000]), np.array([0]))
    numbers = people._scattered(np.arange(9_990), np.zeros(9_990, np.int64))
    assert len(set(numbers.tolist())) == 9_990
    assert (numbers[0], numbers.max()) == (0, 9_999)


def test_the_same_seed_gives_the_same_people() -> None:
    assert profiles(500, 2)[2] == profiles(500, 2)[2]
    assert profiles(500, 2)[2][0] != profiles(500, 3)[2][0]


def test_bios_speak_of_interests_in_the_person_s_language() -> None:
    lang, interests, (_, _, bios) = profiles(6_000, 4)
    talks = []
    for code, pair, bio in zip(lang, interests, bios, strict=True):
        if not bio or (pair < 0).any():
            continue
        lexicon = read_lexicon(LANGUAGES[code])
        leaves = [lexicon[ROOTS[ROOT_OF[leaf]]]["leaves"][LEAVES[leaf]] for leaf in pair]
        known = [leaf["words"][0] for leaf in leaves] + [
            own for leaf in leaves for own in leaf.get("bio", [])
        ]
        talks.append(any(word.lower() in bio.lower() for word in known))
    assert np.mean(talks) > 0.93  # own sentences with small slots are not recognised here


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"interests must have shape \(3, 2\)"):
        write_people(np.zeros(3, np.int8), np.zeros((3, 3), np.int16), np.random.default_rng(0))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_name_lists_are_whole(lang: str) -> None:
    text = (resources.files("prep.text") / "names" / f"{lang}.json").read_text("utf-8")
    lists = json.loads(text)
    for part in ("given", "family"):
        names = lists[part]
        latin = lists.get(f"{part}_latin", [people.plain(name) for name in names])
        assert len(set(names)) == len(names) >= 60
        assert len(latin) == len(names)
        assert all(name.isascii() and name.isalpha() and name.islower() for name in latin)
    for part in ("first", "second"):
        stems = lists["stems"][part]
        assert all(stem.isascii() and stem.isalpha() and stem.islower() for stem in stems)
        assert max(map(len, stems)) <= 9

"""The three clocks of chapter 3's suspect model, against counting by hand in a small world."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import random_world

from mimic import DataLoader
from mimic.course.suspect import SuspectLog
from mimic.schema import RESPONSES

KEYS = ("reader", "author", "tweet", "reader–author", "reader–topic")


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = tmp_path_factory.mktemp("suspect") / "w"
    world = random_world(folder, users=12, tweets=60, follows=60, impressions=700, topics=4)
    data = DataLoader.open(world)
    return SuspectLog.draw(data.as_of(data.manifest.end), 150, rng=np.random.default_rng(0))


def key_of(log, kind, row):
    seen, tweets = log.data.impressions, log.data.tweets
    tweet = seen["tweet"][row]
    parts = {"reader": seen["user"][row], "author": tweets["author"][tweet], "tweet": tweet}
    parts["topic"] = tweets["topic"][tweet]
    return tuple(parts[name] for name in kind.split("–"))


def likes_of(log):
    """Impression and moment of each like."""
    events = log.data.interactions
    likes = np.flatnonzero(events["kind"] == RESPONSES.index("like"))
    return [
        (int(events["impression"][i]), int(events["at"][i])) for i in likes if events["impression"][i] >= 0
    ]


def by_hand(log, kind, clock, row):
    seen, at = log.data.impressions, log.data.impressions["shown_at"]
    own = key_of(log, kind, row)
    same = {i for i in range(len(seen)) if key_of(log, kind, i) == own}
    if clock == "as of the moment":
        liked = sum(i in same and moment < at[row] for i, moment in likes_of(log))
        return [sum(i < row for i in same), liked]
    if clock == "other fifths":
        same = {i for i in same if log.fifth_of_all[i] != log.fifth_of_all[row]}
    return [len(same), sum(i in same for i, _ in likes_of(log))]


@pytest.mark.parametrize("clock", ["whole log", "other fifths", "as of the moment"])
@pytest.mark.parametrize("kind", KEYS)
def test_histories(log, kind, clock):
    counts = log.history(kind, clock)
    for place in range(0, len(log.rows), 10):
        assert counts.iloc[place].tolist() == by_hand(log, kind, clock, log.rows[place]), place


def test_a_row_is_in_its_own_history_under_the_first_clock_only(log):
    lonely = log.history("tweet", "whole log")["shown"] == 1
    for clock in ("other fifths", "as of the moment"):
        assert (log.history("tweet", clock)["shown"][lonely] == 0).all()


def test_follows_are_as_of_the_moment(log):
    edges, seen = log.data.follows, log.data.impressions
    for place, row in enumerate(log.rows):
        user, author = seen["user"][row], log.data.tweets["author"][seen["tweet"][row]]
        mine = (edges["follower"] == user) & (edges["followed"] == author)
        expected = (mine & (edges["created_at"] < seen["shown_at"][row])).any()
        assert log.features("whole log", dwell=False)["follows"][place] == expected
        if place > 20:
            break


def test_features_are_finite_and_named(log):
    names = ["age", "follows", *(f"{kind} rate" for kind in KEYS)]
    for clock in ("whole log", "other fifths", "as of the moment"):
        assert list(log.features(clock, dwell=False)) == names
        assert list(log.features(clock, dwell=True)) == [*names, "dwell"]
        assert np.isfinite(log.features(clock, dwell=True)).all(axis=None)


def test_a_sample_is_drawn_once_and_keeps_its_order(log):
    assert (np.diff(log.rows) > 0).all()
    assert set(np.unique(log.fifth)) == set(range(5))
    again = SuspectLog.draw(log.data, 10**9, rng=np.random.default_rng(1))
    assert len(again.rows) == len(log.data.impressions)

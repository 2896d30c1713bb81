"""Held-out answers in the village, where every right answer is known, and the rules that look for them."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import BEN, GUS, HANA, HOUR, MARA, NOW, random_world, village

from mimic import DataLoader, MimicError
from mimic.held_out import engaged_users, held_out, shown_afterwards, slices
from mimic.retrieval.baselines import Baselines

EVERYTHING = list(range(101, 112))


@pytest.fixture
def data(tmp_path):
    return DataLoader.open(village(tmp_path / "village"))


# ---------------------------------------------------------------- answers


def test_answers_are_the_engagements_of_the_next_hours(data):
    assert held_out(data, BEN, EVERYTHING).tolist() == [107]
    assert held_out(data, HANA, EVERYTHING).tolist() == [109]
    assert held_out(data, MARA, EVERYTHING).tolist() == []
    assert held_out(data, BEN, EVERYTHING, hours=1.0).tolist() == []  # his like comes half an hour later


def test_only_eligible_tweets_are_answers(data):
    assert held_out(data, BEN, [101, 102]).tolist() == []


def test_a_tweet_is_one_answer_however_often_it_was_answered(data):
    earlier = data.as_of(NOW - 30 * HOUR + 1)
    assert held_out(earlier, BEN, EVERYTHING).tolist() == [103]  # liked and retweeted


def test_clicks_are_no_answers(data):
    earlier = data.as_of(NOW - 10 * HOUR + 1)
    assert held_out(earlier, MARA, EVERYTHING).tolist() == []


def test_those_who_answer_are_known(data):
    assert engaged_users(data).tolist() == [BEN, HANA]
    assert engaged_users(data, hours=1.2).tolist() == [HANA]
    earlier = data.as_of(NOW - 30 * HOUR)  # tweet 103 is not there yet, and its answers do not count
    assert engaged_users(earlier).tolist() == []


def test_nothing_is_asked_beyond_the_files(data):
    with pytest.raises(MimicError, match="lasts"):
        held_out(data, BEN, EVERYTHING, hours=24 * 4)


def test_what_was_shown_afterwards(data):
    log = data.as_of(data.now + 6 * HOUR).impressions
    rows = shown_afterwards(data, BEN, EVERYTHING)
    assert (log["user"][rows] == data.user_row(BEN)).all()
    assert (log["shown_at"][rows] >= NOW).all()
    ids = data.tweets["tweet_id"][log["tweet"][rows]]
    assert ids.tolist() == [107]
    assert shown_afterwards(data, BEN, [101, 102]).tolist() == []
    assert shown_afterwards(data, GUS, EVERYTHING).tolist() == []


def test_all_that_was_shown_afterwards_is_found(tmp_path):
    data = DataLoader.open(random_world(tmp_path / "w", users=30, tweets=900, follows=90, impressions=4000))
    data = data.as_of(data.now - 12 * HOUR)
    log = data.as_of(data.now + 6 * HOUR).impressions
    shown = 0
    for user in data.users["user_id"].tolist():
        rows = shown_afterwards(data, user, data.tweets["tweet_id"])
        mine = log["user"] == data.user_row(user)
        late = (log["shown_at"] >= data.now) & (log["tweet"] < len(data.tweets))
        assert rows.tolist() == np.flatnonzero(mine & late).tolist()
        shown += len(rows)
    assert shown > 20


def test_slices(data):
    trained = data.as_of(NOW - 20 * HOUR)
    kinds = slices(data, MARA, [102, 103, 107, 110], trained_until=trained)
    assert kinds["in training"].tolist() == [True, True, False, False]
    assert kinds["warm"].tolist() == [True, True, False, True]
    assert kinds["cold"].tolist() == [False, False, True, False]
    assert kinds["OON"].tolist() == [False, True, True, True]
    assert slices(data, MARA, [], trained_until=trained).shape == (0, 4)


# ---------------------------------------------------------------- rules


def test_rules_in_the_village(data):
    found = {name: ids.tolist() for name, ids in Baselines.of(data).lists(MARA, EVERYTHING).items()}
    assert found["newest in-network"] == [111, 109, 102]  # by Ben and Chloe
    assert found["followees engaged"] == [103, 110, 104]  # 103 by both of them, the others by Chloe
    assert found["popular"] == [103, 110, 104, 102]  # 103 has three engagements; then the newest first
    assert found["topic-popular"] == [110, 108, 106, 105, 102]  # cycling; 110 and 102 have an engagement


def test_rules_choose_from_what_may_be_shown(data):
    found = Baselines.of(data).lists(MARA, [104, 109])
    assert found["newest in-network"].tolist() == [109]
    assert found["followees engaged"].tolist() == [104]


def test_who_follows_nobody_has_no_network(data):
    found = Baselines.of(data).lists(GUS, EVERYTHING)
    assert len(found["newest in-network"]) == len(found["followees engaged"]) == 0
    assert len(found["popular"]) > 0


def test_rules_on_a_larger_world(tmp_path):
    data = DataLoader.open(random_world(tmp_path / "w", users=60, tweets=3000, follows=400, impressions=4000))
    window = data.tweets["tweet_id"][data.since("tweets") :]
    rules, rng = Baselines.of(data), np.random.default_rng(0)
    for user in data.users["user_id"][:20].tolist():
        eligible = np.sort(rng.choice(window, len(window) // 2, replace=False))
        for name, ids in rules.lists(user, eligible, limit=15).items():
            assert len(ids) <= 15, name
            assert len(np.unique(ids)) == len(ids), name
            assert np.isin(ids, eligible).all(), name

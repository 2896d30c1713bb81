"""Edges and their columns: the village by hand, a random world against loops, and nothing of the future."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import BEN, CHLOE, DAN, EVE, HANA, HOUR, MARA, NOW, random_world, village

from mimic import DataLoader
from mimic.retrieval.edge_features import EDGE_FEATURES, edge_features
from mimic.retrieval.edge_log import (
    DAY_MS,
    DECAY,
    INTERACTIONS,
    candidate_pairs,
    followed_before,
    next_day,
    pair_keys,
    shunned_pairs,
    split_pairs,
)
from mimic.schema import RESPONSES


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return DataLoader.open(village(tmp_path_factory.mktemp("data") / "village"))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "random"
    return DataLoader.open(random_world(folder, users=40, tweets=1500, follows=500, impressions=20_000))


def pairs_of(data, pairs):
    sources, others = zip(*pairs, strict=True)
    return np.sort(pair_keys(data, data.user_rows(sources), data.user_rows(others)))


def named(data, pairs):
    return {
        tuple(data.users["user_id"][[a, b]].tolist()) for a, b in zip(*split_pairs(data, pairs), strict=True)
    }


def columns(data, source, other):
    row = edge_features(data, pairs_of(data, [(source, other)]))[0]
    return dict(zip(EDGE_FEATURES, row.tolist(), strict=True))


# ---------------------------------------------------------------- pairs


def test_candidates_are_follows_and_interactions(data):
    follows = {(MARA, CHLOE), (MARA, BEN), (BEN, MARA), (HANA, CHLOE)}
    answers = {(MARA, BEN), (BEN, HANA), (CHLOE, HANA), (MARA, DAN), (CHLOE, 31)}
    assert named(data, candidate_pairs(data)) == follows | answers
    assert (np.diff(candidate_pairs(data)) > 0).all()


def test_blocked_and_muted_pairs_are_shunned(data):
    assert named(data, shunned_pairs(data)) == {(MARA, DAN), (MARA, EVE)}


def test_the_next_day_is_what_comes_between_two_snapshots(data):
    interacted, met = next_day(data, data.as_of(NOW + DAY_MS))
    assert named(data, interacted) == {(HANA, CHLOE), (BEN, 23)}
    assert named(data, met) == {(HANA, CHLOE), (BEN, 23)}  # hers was shown before, his an hour after now
    interacted, met = next_day(data.as_of(NOW - 10 * HOUR), data)
    assert named(data, interacted) == {(MARA, DAN), (CHLOE, 31), (CHLOE, HANA)}
    interacted, met = next_day(data.as_of(NOW - HOUR), data.as_of(NOW + 1))
    assert (named(data, interacted), named(data, met)) == (set(), {(HANA, CHLOE)})


def test_follows_have_a_moment(data):
    pairs = pair_keys(data, data.user_rows([HANA, HANA, MARA]), data.user_rows([CHLOE, CHLOE, DAN]))
    start = data.manifest.start
    assert followed_before(data, pairs, np.array([start + HOUR, start + HOUR + 1, NOW])).tolist() == [
        False,
        True,
        False,
    ]


# ---------------------------------------------------------------- the village by hand


def test_columns_of_a_follow_with_one_like(data):
    row = columns(data, MARA, BEN)  # liked 39 hours ago: on day 1 counted back, shown half an hour before
    month = 30 * (1 - DECAY) / (1 - DECAY**27)
    assert row["num_days"] == row["num_favorites"] == row["label_types"] == pytest.approx(np.log(2))
    assert row["num_tweets"] == row["other_tweets"] == pytest.approx(np.log(3))  # 102 and 111; 112 is to come
    assert row["days_since_last_interaction"] == pytest.approx(np.log(2))
    assert row["num_tweet_clicks"] == row["num_profile_views"] == row["num_follows"] == row["looks"] == 0
    assert row["engagements"] == row["impressions"] == pytest.approx(np.log1p(month * DECAY))
    assert (row["follows"], row["followed_by"]) == (1, 1)
    usual = np.log(2)  # every impression lasted a second
    assert row["dwell"] == pytest.approx((DECAY * usual + usual) / (DECAY + 1))
    assert row["source_follows"] == pytest.approx(np.log(3))


def test_columns_of_a_click_on_a_strangers_tweet(data):
    row = columns(data, MARA, DAN)
    assert row["num_tweet_clicks"] == row["num_days"] == pytest.approx(np.log(2))
    assert row["days_since_last_interaction"] == 0
    assert row["num_tweets"] == 0  # not followed
    assert row["other_tweets"] == pytest.approx(np.log(3))
    assert (row["follows"], row["followed_by"], row["num_favorites"], row["engagements"]) == (0, 0, 0, 0)


def test_three_answers_on_one_day_are_one_day(data):
    row = columns(data, BEN, HANA)  # like and retweet of 103, 29 and 27 hours ago
    assert row["num_days"] == row["num_favorites"] == pytest.approx(np.log(2))
    assert row["label_types"] == pytest.approx(np.log(3))


def test_a_pair_without_history(data):
    row = columns(data, MARA, HANA)  # the follow is to come
    zero = [name for name, value in row.items() if value == 0]
    assert {"num_days", "num_tweets", "follows", "engagements", "impressions"} <= set(zero)
    assert row["days_since_last_interaction"] == pytest.approx(np.log(31))


# ---------------------------------------------------------------- invariants


def test_the_eight_columns_against_loops(world):
    pairs = candidate_pairs(world)[::7]
    features = dict(zip(EDGE_FEATURES, edge_features(world, pairs).T, strict=True))
    history = {}
    log = world.interactions
    authors = world.tweets["author"][log["tweet"]]
    for user, author, kind, at in zip(log["user"], authors, log["kind"], log["at"], strict=True):
        if RESPONSES[kind] in INTERACTIONS:
            day = (world.now - int(at) - 1) // DAY_MS
            history.setdefault(int(user) * len(world.users) + int(author), []).append((day, RESPONSES[kind]))
    for place, pair in enumerate(pairs.tolist()):
        mine = history.get(pair, [])
        expected = {
            "num_days": len({day for day, _ in mine}),
            "label_types": len({kind for _, kind in mine}),
            "days_since_last_interaction": min((day for day, _ in mine), default=30),
            "num_favorites": len({day for day, kind in mine if kind == "like"}),
            "num_tweet_clicks": len({day for day, kind in mine if kind == "click"}),
            "num_profile_views": len({day for day, kind in mine if kind == "profile_visit"}),
            "num_follows": len({day for day, kind in mine if kind == "follow"}),
        }
        for name, count in expected.items():
            assert np.expm1(features[name][place]) == pytest.approx(count), (name, pair)


def test_a_rollup_is_the_recursion_that_twitter_writes(world):
    """s(today) = x + .955 · s(yesterday), day by day, with today's x not decayed."""
    pairs = candidate_pairs(world)[::11]
    said = edge_features(world, pairs)[:, list(EDGE_FEATURES).index("impressions")]
    shown = world.impressions
    key = pair_keys(world, shown["user"], world.tweets["author"][shown["tweet"]])
    day = (shown["shown_at"] - world.manifest.start) // DAY_MS
    total, unit = np.zeros(len(pairs)), 0.0
    for today in range(27):
        total = DECAY * total + np.array([np.sum((key == pair) & (day == today)) for pair in pairs])
        unit = DECAY * unit + 1.0
    np.testing.assert_allclose(said, np.log1p(30 * total / unit))


def test_a_batch_is_its_pairs_one_by_one_and_nothing_at_all(world):
    pairs = candidate_pairs(world)[::13]
    together = edge_features(world, pairs)
    assert together.shape == (len(pairs), len(EDGE_FEATURES))
    assert np.isfinite(together).all()
    for place in range(0, len(pairs), 9):
        np.testing.assert_allclose(edge_features(world, pairs[place : place + 1])[0], together[place])
    assert edge_features(world, pairs[:0]).shape == (0, len(EDGE_FEATURES))


def test_the_first_moment_knows_nobody(world):
    start = world.as_of(world.manifest.start)
    features = edge_features(start, candidate_pairs(start))
    assert np.isfinite(features).all()
    assert not features[:, list(EDGE_FEATURES).index("num_days")].any()

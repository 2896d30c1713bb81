"""The towers alone, on planted rows: two groups, a popularity, a mask, and threads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mimic.csr import CSR
from mimic.models.two_tower import TowerConfig, TowerRows, TwoTowerModel, train_towers

CONFIG = TowerConfig(
    dims=16,
    hidden=16,
    words=64,
    word_dims=4,
    epochs=20,
    batch=64,
    negatives=64,
    dropout=0.0,
    learning_rate=1e-2,
    log_q=1.0,
)


def words(numbers):
    """One word an example."""
    return CSR(np.arange(len(numbers) + 1), np.asarray(numbers, np.int64))


def rows_of(user, tweet, user_facts, tweet_facts, sizes, word=None):
    return TowerRows(
        user=user,
        user_facts=user_facts.astype(np.float32),
        weight=np.ones(len(user), np.float32),
        tweet=tweet,
        tweet_facts=tweet_facts.astype(np.float32),
        words=words(np.zeros(len(tweet)) if word is None else word),
        sizes=sizes,
    )


def two_groups(rng, *, by_word=False):
    """600 users like 600 tweets of their own half; which half is in one fact, or in one word of the tweet."""
    group = np.repeat([0, 1], 300)
    its_group = np.concatenate((group, rng.integers(0, 2, 600)))
    noise = rng.standard_normal((1200, 3))
    known = np.zeros(1200) if by_word else its_group
    return rows_of(
        np.arange(600),
        np.arange(1200),
        np.column_stack((group, rng.standard_normal((600, 3)))),
        np.column_stack((known, noise)),
        (600, 1200),
        word=its_group * 7 if by_word else None,
    )


@pytest.mark.parametrize("by_word", [False, True])
def test_two_planted_groups_part(by_word):
    model, loss = train_towers(two_groups(np.random.default_rng(0), by_word=by_word), CONFIG)
    fresh = two_groups(np.random.default_rng(1), by_word=by_word)  # people and tweets never seen before
    users = model.user_vectors(fresh.user_facts)
    tweets = model.tweet_vectors(fresh.tweet_facts, fresh.words)[:600]
    assert np.linalg.norm(users, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.linalg.norm(tweets, axis=1) == pytest.approx(1.0, abs=1e-5)
    near = users @ tweets.T
    same = np.arange(600)[:, None] // 300 == np.arange(600) // 300
    assert near[same].mean() > near[~same].mean() + 0.5
    assert loss[-20:].mean() < loss[:20].mean()


@pytest.mark.parametrize("log_q", [0.0, 1.0])
def test_scores_come_to_what_the_correction_says(log_q):
    """Everybody likes one of twelve tweets, the first far more often: ln p − (1 − log_q) · ln q."""
    rng, n = np.random.default_rng(0), 4000
    chance = 1 / np.arange(1, 13)
    chance /= chance.sum()
    tweet = np.concatenate((rng.choice(12, n, p=chance), rng.integers(0, 12, n)))
    rows = rows_of(np.arange(n), tweet, np.ones((n, 1)), np.eye(12)[tweet], (n, 12))
    config = replace(CONFIG, epochs=12, batch=100, negatives=100, log_q=log_q)
    model, _ = train_towers(rows, config)
    user = model.user_vectors(rows.user_facts[:1])
    tweets = model.tweet_vectors(np.eye(12, dtype=np.float32), words(np.zeros(12)))
    found = np.exp(model.arrays()["log_sharpness"]) * (user @ tweets.T)[0]
    expected = np.log(chance) - (1 - log_q) * np.log(chance / 2 + 1 / 24)
    slopes = [np.polyfit(np.log(chance), scores, 1)[0] for scores in (found, expected)]
    assert slopes[0] == pytest.approx(slopes[1], abs=0.2)  # 1 with the correction, .49 without
    assert np.corrcoef(found, expected)[0, 1] > 0.97


def test_what_a_user_likes_too_is_no_negative():
    """Each user likes the same two tweets; were the other one a negative, both would sink to the rest."""
    n = 200
    user, tweet = np.repeat(np.arange(n), 2), np.tile([0, 1], n)
    everything = np.concatenate((tweet, np.tile([2, 3, 4, 5], n // 2)))
    rows = rows_of(user, everything, np.ones((2 * n, 1)), np.eye(6)[everything], (n, 6))
    model, loss = train_towers(rows, replace(CONFIG, epochs=10, negatives=16, log_q=0.0))
    assert loss[-1] < 0.05  # with unmasked doubles it could not fall below ln 2
    tweets = model.tweet_vectors(np.eye(6, dtype=np.float32), words(np.zeros(6)))
    near = (model.user_vectors(rows.user_facts[:1]) @ tweets.T)[0]
    assert near[:2].min() > near[2:].max() + 0.5


def test_a_model_comes_back_from_its_arrays():
    rows = two_groups(np.random.default_rng(0))
    model, _ = train_towers(rows, replace(CONFIG, epochs=1))
    again = TwoTowerModel.of(model.arrays(), CONFIG)
    assert np.array_equal(again.user_vectors(rows.user_facts), model.user_vectors(rows.user_facts))
    vectors = [one.tweet_vectors(rows.tweet_facts, rows.words) for one in (model, again)]
    assert np.array_equal(*vectors)


def test_one_at_a_time_or_all_together_is_the_same():
    rows = two_groups(np.random.default_rng(0), by_word=True)
    model, _ = train_towers(rows, replace(CONFIG, epochs=1))
    together = model.tweet_vectors(rows.tweet_facts, rows.words)
    with torch.no_grad():
        alone = model.tweet_batch(rows.tweet_facts, rows.words, np.array([700])).numpy()
    assert alone[0] == pytest.approx(together[700], abs=1e-5)


def test_the_same_seed_gives_the_same_towers_and_threads_make_little_difference():
    rows = two_groups(np.random.default_rng(0))
    config = replace(CONFIG, epochs=4, dropout=0.2)
    before = torch.get_num_threads()
    vectors = []
    try:
        for threads in (1, 1, 2):
            torch.set_num_threads(threads)
            model, _ = train_towers(rows, config)
            vectors.append(model.user_vectors(rows.user_facts))
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(vectors[0], vectors[1])
    assert (vectors[0] * vectors[2]).sum(axis=1).min() > 0.99

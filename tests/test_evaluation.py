"""Feeds side by side and intervals: exact on small tables, honest on large ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from worlds import (
    BEN,
    CHLOE,
    HANA,
    HOUR,
    MARA,
    NOW,
    PEOPLE,
    START,
    random_world,
    village,
    village_tables,
    write_dataset,
)

from mimic import DataLoader, MimicError
from mimic.evaluation import (
    Interval,
    active_users,
    auc_draws,
    evaluate_feeds,
    interval,
    interval_of_draws,
    percent_of,
    sample_users,
)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def table_of(users, **feeds) -> pd.DataFrame:
    return pd.DataFrame({"user_id": users, "at": 0, **feeds})


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "crowd"
    return DataLoader.open(random_world(folder, users=80, tweets=2000, follows=500, impressions=3000))


# ---------------------------------------------------------------- who is asked


def test_active_are_those_who_see_something_afterwards(tmp_path):
    data = DataLoader.open(village(tmp_path / "village"))
    assert active_users(data).tolist() == [BEN]  # an hour later
    assert active_users(data, hours=0.5).tolist() == []
    earlier = data.as_of(NOW - 4 * HOUR)
    assert active_users(earlier, hours=3.5).tolist() == [CHLOE, HANA]
    assert MARA not in active_users(earlier)  # she came before
    with pytest.raises(MimicError, match="lasts"):
        active_users(data, hours=24 * 4)


def test_who_joins_later_is_not_asked(tmp_path):
    tables = village_tables()
    joined = [START - HOUR] * len(PEOPLE)
    joined[list(PEOPLE).index(BEN)] = NOW  # and sees a tweet an hour later
    tables["users"]["created_at"] = joined
    data = DataLoader.open(write_dataset(tmp_path / "village", tables))
    assert active_users(data).tolist() == []
    assert len(data.as_of(NOW + 2 * HOUR).impressions) == len(data.impressions) + 1


def test_a_sample_is_drawn_from_the_active_without_repetition(crowd):
    active, sample = active_users(crowd), sample_users(crowd, 20, rng=seeded())
    assert len(active) > 40
    assert len(np.unique(sample)) == 20
    assert set(sample) <= set(active)
    assert (sample == sample_users(crowd, 20, rng=seeded())).all()
    assert (sample != sample_users(crowd, 20, rng=seeded(1))).any()
    assert (sample_users(crowd, 10_000, rng=seeded()) == active).all()


def test_a_sample_gives_everybody_the_same_chance(crowd):
    active, rng = active_users(crowd), seeded()
    drawn = np.concatenate([sample_users(crowd, 10, rng=rng) for _ in range(400)])
    counts = np.array([(drawn == user).sum() for user in active])
    expected = 4000 / len(active)
    assert abs(counts - expected).max() < 5 * np.sqrt(expected)


# ---------------------------------------------------------------- feeds side by side


def test_each_feed_is_valued_for_each_user_at_the_moment():
    asked = []

    def worth(user, tweets, at):
        asked.append((user, tweets.tolist(), at))
        return float(user * len(tweets))

    feeds = {"two": lambda user: [user, user + 1], "none": lambda user: ()}
    table = evaluate_feeds(feeds, np.array([5, 9]), 77, worth)
    assert list(table.columns) == ["user_id", "at", "two", "none"]
    assert table.to_numpy().tolist() == [[5, 77, 10, 0], [9, 77, 18, 0]]
    assert asked == [(5, [5, 6], 77), (5, [], 77), (9, [9, 10], 77), (9, [], 77)]


def test_a_feed_may_not_take_the_name_of_a_key():
    with pytest.raises(MimicError, match="user_id"):
        evaluate_feeds({"user_id": lambda user: [user]}, [1], 0, lambda *_: 0.0)


# ---------------------------------------------------------------- intervals


def test_a_constant_has_no_width():
    assert interval(table_of([1, 2, 3], a=2.5), lambda mean: mean["a"], rng=seeded()) == Interval(
        value=2.5, low=2.5, high=2.5
    )


def test_ratios_are_ratios_of_means():
    table = table_of([1, 2], good=[1.0, 9.0], best=[10.0, 10.0])
    found = interval(table, lambda mean: mean["good"] / mean["best"], rng=seeded())
    assert found.value == 0.5
    assert (found.low, found.high) == (pytest.approx(0.1), pytest.approx(0.9))  # one user drawn twice
    uneven = table_of([1, 2], good=[1.0, 1.0], best=[1.0, 3.0])
    assert interval(uneven, lambda mean: mean["good"] / mean["best"], rng=seeded()).value == 0.5  # not 2/3


def test_differences_are_paired():
    a = seeded(3).normal(size=50)
    found = interval(table_of(range(50), a=a, b=a + 0.2), lambda mean: mean["b"] - mean["a"], rng=seeded())
    assert found.low == pytest.approx(0.2)
    assert found.high == pytest.approx(0.2)


def test_users_are_drawn_whole():
    once = table_of(range(30), a=seeded(1).normal(size=30))
    tenfold = pd.concat([once.assign(at=moment) for moment in range(10)], ignore_index=True)
    one, ten = (interval(table, lambda mean: mean["a"], rng=seeded(4)) for table in (once, tenfold))
    assert (ten.low, ten.high) == (pytest.approx(one.low), pytest.approx(one.high))
    apart = interval(tenfold.assign(user_id=range(300)), lambda mean: mean["a"], rng=seeded(4))
    assert apart.high - apart.low < 0.5 * (one.high - one.low)


def test_users_with_more_rows_weigh_more():
    table = table_of([1, 1, 1, 2], a=[4.0, 4.0, 4.0, 0.0])
    found = interval(table, lambda mean: mean["a"], rng=seeded())
    assert (found.value, found.low, found.high) == (3.0, 0.0, 4.0)


def test_the_same_seed_gives_the_same_interval():
    table = table_of(range(40), a=seeded(2).random(40))
    first, again, other = (interval(table, lambda mean: mean["a"], rng=seeded(s)) for s in (7, 7, 8))
    assert first == again
    assert first != other


def test_an_interval_holds_the_truth_as_often_as_it_says():
    rng = seeded(5)
    tables = [table_of(range(60), a=rng.exponential(size=60)) for _ in range(300)]
    found = [interval(table, lambda mean: mean["a"], rng=rng, draws=400) for table in tables]
    held = np.mean([one.low <= 1.0 <= one.high for one in found])
    assert 0.88 <= held <= 0.98  # skewed values cost the percentile bootstrap a point or two of its 95


def test_a_wider_level_holds_a_narrower_one():
    table = table_of(range(40), a=seeded(2).random(40))
    wide, narrow = (
        interval(table, lambda mean: mean["a"], rng=seeded(), level=level) for level in (0.99, 0.5)
    )
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [np.inf, 1.0]])
def test_nothing_and_not_a_number_are_refused(values):
    with pytest.raises(MimicError, match="finite"):
        interval(table_of(range(len(values)), a=values), lambda mean: mean["a"], rng=seeded())


def test_an_interval_shows_itself():
    found = Interval(value=33.6204, low=31.04, high=36.16)
    assert f"{found:.1f}" == "33.6 (31.0 to 36.2)"
    assert str(found) == "33.6 (31 to 36.2)"


# ---------------------------------------------------------------- the climb


def test_percent_of_the_best():
    table = table_of([1, 2, 3], plain=[1.0, 2.0, 0.0], best=[4.0, 4.0, 4.0], worse=[-1.0, -2.0, -3.0])
    climb = percent_of(table, "best", rng=seeded())
    assert climb.index.tolist() == ["plain", "best", "worse"]
    assert climb["mean"].tolist() == [1.0, 4.0, -2.0]
    assert climb["value"].tolist() == [25.0, 100.0, -50.0]
    assert climb.loc["best", ["low", "high"]].tolist() == [100.0, 100.0]
    for name in ("plain", "worse"):
        alone = interval(table, lambda mean, name=name: 100 * mean[name] / mean["best"], rng=seeded())
        assert climb.loc[name, ["value", "low", "high"]].tolist() == pytest.approx(
            [alone.value, alone.low, alone.high]
        )


def test_percent_of_a_feed_that_is_not_there():
    with pytest.raises(MimicError, match="plain"):
        percent_of(table_of([1], plain=[1.0]), "oracle", rng=seeded())


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 5), st.floats(-10, 10), st.floats(1, 10)), min_size=1, max_size=30
    ),
    seed=st.integers(0, 2**32),
)
def test_intervals_are_ordered_and_within_reach(rows, seed):
    users, values, best = zip(*rows, strict=True)
    table = table_of(users, a=values, best=best)
    climb = percent_of(table, "best", rng=seeded(seed), draws=50)
    assert (climb["low"] <= climb["high"]).all()
    found = interval(table, lambda mean: mean["a"], rng=seeded(seed), draws=50)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


# ---------------------------------------------------------------- AUC


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_the_rows_themselves_have_the_area_that_the_library_finds(rows):
    happened, score = np.array([a for a, _ in rows]), np.array([b for _, b in rows], np.float64)
    if happened.all() or not happened.any():
        happened[0] = not happened[0]
    found = auc_draws(happened, {"score": score}, np.arange(len(rows)), rng=seeded(), draws=1)
    assert found["score"].iloc[0] == pytest.approx(roc_auc_score(happened, score))


def test_a_sample_is_what_the_library_finds_with_the_users_repeated():
    rng = seeded(1)
    users, score = rng.integers(0, 12, 300), rng.normal(size=300)
    happened = rng.random(300) < 1 / (1 + np.exp(-score))
    draws = auc_draws(happened, {"score": score}, users, rng=seeded(2), draws=30)
    times = seeded(2).multinomial(12, np.full(12, 1 / 12), size=30)
    for sample, found in zip(times, draws["score"].iloc[1:], strict=True):
        weight = sample[users]
        assert found == pytest.approx(roc_auc_score(happened, score, sample_weight=weight))


def test_scores_are_compared_on_the_same_draws():
    rng = seeded(3)
    users, score = np.repeat(np.arange(40), 10), rng.normal(size=400)
    happened = rng.random(400) < 1 / (1 + np.exp(-score))
    draws = auc_draws(happened, {"one": score, "same order": score * 3 + 1}, users, rng=seeded())
    gap = interval_of_draws(draws["one"] - draws["same order"])
    assert (gap.value, gap.low, gap.high) == (0, 0, 0)


def test_the_people_of_an_auc_are_drawn_whole():
    rng = seeded(4)
    score = rng.normal(size=60)
    happened = rng.random(60) < 1 / (1 + np.exp(-score))
    tenfold = np.tile(happened, 10), {"s": np.tile(score, 10)}
    whole = interval_of_draws(auc_draws(*tenfold, np.tile(np.arange(60), 10), rng=seeded())["s"])
    apart = interval_of_draws(auc_draws(*tenfold, np.arange(600), rng=seeded())["s"])
    assert apart.value == pytest.approx(whole.value)
    assert apart.high - apart.low < 0.5 * (whole.high - whole.low)


@pytest.mark.parametrize("happened", [[True, True], [False, False]])
def test_one_outcome_alone_is_refused(happened):
    with pytest.raises(MimicError, match="did not"):
        auc_draws(np.array(happened), {"s": np.array([0.1, 0.2])}, np.array([1, 2]), rng=seeded())


def test_a_score_that_is_missing_is_not_the_best():
    happened, users = np.array([True, False, False]), np.arange(3)
    scores = {"whole": np.array([0.2, 0.1, np.inf]), "holes": np.array([0.2, np.nan, np.nan])}
    with pytest.raises(MimicError, match="'holes' is not a number in 2 of 3 rows"):
        auc_draws(happened, scores, users, rng=seeded())

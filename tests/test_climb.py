"""The climb compares two machines on the same readers, and asks each reader's machine once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from worlds import MARA

from mimic import DataLoader, MixerPipeline, Query
from mimic.course import climb, product_at
from prep import Oracle, ensure_dataset


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return ensure_dataset("tiny", root=tmp_path_factory.getbasetemp() / "worlds")


@pytest.fixture(scope="module")
def data(path):
    return DataLoader.open(path)


@pytest.fixture(scope="module")
def oracle(path):
    return Oracle.open(path)


def test_a_step_is_measured_on_the_feeds_and_on_what_was_fetched(data, oracle):
    steps = climb(data, oracle, chapter=5, users=6, seed=3)
    assert (steps.before, steps.after) == ("chapter 4", "chapter 5")
    assert steps.values["user_id"].iloc[0] == MARA
    assert steps.values["user_id"].is_unique
    for user in steps.values["user_id"].tolist():
        row = steps.values.set_index("user_id").loc[user]
        held = steps.held.set_index("user_id").loc[user]
        best = oracle.best(user, data.now, 300)
        for chapter in (4, 5):
            feed = product_at(data, chapter=chapter).run(Query(user_id=user))
            kept = feed.candidates.tweet_ids[feed.candidates["fate"] != "over budget"]
            kept = np.intersect1d(kept, oracle.eligible(user, data.now))
            name = f"chapter {chapter}"
            assert row[name] == pytest.approx(oracle.feed_value(user, feed.tweet_ids, data.now))
            order = oracle.best_order(user, kept, data.now)
            assert row[f"{name}, best order"] == pytest.approx(oracle.feed_value(user, order, data.now))
            assert held[name] == pytest.approx(100 * np.isin(best[:100], kept).mean())
        order = oracle.best_order(user, best, data.now)
        assert row["the oracle's best"] == pytest.approx(oracle.feed_value(user, order, data.now))
    mean = steps.values.iloc[1:].mean()
    gain = 100 * (mean["chapter 5"] - mean["chapter 4"]) / mean["the oracle's best"]
    assert steps.step().value == pytest.approx(gain)
    assert steps.coverage().value == pytest.approx(steps.held.iloc[1:]["chapter 5"].mean())
    assert steps.table.index.tolist() == [name for name in mean.index if name.startswith("chapter")]


def test_each_machine_runs_once_for_each_reader(data, oracle, monkeypatch):
    asked, run = Counter(), MixerPipeline.run

    def counted(self, query):
        asked[id(self), query.user_id] += 1
        return run(self, query)

    monkeypatch.setattr(MixerPipeline, "run", counted)
    steps = climb(data, oracle, chapter=2, users=4)
    assert len(asked) == 2 * len(steps.values)
    assert set(asked.values()) == {1}

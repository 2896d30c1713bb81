"""The product on generated worlds: its rules are those of the truth, and everybody gets a feed."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import HOUR, first_product

from mimic import Candidates, DataLoader, Query
from prep import Oracle, ensure_dataset


class Everything:
    """A source that brings every tweet of the window."""

    name = "everything"

    def __init__(self, data):
        self.data = data

    def fetch(self, query):
        rows = np.arange(self.data.since("tweets"), len(self.data.tweets))
        return Candidates(data=self.data, rows=rows, searched=len(rows))

    def explain(self, query, tweet_id):
        return "it is not in the window"


@pytest.mark.parametrize("hours", [0, 30])
def test_the_filters_leave_what_the_truth_calls_eligible(tmp_path_factory, hours):
    path = ensure_dataset("tiny", root=tmp_path_factory.getbasetemp() / "worlds")
    data, oracle = DataLoader.open(path), Oracle.open(path)
    data = data.as_of(data.now + hours * HOUR)
    options = {"backfill": [], "post_filters": [], "late_filters": [], "budget": 10**9, "strict": True}
    product = first_product(data, sources=[Everything(data)], **options)
    users = data.users["user_id"][data.users["created_at"] < data.now]
    mutes_words = [user for user in users.tolist() if data.muted_words(data.user_row(user))]
    assert mutes_words
    for user in {*mutes_words, *users[:60].tolist(), 42}:
        feed = product.run(Query(user_id=user))
        left = feed.candidates.tweet_ids[feed.trace.fates != "removed"]
        assert np.sort(left).tolist() == np.sort(oracle.eligible(user, data.now)).tolist(), user


@pytest.mark.course
def test_every_active_user_of_the_book_gets_twenty_tweets():
    data = DataLoader.open(ensure_dataset("course"))
    later = data.as_of(data.now + 24 * HOUR)
    active = np.unique(later.impressions["user"][len(data.impressions) :])
    active = active[data.users["created_at"][active] < data.now]
    assert len(active) >= 1000
    product = first_product(data, strict=True)
    sizes = [
        len(product.run(Query(user_id=user)).tweet_ids) for user in data.users["user_id"][active].tolist()
    ]
    assert set(sizes) == {20}

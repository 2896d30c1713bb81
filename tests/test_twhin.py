"""TwHIN on a snapshot, and the questions that it is asked: edges, ranks, what is held out."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import BEN, CHLOE, HOUR, MARA, random_world, village

from mimic import DataLoader, MimicError
from mimic.models.embedding_model import EmbeddingConfig
from mimic.retrieval.link_prediction import (
    Question,
    last_answers,
    link_table,
    questions,
    ranks,
    share_unknown,
)
from mimic.retrieval.twhin import Twhin, edges_of

CONFIG = EmbeddingConfig(dims=8, epochs=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "random"
    return DataLoader.open(random_world(folder, users=80, tweets=400, follows=900, impressions=20_000))


def test_edges_in_the_village(tmp_path):
    data = DataLoader.open(village(tmp_path / "village"))
    edges = edges_of(data)
    rows = data.user_rows([MARA, BEN, CHLOE])
    follows = set(zip(edges["follow"].source.tolist(), edges["follow"].target.tolist(), strict=True))
    assert {(rows[0], rows[1]), (rows[0], rows[2])} <= follows
    assert edges["follow"].tables == ("users", "users")
    tweet = data.tweet_row(103)
    likes = edges["like"].source[edges["like"].target == tweet].tolist()
    assert rows[1] in likes
    assert edges["like"].tables == ("users", "tweets")
    assert sum(len(one.source) for one in edges_of(data, ("like", "reply")).values()) < sum(
        len(one.source) for one in edges.values()
    )
    with pytest.raises(MimicError, match="no relation 'poke'"):
        edges_of(data, ("poke",))


def test_nothing_of_the_future_is_an_edge(data):
    early = data.as_of(data.now - 100 * HOUR)
    for name, one in edges_of(early).items():
        assert len(one.source) < len(edges_of(data)[name].source)
        if name != "follow":
            assert one.target.max() < len(early.tweets)


def test_an_artifact_is_loaded_the_second_time_and_differs_by_what_made_it(data):
    first, second = Twhin.of(data, config=CONFIG), Twhin.of(data, config=CONFIG)
    assert first.key == second.key
    assert np.array_equal(first.users, second.users)
    assert first.tweets.shape == (len(data.tweets), 8)
    assert set(first.translations) == {"follow", "like", "retweet", "reply"}
    others = [
        Twhin.of(data, ("follow",), CONFIG),
        Twhin.of(data, config=CONFIG, without=last_answers(data)),
        Twhin.of(data.as_of(data.now - 100 * HOUR), config=CONFIG),
    ]
    assert len({first.key, *(other.key for other in others)}) == 4
    assert others[0].tweets.shape == (0, 8)


def test_last_answers_are_the_newest_of_tweets_that_had_two_before(data):
    rows, log = last_answers(data), data.interactions
    answers = np.flatnonzero(np.isin(log["kind"], [0, 1, 2]))
    for tweet in range(len(data.tweets)):
        mine = answers[log["tweet"][answers] == tweet]
        held = rows[log["tweet"][rows] == tweet]
        assert held.tolist() == (mine[-1:].tolist() if len(mine) > 2 else [])


def test_questions_ask_for_what_was_not_trained_on(data):
    held = last_answers(data)
    asked = questions(data, held)
    trained = edges_of(data, without=held)
    assert len(asked["like"].source) + len(trained["like"].source) == len(edges_of(data)["like"].source)
    old = set(zip(trained["follow"].source.tolist(), trained["follow"].target.tolist(), strict=True))
    new = set(zip(asked["follow"].source.tolist(), asked["follow"].target.tolist(), strict=True))
    assert new
    assert not old & new
    for one in asked.values():
        keys = one.source.astype(np.int64) * len(one.degree) + one.target
        assert np.isin(keys, one.known).all()


def test_share_unknown_in_the_village_and_beyond(tmp_path, data):
    here = DataLoader.open(village(tmp_path / "village"))
    assert share_unknown(here) == 1.0  # likes of 107 and 109 are to come, which nobody has answered
    early, log = data.as_of(data.now - 500 * HOUR), data.as_of(data.manifest.end).interactions
    known = {t for k, t in zip(early.interactions["kind"], early.interactions["tweet"], strict=True) if k < 3}
    new = slice(len(early.interactions), None)
    likes = [t for k, t in zip(log["kind"][new], log["tweet"][new], strict=True) if k == 0]
    assert share_unknown(early) == np.mean([t not in known for t in likes])
    assert 0.0 < share_unknown(early) < 1.0
    assert np.isnan(share_unknown(here.as_of(here.manifest.end)))
    assert share_unknown(data.as_of(data.manifest.start)) == 1.0


def vectors(users, follow):
    """A `Twhin` whose numbers are known."""
    return Twhin(
        key="",
        users=np.array(users, np.float32),
        tweets=np.zeros((0, 1), np.float32),
        translations={"follow": np.array(follow, np.float32)},
        loss=np.zeros(0, np.float32),
    )


@pytest.mark.parametrize("by_degree", [False, True])
def test_ranks_by_hand(by_degree):
    """User 3's score is the user's number: 0 … 3. Of the false ones only user 2 is drawn or none is left."""
    twhin = vectors([[0.0], [1.0], [2.0], [3.0]], [-2.0])
    degree = np.array([0, 0, 5, 0]) if by_degree else np.array([1, 1, 1, 1])
    asked = Question(
        relation="follow",
        source=np.array([3, 3]),
        target=np.array([1, 3]),
        degree=degree,
        known=np.array([3 * 4 + 0, 3 * 4 + 1, 3 * 4 + 3]),
    )
    found = ranks(twhin, asked, by_degree=by_degree, rng=np.random.default_rng(0))
    assert found["vectors"][1] == 1.0  # nobody scores above user 3, and their double is no negative
    drawn = found["vectors"][0] - 1  # every user 2 that was drawn is above user 1
    assert drawn == 1000 if by_degree else 200 < drawn < 300
    if by_degree:
        assert found["popularity"].tolist() == [1001, 1001]
    else:
        assert found["popularity"][0] == 1 + drawn / 2  # all are equally popular: half count


def test_the_table_has_two_rows_a_question(data):
    table = link_table(data, rng=np.random.default_rng(0), config=CONFIG, sample=50)
    assert len(table) == 10
    assert (table["n"] <= 50).all()
    assert table.filter(like="MRR").stack().between(0, 1).all()


@pytest.mark.course
def test_vectors_beat_popularity_and_chance_on_both_kinds_of_negatives(course):
    table = link_table(DataLoader.open(course), rng=np.random.default_rng(0))
    for metric in ("MRR", "hits@10"):
        ours, rest = table[f"{metric}, vectors"], table[[f"{metric}, popularity", f"{metric}, chance"]]
        assert (ours > 1.1 * rest.max(axis=1)).all()

"""Chapter 7's own parts: planted faults, late vectors, methods asked for strangers' tweets, peers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from worlds import BEN, CHLOE, HOUR, MARA, random_world, village

from mimic import DataLoader, MimicError
from mimic.course.chapter_7 import (
    FAULTS,
    Factors,
    answering_strangers,
    ask,
    faulty,
    late_vectors,
    peers,
    response_matrix,
)
from mimic.held_out import engaged_users, held_out
from mimic.models.embedding_model import Edges
from mimic.retrieval.link_prediction import share_unknown
from mimic.schema import ENGAGEMENTS


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "random"
    return DataLoader.open(random_world(folder, users=80, tweets=3000, follows=900, impressions=60_000))


class Flat:
    """A truth to which all tweets but the last are worth as much as their row says."""

    def __init__(self, data):
        self.data = data

    def values_of_eligible(self, user_id, at):
        rows = np.arange(self.data.since("tweets"), len(self.data.tweets))
        return self.data.tweets["tweet_id"][rows], rows.astype(float)


# ---------------------------------------------------------------- planted faults


def two_camps(users=40):
    """Two halves who follow their own half only."""
    rng, half = np.random.default_rng(0), users // 2
    source = np.repeat(np.arange(users), 12)
    target = rng.integers(0, half, len(source)) + half * (source >= half)
    return {"follow": Edges(tables=("users", "users"), source=source, target=target)}


def camps_apart(model, users=40):
    """Mean score of pairs of one camp above that of pairs of two."""
    every = np.arange(users)
    scores = model.moved("follow", every) @ model.targets("follow", every).T
    same = (every[:, None] < users // 2) == (every < users // 2)
    return scores[same].mean() - scores[~same].mean()


def test_the_sound_copy_tells_camps_apart_and_labels_of_one_do_not():
    settings = {"dims": 4, "epochs": 40, "batch": 64, "negatives": 40}
    tables, edges = {"users": 40}, two_camps()
    sound = faulty(tables, edges, **settings)
    broken = faulty(tables, edges, FAULTS[:1], **settings)
    assert camps_apart(sound) > 1.0
    assert abs(camps_apart(broken)) < 0.5 * camps_apart(sound)
    assert broken.loss[-5:].mean() < 0.5 * sound.loss[-5:].mean()
    assert broken.scores("follow", np.arange(40), np.arange(40)[::-1]).mean() > 1.0


def test_a_frozen_translation_stays_where_it_began():
    tables, edges = {"users": 40}, two_camps()
    begun = faulty(tables, edges, FAULTS[1:2], dims=4, epochs=0).translations["follow"]
    frozen = faulty(tables, edges, FAULTS[1:2], dims=4, epochs=3).translations["follow"]
    moved = faulty(tables, edges, (), dims=4, epochs=3).translations["follow"]
    assert np.array_equal(begun, frozen)
    assert not np.array_equal(begun, moved)
    assert ((begun >= 0) & (begun <= 1)).all()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_changes_what_is_learnt(fault):
    tables, edges = {"users": 40}, two_camps()
    how = {"dims": 4, "epochs": 3, "batch": 64}
    sound, broken = faulty(tables, edges, **how), faulty(tables, edges, (fault,), **how)
    assert not np.allclose(sound.users, broken.users)
    assert np.array_equal(broken.users, faulty(tables, edges, (fault,), **how).users)


def test_an_unknown_fault_is_refused():
    with pytest.raises(MimicError, match="no fault 'a typo'"):
        faulty({"users": 40}, two_camps(), ("a typo",))


def test_factors_are_asked_like_vectors():
    factors = Factors(left=np.arange(6.0).reshape(3, 2), right=np.ones((4, 2)))
    assert factors.moved("like", np.array([2])).tolist() == [[4.0, 5.0]]
    assert factors.targets("like", np.array([0, 3])).shape == (2, 2)


# ---------------------------------------------------------------- late vectors


def test_one_training_leaves_out_what_was_unknown_then(data):
    hours = (data.manifest.end - data.now) / HOUR + 1
    late = late_vectors(data, (0.0, 1.0, hours))
    assert late[hours] == pytest.approx(share_unknown(data))
    assert late[0.0] <= late[1.0] <= late[hours]


def test_late_vectors_in_the_village(tmp_path):
    data = DataLoader.open(village(tmp_path / "village"))
    late = late_vectors(data, (0.0, 24.0))  # two likes to come, of tweets that nobody has answered
    assert late.tolist() == [1.0, 1.0]
    assert np.isnan(late_vectors(data.as_of(data.manifest.end), (1.0,))[1.0])


# ---------------------------------------------------------------- asked for strangers' tweets


def test_who_answers_strangers(data):
    found = answering_strangers(data)
    expected = []
    for user_id in engaged_users(data).tolist():
        rows = np.arange(data.since("tweets"), len(data.tweets))
        wanted = data.tweet_rows(held_out(data, user_id, data.tweets["tweet_id"][rows]))
        user = data.user_row(user_id)
        authors = set(data.tweets["author"][wanted].tolist())
        if authors - set(data.following.of(user).tolist()) - {user}:
            expected.append(user_id)
    assert found.tolist() == expected


def test_asking_counts_what_each_method_finds(data):
    readers, first = answering_strangers(data)[:6], data.since("tweets")
    assert len(readers)
    window = len(data.tweets) - first
    methods = {"newest": lambda _: np.arange(window, dtype=float), "oldest": lambda _: -np.arange(window)}
    answers, held = ask(data, Flat(data), methods, readers, limit=20)
    assert held["newest"].equals(held["the truth"])
    assert held["newest"].gt(held["oldest"]).all()
    assert list(held.columns) == ["user_id", "newest", "oldest", "the truth"]
    engaged = np.sum([data.counts(kind) for kind in ENGAGEMENTS], axis=0)
    for _, row in answers.iterrows():
        tweet = data.tweet_row(int(row["tweet_id"]))
        user = data.user_row(int(row["user_id"]))
        author = int(data.tweets["author"][tweet])
        assert author not in data.following.of(user)
        assert row["cold"] == (engaged[tweet] == 0)
        strangers = ~np.isin(data.tweets["author"][first:], data.following.of(user))
        newest = first + np.flatnonzero(strangers)[-20:]
        assert row["newest"] == (tweet in newest)


def test_nobody_is_asked(data):
    answers, held = ask(data, Flat(data), {}, np.zeros(0, np.int64))
    assert len(answers) == len(held) == 0


def test_response_matrix_in_the_village(tmp_path):
    data = DataLoader.open(village(tmp_path / "village"))
    rows = {name: data.user_row(user) for name, user in {"mara": MARA, "ben": BEN, "chloe": CHLOE}.items()}
    matrix = response_matrix(data).toarray()
    assert matrix[rows["mara"], data.tweet_row(102)] == 1.0
    assert matrix[rows["mara"], data.tweet_row(105)] == 0.5  # a click
    assert matrix[rows["ben"], data.tweet_row(103)] == 1.0  # a like and a retweet
    by_author = response_matrix(data, "author").toarray()
    hana = data.tweets["author"][data.tweet_row(103)]
    assert by_author[rows["ben"], hana] == pytest.approx(np.log(3))
    assert by_author.shape == (8, 8)


# ---------------------------------------------------------------- peers


def document(checksum):
    figure = {"value": 0.25, "low": 0.2, "high": 0.3, "se": 0.01, "n": 9}
    recall = {"ALS": {"all": figure, "OON": figure, "OON cold": figure}, "newest": {"OON": figure}}
    truth = {"ALS": {"coverage@200": {**figure, "value": 0.5}, "coverage@200 in E": figure}}
    return {
        "data": {"checksum": checksum},
        "tables": {"recall@200 of held-out engagements": recall, "the 200 best against the truth": truth},
    }


def test_peers_are_read_and_those_of_another_world_refused(data, tmp_path):
    path = tmp_path / "peers.json"
    assert peers(data, path) is None
    path.write_text(json.dumps(document(data.manifest.checksum)))
    table = peers(data, path)
    assert table.loc["ALS", "OON"] == 25.0
    assert table.loc["ALS", "coverage"] == 50.0
    assert np.isnan(table.loc["newest", "coverage"])
    path.write_text(json.dumps(document("0" * 32)))
    with pytest.raises(MimicError, match="another data set"):
        peers(data, path)
    path.write_text(json.dumps({**document(data.manifest.checksum), "tables": {}}))
    with pytest.raises(MimicError, match="has no table"):
        peers(data, path)

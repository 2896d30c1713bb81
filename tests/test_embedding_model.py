"""TwHIN on planted graphs: what must be learned is known, and each fault of the published code would show."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mimic.models.embedding_model import Edges, EmbeddingConfig, train_embeddings

CONFIG = EmbeddingConfig(dims=8, epochs=60, batch=64, negatives=16, learning_rate=0.3)


def scores(arrays, relation, source, target, *, translated=True):
    moved = arrays[source] + (arrays[relation] if translated else 0)
    return moved @ arrays[target].T


def edges(source, target, tables=("users", "tweets")):
    return Edges(tables=tables, source=np.array(source), target=np.array(target))


def test_a_translation_is_learned():
    """All users like tweets 0 … 9 and reply to tweets 10 … 19: nothing but the relation tells which."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(30), 4)
    graph = {
        "like": edges(users, rng.integers(0, 10, len(users))),
        "reply": edges(users, rng.integers(10, 20, len(users))),
    }
    model, _ = train_embeddings({"users": 30, "tweets": 20}, graph, CONFIG)
    arrays = model.arrays()
    likes, replies = (scores(arrays, name, "users", "tweets") for name in ("like", "reply"))
    assert (likes[:, :10].mean(axis=1) > likes[:, 10:].mean(axis=1) + 1).all()
    assert (replies[:, 10:].mean(axis=1) > replies[:, :10].mean(axis=1) + 1).all()
    blind = scores(arrays, "like", "users", "tweets", translated=False)
    assert not (blind[:, :10].mean(axis=1) > blind[:, 10:].mean(axis=1) + 1).all()


def test_groups_are_found_in_one_table_of_users():
    """Two groups of twenty whose members follow one another; a fifth of the follows are held back."""
    rng = np.random.default_rng(1)
    pairs = np.array([(i, j) for i in range(40) for j in range(40) if i != j and (i < 20) == (j < 20)])
    pairs = rng.permutation(pairs)
    seen, held = pairs[:600], pairs[600:]
    graph = {"follow": edges(seen[:, 0], seen[:, 1], ("users", "users"))}
    model, loss = train_embeddings({"users": 40}, graph, CONFIG)
    found = scores(model.arrays(), "follow", "users", "users")
    strangers = np.array([[(i < 20) != (j < 20) for j in range(40)] for i in range(40)])
    true = found[held[:, 0], held[:, 1]]
    rank = 1 + ((found[held[:, 0]] > true[:, None]) & strangers[held[:, 0]]).sum(axis=1)
    assert (rank == 1).mean() > 0.9
    assert loss[-10:].mean() < 0.7 * loss[:10].mean()  # were negatives labelled 1, scores would only grow


def test_the_correction_lets_scores_know_popularity():
    """4,000 people like one of twenty tweets each, the first far more often."""
    chance = 1 / np.arange(1, 21)
    chance /= chance.sum()
    graph = {"like": edges(np.arange(4000), np.random.default_rng(2).choice(20, 4000, p=chance))}
    slopes = []
    for log_q in (0.0, 0.5, 1.0):
        config = EmbeddingConfig(dims=8, epochs=10, batch=200, negatives=100, log_q=log_q)
        arrays = train_embeddings({"users": 4000, "tweets": 20}, graph, config)[0].arrays()
        scores_of_all = (arrays["users"].mean(axis=0) + arrays["like"]) @ arrays["tweets"].T
        slopes.append(np.polyfit(np.log(chance), scores_of_all, 1)[0])
    assert slopes[1] > slopes[0] + 0.1
    assert slopes[2] > slopes[1] + 0.1


def test_the_same_seed_gives_the_same_vectors_and_nodes_without_edges_stay_fresh():
    graph = {"like": edges([0, 1, 2, 0], [0, 1, 2, 1])}
    one, two = (train_embeddings({"users": 5, "tweets": 5}, graph, CONFIG)[0].arrays() for _ in range(2))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert np.linalg.norm(one["users"][4]) < 1.0 < np.linalg.norm(one["users"][0])


def test_one_thread_or_two_make_little_difference():
    rng = np.random.default_rng(4)
    graph = {"follow": edges(rng.integers(0, 300, 5000), rng.integers(0, 300, 5000), ("users", "users"))}
    config = EmbeddingConfig(epochs=2)
    before = torch.get_num_threads()
    losses = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            losses.append(train_embeddings({"users": 300}, graph, config)[1])
    finally:
        torch.set_num_threads(before)
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)

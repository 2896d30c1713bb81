"""Chapter 8: cells and a walk in the village, vectors of all tweets, an index in the product, its figures."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from mimic import DataLoader, MimicError, Query
from mimic.course import check, product_at
from mimic.course import village as the_village
from mimic.course.chapter_8 import (
    BEST,
    MAP,
    MARA_AT,
    all_vectors,
    benchmark_rows,
    links,
    looking_at,
    medians,
    shared,
    step_by_step,
    used_in,
    values,
    walk,
)
from mimic.evaluation import sample_users
from mimic.plots.neighbours import cells_figure, growth_figure, recall_figure, walk_figure
from mimic.retrieval.ann import IndexConfig, VectorIndex
from mimic.retrieval.two_tower import TwoTower
from prep import Oracle

POINTS = np.array([*MAP.values()], float)
SQUARES = ((POINTS - MARA_AT) ** 2).sum(axis=1)
NAMES = list(MAP)
START = NAMES.index(104)


@pytest.fixture(scope="module")
def data(tiny):
    return DataLoader.open(tiny)


# ---------------------------------------------------------------- the village


def test_the_map_holds_the_villages_tweets_of_two_days():
    tweets = the_village().tweets
    assert tweets.query("0 < hours <= 48")["tweet_id"].tolist() == NAMES


def test_the_nearest_tweet_is_across_the_border_of_the_nearest_cell():
    topics = the_village().tweets.set_index("tweet_id").loc[NAMES, "topic"].to_numpy()
    middles = pd.DataFrame(POINTS).groupby(topics).mean()
    squares = ((middles.to_numpy()[:, None] - POINTS) ** 2).sum(axis=2)
    assert (middles.index[squares.argmin(axis=0)] == topics).all()  # each lies in the cell of its topic
    to_middle = ((middles - np.array(MARA_AT)) ** 2).sum(axis=1).sort_values()
    assert to_middle.index[:2].tolist() == ["cycling", "bread"]
    assert NAMES[SQUARES.argmin()] == 103
    assert topics[SQUARES.argmin()] == "bread"


def test_one_step_to_the_left_the_nearest_is_in_her_own_cell():
    squares = ((POINTS - (3, 3)) ** 2).sum(axis=1)  # the first question of the quiz
    assert NAMES[squares.argmin()] == 108
    assert squares[[NAMES.index(108), NAMES.index(103), NAMES.index(105)]].tolist() == [4, 5, 5]


def test_links_go_both_ways_and_no_distance_ties_decide_them():
    graph = links(POINTS, 2)
    assert all(k in graph[other] for k, others in enumerate(graph) for other in others)
    assert all(len(others) >= 2 and k not in others for k, others in enumerate(graph))
    squares = np.sort(((POINTS[:, None] - POINTS) ** 2).sum(axis=2), axis=1)
    assert (squares[:, 2] < squares[:, 3]).all()


@pytest.mark.parametrize(
    ("beam", "arrives", "way"), [(1, 105, [104, 102, 105]), (2, 103, [104, 102, 105, 107, 103])]
)
def test_a_walk_stops_on_the_first_hill_unless_it_remembers_two_places(beam, arrives, way):
    steps = walk(SQUARES, links(POINTS, 2), START, beam)
    assert [NAMES[step.at] for step in steps] == way
    assert NAMES[steps[-1].kept[0]] == arrives


@pytest.mark.parametrize("seed", range(3))
def test_a_walk_that_keeps_everything_is_exact(seed):
    points = np.random.default_rng(seed).random((60, 2))
    squares = ((points - 0.5) ** 2).sum(axis=1)
    steps = walk(squares, links(points, 6), 0, len(points))
    reached = np.array(steps[-1].measured)
    assert steps[-1].kept[0] == reached[squares[reached].argmin()]
    assert len(set(reached.tolist())) == len(reached)
    narrow = [walk(squares, links(points, 6), 0, beam)[-1] for beam in (1, 4, 16)]
    found = [squares[step.kept[0]] for step in narrow]
    assert found == sorted(found, reverse=True)


def test_a_walk_as_a_table_names_what_is_new():
    table = step_by_step(walk(SQUARES, links(POINTS, 2), START, 2), NAMES, SQUARES)
    assert table.loc[1, "stands at"] == "104 (37)"
    assert table.loc[4].tolist() == ["107 (5)", "103 (2), 109 (34)", "103 (2), 105 (4)"]


# ---------------------------------------------------------------- vectors and indexes


def test_all_tweets_have_vectors_and_the_live_ones_those_of_the_product(data):
    towers, every = TwoTower.of(data), all_vectors(data)
    assert every.shape == (len(data.tweets), towers.tweets.shape[1] + 1)
    live = np.column_stack((towers.tweets, towers.loss_by_age))
    assert every[towers.first :] == pytest.approx(live, abs=2e-3)
    assert (np.diff(every[:, -1]) >= 0).all()  # the newest lose least


def vectors(n=900, dims=12, seed=0):
    drawn = np.random.default_rng(seed).standard_normal((n, dims)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_an_index_that_looks_at_more_finds_more_and_flat_looks_at_all():
    near, asks = vectors(), vectors(20, seed=1)
    flat = VectorIndex.of(near)
    exact = flat.search(asks, 30)[0]
    assert looking_at(flat, 3).config == flat.config
    for kind in ("ivf", "hnsw"):
        index = VectorIndex.of(near, IndexConfig(kind=kind, cells=20, links=4))
        recalls = [shared(looking_at(index, much).search(asks, 30)[0], exact) for much in (1, 5, 400)]
        assert recalls == sorted(recalls)
        assert recalls[0] < recalls[2]


def test_recall_leaves_out_what_was_not_found():
    assert shared(np.array([[1, 2, -1]]), np.array([[1, 3, -1]])) == 0.5
    assert shared(np.array([[-1]]), np.array([[-1]])) == 0.0


def test_medians_ask_each_query_alone():
    shapes = []
    took = medians({"a": lambda query: shapes.append(query.shape), "b": lambda query: None}, vectors(5))
    assert set(shapes) == {(1, 12)}
    assert (took >= 0).all()
    assert list(took.index) == ["a", "b"]


def test_rows_of_another_data_set_are_refused(tmp_path):
    rows = {"flat": {"recall": {"value": 1.0}, "ms": {"value": 9.0}}}
    document = {"data": {"preset": "course", "seed": 7}, "tables": {"indexes": rows}}
    (tmp_path / "ann-course-7.json").write_text(json.dumps(document))
    table, line = benchmark_rows(tmp_path, "million")
    assert table is None
    assert "extrapolated" in line
    (tmp_path / "ann-million-7.json").write_text(
        json.dumps(document | {"data": {"preset": "million", "seed": 3}})
    )
    table, line = benchmark_rows(tmp_path, "million")
    assert table.loc["flat", "ms"] == 9.0
    assert "million, seed 3" in line


# ---------------------------------------------------------------- the product


def test_another_index_of_the_same_vectors_takes_the_place_of_the_first(data):
    machine, towers = product_at(data, chapter=8), TwoTower.of(data)
    same = used_in(machine, VectorIndex.of(np.column_stack((towers.tweets, towers.loss_by_age))))
    user = int(sample_users(data, 1, rng=np.random.default_rng(0))[0])
    feeds = [one.run(Query(user_id=user)).tweet_ids.tolist() for one in (machine, same)]
    assert feeds[0] == feeds[1]
    with pytest.raises(MimicError, match="no two towers"):
        used_in(product_at(data, chapter=3), towers.index)


def test_values_are_those_of_the_feeds_and_nothing_beats_the_best(tiny, data):
    oracle, machine = Oracle.open(tiny), product_at(data, chapter=8)
    users = sample_users(data, 4, rng=np.random.default_rng(1))
    best = {int(user): oracle.best(int(user), data.now, 100) for user in users}
    worth = values({"product": machine}, oracle, best, data.now)
    assert list(worth.columns) == ["user_id", "at", "product", "product, best order", BEST]
    first = machine.run(Query(user_id=int(users[0]))).tweet_ids
    assert worth["product"].iloc[0] == pytest.approx(oracle.feed_value(int(users[0]), first, data.now))
    assert worth[BEST].sum() >= worth["product, best order"].sum() >= worth["product"].sum()


# ---------------------------------------------------------------- the exercise


@pytest.mark.parametrize("seed", range(3))
def test_ivf_work_names_the_idea_behind_a_wrong_count(seed):
    rng = np.random.default_rng(seed)
    n, cells, probes = int(rng.integers(400, 900)), int(rng.integers(15, 30)), int(rng.integers(2, 6))
    index = VectorIndex.of(vectors(n, seed=seed), IndexConfig(kind="ivf", cells=cells, probes=probes))
    read, dims = n * probes / cells, 12
    assert check.ivf_work(dims * (cells + read), index)
    assert check.ivf_work(round(dims * (cells + read)), index)
    wrong = [dims * n, dims * read, cells + read, dims * (probes + read), dims * (cells + n / cells)]
    outcomes = [check.ivf_work(answer, index) for answer in wrong]
    assert not any(outcomes)
    assert len({outcome.message for outcome in outcomes}) == len(wrong)
    assert "not finite" in check.ivf_work(np.nan, index).message


def test_only_an_index_with_cells_is_asked_about():
    with pytest.raises(MimicError, match="has cells"):
        check.ivf_work(1, VectorIndex.of(vectors()))


# ---------------------------------------------------------------- figures


def test_cells_that_are_read_are_blue_and_names_are_there():
    drawn = cells_figure(POINTS, NAMES, [(2, 3), (6.7, 2), (4.5, 8)], MARA_AT, probes=1)
    texts = {text.get_text() for text in drawn.axes[0].texts}
    assert texts == {*map(str, NAMES), "Mara"}
    with pytest.raises(MimicError, match="each with a name"):
        cells_figure(POINTS, NAMES[1:], [(2, 3)], MARA_AT)


def test_a_walk_has_a_panel_a_step():
    graph = links(POINTS, 2)
    steps = [(s.at, s.measured, s.kept) for s in walk(SQUARES, graph, START, 1)]
    drawn = walk_figure(POINTS, NAMES, graph, MARA_AT, steps)
    assert [axes.get_title(loc="left") for axes in drawn.axes][:3] == [
        "step 1: at 104",
        "step 2: at 102",
        "step 3: at 105",
    ]
    with pytest.raises(MimicError, match="one step"):
        walk_figure(POINTS, NAMES, graph, MARA_AT, [])


def test_recall_and_time_lie_where_the_table_says():
    table = pd.DataFrame(
        {"index": ["a", "a", "b"], "looks at": [1, 2, 9], "recall": [0.5, 1, 0.9], "ms": [1, 2, 3]}
    )
    axes = recall_figure(table, exact_ms=2.5).axes[0]
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert lines["a"] == [[50, 1], [100, 2]]
    assert lines["b"] == [[90, 3]]
    with pytest.raises(MimicError, match="'ms'"):
        recall_figure(table.drop(columns="ms"), exact_ms=1)
    four = pd.concat([table.assign(index=name) for name in "abcd"])
    with pytest.raises(MimicError, match="told apart"):
        recall_figure(four, exact_ms=1)


def test_time_is_drawn_on_by_its_power():
    drawn = growth_figure([10, 1000], {"a": [0.1, 10.0]}, powers={"a": 0.5}, until=100_000, live=50)
    ends = [line.get_xydata()[-1].tolist() for line in drawn.axes[0].lines]
    assert pytest.approx([100_000, 100.0]) in ends
    with pytest.raises(MimicError, match="two sizes"):
        growth_figure([10], {"a": [1]}, powers={"a": 1}, until=100)

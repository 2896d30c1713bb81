"""The evaluation of ties: plain rules in the village, correlations by hand, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import BEN, CHLOE, DAN, MARA, NOW, random_world, village

from mimic import DataLoader, MimicError
from mimic.next_day import EXPOSURES, NextDay, plain_ties, tie_correlations
from mimic.retrieval.edge_log import DAY_MS, candidate_pairs, pair_keys
from mimic.retrieval.real_graph import RealGraph


def test_plain_rules_in_the_village(tmp_path):
    data = DataLoader.open(village(tmp_path / "village"))
    sources, others = data.user_rows([MARA, MARA, MARA]), data.user_rows([CHLOE, BEN, DAN])
    pairs = pair_keys(data, sources, others)
    order = np.argsort(pairs)
    said = {name: score[np.argsort(order)].tolist() for name, score in plain_ties(data, pairs[order]).items()}
    assert said == {
        "follow only": [1, 1, 0],
        "count only": [0, 1, 1],
        "last interaction": [-30, -1, 0],
        "impressions last week": [0, 1, 1],
        "tweets by author": [1, 2, 2],
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "random"
    return DataLoader.open(random_world(folder, users=60, tweets=2500, follows=800, impressions=30_000))


def test_outcomes_are_those_of_the_next_day(world):
    graph = RealGraph.of(world)
    outcome = NextDay.of(world, graph)
    assert outcome.pairs.tolist() == candidate_pairs(world).tolist()
    assert (outcome.met | ~outcome.interacted).all()
    later = world.as_of(world.now + DAY_MS).interactions
    fresh = slice(len(world.interactions), None)
    authors = world.as_of(world.now + DAY_MS).tweets["author"][later["tweet"][fresh]]
    everybody = set(pair_keys(world, later["user"][fresh], authors)[later["kind"][fresh] < 7].tolist())
    assert set(outcome.pairs[outcome.interacted].tolist()) == everybody & set(outcome.pairs.tolist())
    assert set(outcome.outside[0].tolist()) == everybody - set(outcome.pairs.tolist())
    for name in ("tie", "affinity"):
        user = int(outcome.sources[-1])
        mine = outcome.sources == user
        others = outcome.pairs[mine] % len(world.users)
        said = graph.ties(user, others) if name == "tie" else graph.affinities(user, others)
        assert outcome.scores[name][mine].tolist() == said.tolist()


def test_tables_hold_all_methods_and_some_sources(world):
    outcome = NextDay.of(world, RealGraph.of(world))
    table = outcome.table()
    assert list(table.index) == ["tie", "affinity", *plain_ties(world, outcome.pairs)]
    assert ((table >= 0) & (table <= 1)).all(axis=None)
    sources = np.arange(len(world.users)) % 2 == 0
    half = NextDay.of(world, RealGraph.of(world), sources)
    assert (half.sources % 2 == 0).all()
    assert half.pairs.tolist() == outcome.pairs[outcome.sources % 2 == 0].tolist()
    counted = outcome.selection_table(rng=np.random.default_rng(0))
    assert counted["share"].sum() == pytest.approx(1)
    assert counted["pairs"].sum() == len(np.unique(outcome.sources)) * (len(world.users) - 1)


def test_a_day_on_which_nobody_interacted_cannot_be_judged(tmp_path):
    data = DataLoader.open(village(tmp_path / "village")).as_of(NOW - 5 * DAY_MS)
    with pytest.raises(MimicError, match="interacted"):
        NextDay.of(data, RealGraph.of(data)).table()


def test_ties_of_another_snapshot_are_refused(world):
    with pytest.raises(MimicError, match="another snapshot"):
        NextDay.of(world, RealGraph.of(world.as_of(world.now - 3 * DAY_MS)))


def test_correlations_by_exposure():
    truth = np.array([1.0, 2.0, 3.0, 1.0, 2.0, 3.0, np.nan])
    seen = np.array([0, 0, 0, 25, 25, 25, 0])
    scores = {"right": truth * 2, "reverse": -truth, "flat": np.zeros(7)}
    table = tie_correlations({k: np.nan_to_num(v) for k, v in scores.items()}, truth, seen)
    assert list(table.index) == ["0", "1 to 2", "3 to 5", "6 to 10", "11 to 20", "21 or more", "all"]
    assert len(table) == len(EXPOSURES) + 1
    assert table["n"].tolist() == [3, 0, 0, 0, 0, 3, 6]
    assert table["right"].dropna().tolist() == pytest.approx([1, 1, 1])
    assert table["reverse"].dropna().tolist() == pytest.approx([-1, -1, -1])
    assert table["flat"].isna().all()

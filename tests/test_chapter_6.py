"""What chapter 6 shows beside the algorithms: names, one decision, the truth by size, the measure, checks."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from planted import PRODUCERS, group_of, planted_world, producer, reader
from worlds import random_world, village

from mimic import DataLoader, MimicError
from mimic.course import chapter_6a, check
from mimic.course.chapter_6b import LISTS, Measure, vouching
from mimic.plots.communities import choices, searches, with_each_like
from mimic.retrieval.communities import Communities, CommunityConfig
from mimic.retrieval.interested_in import InterestedIn
from mimic.retrieval.objectives import Modularity, Published
from mimic.retrieval.simclusters import SimClusters

SMALL = CommunityConfig(min_followers=8, neighbours=4)


def different_messages(outcomes):
    messages = [outcome.message for outcome in outcomes]
    return not any(outcomes) and len(set(messages)) == len(messages)


@pytest.fixture(scope="module", params=[0, 1, 2])
def world(request, tmp_path_factory):
    """Three worlds of planted groups with strays."""
    folder = tmp_path_factory.mktemp("data") / "planted"
    strays = [(reader(1, r), producer(0, r % 2), 30.0) for r in range(3)]
    data = DataLoader.open(planted_world(folder, groups=4, strays=90, follows=strays, seed=request.param))
    return data, Communities.of(data, SMALL)


# ---------------------------------------------------------------- one decision


@pytest.mark.parametrize("objective", [Modularity(resolution=1.5), Published(resolution=5.0)])
def test_offers_are_those_of_the_definition(world, objective):
    _, found = world
    graph, community, vertex, T = found.graph, found.community, 3, 0.7
    rows = chapter_6a.offers(graph, community, vertex, objective, T)
    assert (np.diff(rows["gain"]) <= 0).all()
    weight = np.zeros((len(graph), len(graph)))
    weight[graph.sources, graph.neighbours.values] = graph.weights
    others = np.arange(len(graph)) != vertex
    for label, row in rows.iterrows():
        members = (community == label) & others
        assert row["inside"] == pytest.approx(weight[vertex, members].sum())
        assert row["edges"] == (weight[vertex, members] > 0).sum()
        assert row["members"] == members.sum()
        assert row["volume"] == pytest.approx(graph.strength[members].sum())
    own = community[vertex]
    assert np.isnan(rows.loc[own, "proposed"])
    elsewhere = rows.drop(index=own)
    raised = np.exp(elsewhere["gain"] / T)
    assert np.allclose(elsewhere["proposed"], raised / (raised.sum() + 1.0))  # being alone gains 0
    loss = np.minimum(elsewhere["gain"] - rows.loc[own, "gain"], 0)
    assert np.allclose(elsewhere["accepted"], np.exp(loss / (2 * T)))


def test_the_nearest_is_the_heaviest(world):
    graph = world[1].graph
    near = chapter_6a.nearest(graph)
    for vertex in range(len(graph)):
        run = slice(graph.neighbours.starts[vertex], graph.neighbours.starts[vertex + 1])
        weights = graph.weights[run]
        if not len(weights):
            assert near[vertex] == -1
            continue
        assert weights[graph.neighbours.values[run] == near[vertex]] == weights.max()


# ---------------------------------------------------------------- names


def test_groups_are_told_by_what_they_say_more_than_others(tmp_path):
    data = DataLoader.open(
        random_world(tmp_path / "world", users=40, tweets=300, follows=200, impressions=2_000)
    )
    topics = data.topics.texts("name", np.arange(len(data.topics))).to_pylist()
    counts = np.zeros((3, len(topics)), np.int64)
    counts[:, 0] = 50  # everybody
    counts[0, 1], counts[1, 2] = 40, 30
    told = chapter_6a.talk(data, counts, most=1)
    assert told[:2] == [topics[1], topics[2]]
    assert chapter_6a.talk(data, np.zeros_like(counts))[0] == "nothing yet"
    whole = chapter_6a.topic_counts(data, np.arange(len(data.users)))
    assert whole.sum() == len(data.tweets)
    author, topic = data.tweets["author"][0], data.tweets["topic"][0]
    alike = (data.tweets["author"] == author) & (data.tweets["topic"] == topic)
    assert whole[author, topic] == alike.sum()


def test_every_community_has_a_name(world):
    data, found = world
    assert len(chapter_6a.named(data, found)) == len(found)


# ---------------------------------------------------------------- against the truth


def test_merges_and_splits_are_seen():
    planted = np.array([0] * 4 + [1] * 6 + [2] * 2)
    found = np.array([0] * 4 + [1] * 3 + [2] * 3 + [0] * 2)
    rows = chapter_6a.kept_and_own(planted, found)
    assert rows["size"].tolist() == [4, 6, 2]
    assert rows["kept"].tolist() == [1.0, 0.5, 1.0]
    assert rows["own"].tolist() == pytest.approx([4 / 6, 1.0, 2 / 6])
    assert chapter_6a.worst_merge(planted, found) == (2, 0, 0)
    assert chapter_6a.worst_merge(planted, planted) is None


def test_densities_count_pairs(world):
    _, found = world
    planted = group_of(found.producers)
    rows = chapter_6a.densities(found.graph, planted)
    weight = np.zeros((len(planted), len(planted)), bool)
    weight[found.graph.sources, found.graph.neighbours.values] = True
    for label, row in rows.iterrows():
        mine = planted == label
        n = mine.sum()
        assert row["size"] == n
        assert row["inside"] == pytest.approx(weight[np.ix_(mine, mine)].sum() / (n * (n - 1)))
        across = [weight[np.ix_(mine, planted == o)].mean() for o in np.unique(planted) if o != label]
        assert row["beside"] == pytest.approx(max(across))


def test_results_of_another_data_set_are_refused(tmp_path):
    data = DataLoader.open(village(tmp_path / "village"))
    m = data.manifest
    path = tmp_path / f"communities-{m.preset}-{m.seed}.json"
    none = chapter_6a.benched(data, tmp_path, "communities", "agreement")
    assert none.rows.empty
    assert "has not run" in none.said
    tables = {"agreement with": {"Leiden": {"AMI": {"value": 0.5, "n": 5}}}}
    for checksum, title, rows, said in (
        ("another", "agreement", 0, "another data set"),
        (m.checksum, "nothing", 0, "no table"),
        (m.checksum, "agreement", 1, "made from this data set"),
    ):
        path.write_text(json.dumps({"data": {"checksum": checksum}, "tables": tables}))
        read = chapter_6a.benched(data, tmp_path, "communities", title)
        assert (len(read.rows), said in read.said) == (rows, True)
    assert read.rows.loc["Leiden", "AMI"] == 0.5


# ---------------------------------------------------------------- interests and the measure


class Evenly:
    """A truth that likes even tweets, and lets everything be shown."""

    def __init__(self, data):
        self.data = data

    def eligible(self, user_id, at):
        return self.data.tweets["tweet_id"][self.data.since("tweets") :]

    def value(self, user_ids, tweet_ids, at):
        return np.where(np.asarray(tweet_ids) % 2 == 0, 2.0, 1.0) + np.asarray(tweet_ids) * 1e-9


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "random"
    data = DataLoader.open(
        random_world(folder, users=150, tweets=2500, follows=4000, impressions=60_000, seed=3)
    )
    communities = Communities.of(data, CommunityConfig(min_followers=5, neighbours=6, resolutions=(1.0,)))
    index = SimClusters.of(data, InterestedIn.of(data, communities))
    kinds = {"odd authors": lambda _, tweets: data.tweets["author"][tweets] % 2 == 1}
    measure = Measure.of(data, Evenly(data), index, kinds=kinds, seed=1)
    return data, index, measure, measure.readers(data.users["user_id"][:12])


def test_a_reader_is_measured_as_defined(measured):
    data, index, measure, rows = measured
    assert rows["user_id"].tolist() == data.users["user_id"][:12].tolist()
    row, user = rows.iloc[5], 5
    ids = measure.truth.eligible(0, 0)
    best = data.tweet_rows(ids[np.argsort(-measure.truth.value(0, ids, 0), kind="stable")[:100]])
    assert measure.best(int(row["user_id"])).tolist() == best.tolist()
    lists = measure.lists(user)
    assert set(lists) == set(LISTS)
    for name, found in lists.items():
        assert not np.isin(data.tweets["author"][found], [user, *data.following.of(user)]).any()
        assert row[name] == pytest.approx(100 * np.isin(best, found).mean())
    liked = np.array([index.tweet(t).any() for t in best])
    assert row["liked"] == liked.sum()
    assert row["liked, true cosine"] == np.isin(best[liked], lists["true cosine"]).sum()
    stranger = ~np.isin(data.tweets["author"][best], data.following.of(user))
    assert row["odd authors"] == (stranger & (data.tweets["author"][best] % 2 == 1)).sum()


def test_values_of_the_five_hundred_are_within_the_best(measured):
    rows = measured[-1]
    for name in ("with", "without", "with, no graph", "without, no graph"):
        assert (rows[name] <= rows["best"] + 1e-9).all()
        assert (rows[name] > 0).all()
    assert (rows["beyond"] <= rows["true cosine"]).all()
    assert (rows["graph too"] <= rows["true cosine"]).all()


def test_random_lists_are_repeatable(measured):
    _, _, measure, _ = measured
    assert measure.lists(3)["random"].tolist() == measure.lists(3)["random"].tolist()
    assert measure.lists(3)["random"].tolist() != measure.lists(4)["random"].tolist()


def test_who_vouches(tmp_path):
    tweets = [(producer(0, 0), 60.0), (producer(0, 1), 20.0)]
    likes = [(reader(0, 0), 1, 50.0), (reader(0, 0), 2, 10.0)]
    data = DataLoader.open(planted_world(tmp_path / "world", strays=0, tweets=tweets, likes=likes))
    interests = InterestedIn.of(data, Communities.of(data, SMALL))
    rows = vouching(data, interests, reader(0, 0))
    assert rows["follows"].tolist() == [PRODUCERS]
    assert rows["liked"].tolist() == [2]
    assert vouching(data, interests, producer(0, 0)).empty


# ---------------------------------------------------------------- exercises


@pytest.mark.parametrize("seed", range(3))
def test_inside_share_names_the_idea_behind_a_wrong_number(measured, seed):
    whole = measured[1].interests.communities
    drawn = np.random.default_rng(seed).integers(-1, 4, len(whole.producers))
    found = whole.regrouped(drawn)
    graph = found.graph
    ends = found.community[graph.sources], found.community[graph.neighbours.values]
    inner = (ends[0] == ends[1]) & (ends[0] >= 0)
    right = graph.weights[inner].sum() / graph.weights.sum()
    assert check.inside_share(right, found)
    wrong = [inner.mean(), 1 - right, right / 2, 100 * right]
    size = np.bincount(found.community[found.community >= 0])
    wrong += [inner.sum() / (size * (size - 1)).sum()]
    assert different_messages([check.inside_share(answer, found) for answer in wrong])


@dataclass(frozen=True)
class Potts:
    resolution: float = 0.01
    way: str = "right"

    def gain(self, network, vertex, inside, links, size, volume):
        gamma = self.resolution
        return {
            "right": inside - gamma * size,
            "itself": inside - gamma * (size + 1),
            "edges": links - gamma * size,
            "volume": inside - gamma * volume,
            "free": inside,
            "sign": gamma * size - inside,
            "other": inside - gamma * size**2,
            "short": (inside - gamma * size)[1:],
        }[self.way]


def test_potts_names_the_idea_behind_a_wrong_objective(world):
    _, found = world
    assert check.potts(Potts(), found)
    ways = ("itself", "edges", "volume", "free", "sign", "other", "short")
    answers = [Potts(way=way) for way in ways] + [Potts(resolution=0.5), lambda: None]
    assert different_messages([check.potts(answer, found) for answer in answers])


def test_no_community_names_the_idea_behind_a_wrong_number(world):
    data, found = world
    interests = InterestedIn.of(data, found)
    has = np.diff(interests.matrix.indptr)
    right = (has == 0).sum()
    assert 0 < right < len(has)
    assert check.no_community(right, data, interests)
    wrong = [(has > 0).sum(), right / len(has), right + 0.5]
    wrong += [(data.following.sizes == 0).sum()] if (data.following.sizes == 0).sum() != right else []
    assert different_messages([check.no_community(answer, data, interests) for answer in wrong])


# ---------------------------------------------------------------- figures


def test_searches_are_drawn_one_above_the_other():
    records = {"cold": (np.array([0.1, 0.4]), np.array([0.9, 0.0])), "hot": (np.zeros(5), np.ones(5))}
    above, below = searches(records, goal="modularity").axes
    assert [line.get_label() for line in above.lines] == ["cold", "hot"]
    assert below.lines[0].get_ydata().tolist() == [90.0, 0.0]
    with pytest.raises(MimicError, match="1 to 3"):
        searches({}, goal="modularity")


def test_the_chosen_resolution_is_ringed():
    table = pd.DataFrame(
        {"communities": [10, 20, 30], "likelihood": [-7.2, -7.0, -7.1], "AMI": [0.1, 0.2, 0.9]}
    )
    lines = choices({"modularity": table}, y="AMI", ylabel="AMI").axes[0].lines
    (ring,) = [line for line in lines if line.get_markerfacecolor() == "none"]
    assert [float(v[0]) for v in ring.get_data()] == [20, 0.2]
    with pytest.raises(MimicError, match="one or two"):
        choices({}, y="AMI", ylabel="AMI")


def test_likes_are_ticks():
    drawn = with_each_like([0, 1, 2], {"bread": [0, 1, 0.5]}, [1.0])
    ticks = [line for line in drawn.axes[0].lines if line.get_marker() == "|"]
    assert [line.get_xdata().tolist() for line in ticks] == [[1.0]]
    with pytest.raises(MimicError, match="communities"):
        with_each_like([0], {}, [])

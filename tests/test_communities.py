"""Communities of producers: the graph, the search for them, the choice of a resolution."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import PRODUCERS, group_of, planted_world, producer, reader
from scipy import sparse
from sklearn.metrics import adjusted_mutual_info_score
from worlds import village

from mimic import DataLoader
from mimic.csr import CSR
from mimic.retrieval.communities import Communities, CommunityConfig, held_out_likelihood, known_for
from mimic.retrieval.metropolis import Schedule, anneal
from mimic.retrieval.objectives import Modularity, Network, Published
from mimic.retrieval.producer_graph import Follows, most_followed, producer_graph

OBJECTIVES = (Modularity(resolution=1.0), Published(resolution=10.0))
SCHEDULES = {Modularity: Schedule(start=0.01, end=0.0005), Published: Schedule(start=1.0, end=0.1)}
SMALL = CommunityConfig(min_followers=8, neighbours=4)


def network(weights):
    """From a symmetric matrix."""
    matrix = sparse.csr_array(np.asarray(weights, float))
    return Network(
        neighbours=CSR(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)), weights=matrix.data
    )


def cliques(sizes, rng, stray=0.05):
    """Cliques with edges of about 1, some pairs across joined by a tenth of it; shuffled, with the answer."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    group = group[rng.permutation(len(group))]
    weight = np.where(group[:, None] == group, rng.uniform(0.8, 1.2, (len(group), len(group))), 0.0)
    across = (rng.random(weight.shape) < stray) & (group[:, None] != group)
    weight[across] = 0.1
    weight = np.triu(weight, 1)
    return network(weight + weight.T), group


def same_partition(one, other):
    return len(np.unique(one)) == len(np.unique(other)) == len(np.unique(np.stack((one, other)), axis=1).T)


@st.composite
def graphs(draw):
    size = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    weight = np.triu(rng.integers(1, 9, (size, size)) * (rng.random((size, size)) < 0.4), 1) / 8
    return network(weight + weight.T)


# The search


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("seed", range(5))
def test_planted_cliques_are_recovered_exactly(objective, seed):
    rng = np.random.default_rng(seed)
    graph, group = cliques([25, 20, 12, 12, 8, 5, 3], rng)
    labels, record = anneal(graph, objective, SCHEDULES[type(objective)], rng)
    assert same_partition(labels, group)
    assert (np.diff(np.bincount(labels)) <= 0).all()  # numbered by falling size
    assert record.communities[-1] == 7
    assert record.objective[-1] > record.objective[0]
    assert record.acceptance[-1] < 0.05 < record.acceptance[0]


@given(graph=graphs(), seed=st.integers(0, 1000), which=st.integers(0, 1))
@settings(deadline=None, max_examples=60)
def test_the_search_is_repeatable_and_leaves_who_has_no_edges_alone(graph, seed, which):
    schedule = SCHEDULES[type(OBJECTIVES[which])]
    labels, record = anneal(graph, OBJECTIVES[which], schedule, np.random.default_rng(seed))
    again, _ = anneal(graph, OBJECTIVES[which], schedule, np.random.default_rng(seed))
    assert labels.tolist() == again.tolist()
    assert (labels[graph.neighbours.sizes == 0] == -1).all()
    members = np.bincount(labels[labels >= 0])
    assert (members >= 2).all()
    assert record.communities[-1] == len(members)
    assert len(record.objective) == len(record.temperature) <= schedule.sweeps


@given(graph=graphs(), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=60)
def test_gains_and_totals_are_those_of_the_definitions(graph, seed):
    size = len(graph)
    community = np.random.default_rng(seed).integers(0, 3, size)
    weight = np.zeros((size, size))
    weight[graph.sources, graph.neighbours.values] = graph.weights
    for objective in (Modularity(resolution=1.7), Published(resolution=4.0)):
        gain = np.zeros(size)
        for v in range(size):
            others = (community == community[v]) & (np.arange(size) != v)
            arguments = (
                np.array([v]),
                np.array([weight[v, others].sum()]),
                np.array([(weight[v, others] > 0).sum()]),
                np.array([others.sum()]),
                np.array([weight[others].sum()]),
            )
            gain[v] = objective.gain(graph, *arguments)[0]
        if isinstance(objective, Published):
            for v in range(size):
                others = (community == community[v]) & (np.arange(size) != v)
                degree, mean = (weight[v] > 0).sum(), graph.mean_weight[v]
                inside, links = weight[v, others].sum(), (weight[v, others] > 0).sum()
                likelihood = 4.0 * inside + mean * (size - others.sum() - degree + links)
                assert gain[v] == pytest.approx(likelihood - mean * (size - degree))
        elif graph.volume:
            whole = nx.from_numpy_array(weight)
            parts = [set(np.flatnonzero(community == c).tolist()) for c in np.unique(community)]
            pairs_of_one = 1.7 * (graph.strength**2).sum() / graph.volume**2
            expected = nx.community.modularity(whole, parts, resolution=1.7) + pairs_of_one
            assert objective.total(graph, gain) == pytest.approx(expected)


def test_heat_is_disorder():
    graph, group = cliques([10] * 6, np.random.default_rng(0))
    cold, calm = anneal(graph, OBJECTIVES[0], Schedule(start=0.01, end=0.01), np.random.default_rng(1))
    hot, wild = anneal(graph, OBJECTIVES[0], Schedule(start=5.0, end=5.0), np.random.default_rng(1))
    assert same_partition(cold, group)
    assert not same_partition(hot, group)
    assert wild.acceptance[-1] > 0.3 > calm.acceptance[-1]


def test_resolutions_work_in_opposite_senses():
    rng = np.random.default_rng(0)
    weight = np.triu(rng.random((80, 80)) < 0.2, 1).astype(float)
    graph = network(weight + weight.T)

    def parts(objective):
        labels, _ = anneal(graph, objective, SCHEDULES[type(objective)], np.random.default_rng(0))
        return labels.max() + 1 + (labels == -1).sum()

    assert parts(Modularity(resolution=0.5)) < parts(Modularity(resolution=4.0))
    assert parts(Published(resolution=20.0)) < parts(Published(resolution=1.0))


# The graph


def follows_of(pairs, users, producers):
    follower, followed = np.array(pairs).T
    return Follows(
        follower=follower,
        producer=np.searchsorted(producers, followed),
        producers=np.array(producers),
        users=users,
    )


def test_the_graph_holds_cosines_of_follower_sets():
    # 0 is followed by 3, 4, 5; 1 by 4, 5; 2 by 6. Who follows two weighs less than who follows one.
    follows = follows_of([(3, 0), (4, 0), (5, 0), (4, 1), (5, 1), (6, 2)], 7, [0, 1, 2])
    graph = producer_graph(follows, 2)
    assert [graph.neighbours.of(p).tolist() for p in range(3)] == [[1], [0], []]
    one, two = round(1024 / np.log(3)), round(1024 / np.log(4))
    cosine = 2 * two / np.sqrt((one + 2 * two) * 2 * two)
    np.testing.assert_allclose(graph.weights, 10 * cosine**2, rtol=1e-6)


@given(seed=st.integers(0, 1000), neighbours=st.integers(1, 5))
@settings(deadline=None, max_examples=30)
def test_each_producer_keeps_its_nearest_and_edges_have_two_ends(seed, neighbours):
    rng = np.random.default_rng(seed)
    pairs = np.unique(rng.integers([0, 30], [30, 40], (80, 2)), axis=0)
    graph = producer_graph(follows_of(pairs, 40, np.arange(30, 40)), neighbours)
    dense = np.zeros((10, 10))
    dense[graph.sources, graph.neighbours.values] = graph.weights
    assert (dense == dense.T).all()
    assert (np.diag(dense) == 0).all()
    assert (graph.weights * 2**24 == np.rint(graph.weights * 2**24)).all()  # sums are exact
    full = producer_graph(follows_of(pairs, 40, np.arange(30, 40)), 10)
    whole = np.zeros((10, 10))
    whole[full.sources, full.neighbours.values] = full.weights
    for p in range(10):
        nearest = np.sort(whole[p])[::-1][neighbours - 1]
        wanted = (whole[p] >= nearest) & (whole[p] > 0)
        assert (dense[p, wanted] == whole[p, wanted]).all()
    kept = dense > 0
    ranks = (whole[:, :, None] < whole[:, None, :]).sum(axis=2)  # how many are nearer
    assert (np.minimum(ranks, ranks.T)[kept] < neighbours).all()


def test_producers_are_those_with_followers(tmp_path):
    data = DataLoader.open(planted_world(tmp_path / "world", strays=0))
    producers = most_followed(data, 8)
    assert producers.tolist() == [producer(g, p) for g in range(4) for p in range(PRODUCERS)]
    assert most_followed(data, 13).tolist() == []
    assert len(Follows.of(data, producers).follower) == len(data.follows)
    assert len(Follows.of(data, producers[:1]).follower) == 12


# KnownFor and the resolution


def test_known_for_by_hand():
    # A triangle 0, 1, 2 of weight 2, and 3 hanging on 2 by 1; 4 is alone.
    weight = np.zeros((5, 5))
    for one, other, heavy in ((0, 1, 2.0), (0, 2, 2.0), (1, 2, 2.0), (2, 3, 1.0)):
        weight[one, other] = weight[other, one] = heavy
    graph = network(weight)
    assert known_for(graph, np.array([0, 0, 0, -1, -1])).tolist() == [1.0, 1.0, 0.8, 0.0, 0.0]
    # In one community with all, 3 is joined to one of three others: 1 / (1 + 2 missing × mean weight 7/4).
    assert known_for(graph, np.array([0, 0, 0, 0, -1]))[3] == pytest.approx(1 / (1 + 2 * 7 / 4))


@given(graph=graphs(), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_known_for_lies_between_0_and_1(graph, seed):
    community = np.random.default_rng(seed).integers(-1, 3, len(graph))
    score = known_for(graph, community)
    assert ((score >= 0) & (score <= 1)).all()
    assert (score[community == -1] == 0).all()


def test_held_out_follows_prefer_the_planted_communities(tmp_path):
    data = DataLoader.open(planted_world(tmp_path / "world", groups=6, strays=120))
    follows = Follows.of(data, most_followed(data, 8))
    aside = np.random.default_rng(0).random(len(follows.follower)) < 0.2
    seen, held = follows.only(~aside), follows.only(aside)
    truth = group_of(follows.producers)
    size = len(truth)
    language = np.zeros(size, np.int64)
    shuffled = truth[np.random.default_rng(1).permutation(size)]
    rated = {
        name: held_out_likelihood(seen, held, community, language)
        for name, community in {
            "truth": truth,
            "coarse": truth // 2,
            "one": np.zeros(size, np.int64),
            "fine": np.arange(size) // 2,
            "single": np.arange(size),
            "none": np.full(size, -1),
            "shuffled": shuffled,
        }.items()
    }
    assert max(rated, key=rated.get) == "truth"
    assert rated["coarse"] > rated["one"]
    assert rated["fine"] > rated["shuffled"]
    assert all(np.isfinite(value) and value < 0 for value in rated.values())


def test_the_likelihood_is_one_of_probabilities(tmp_path):
    data = DataLoader.open(planted_world(tmp_path / "world", strays=50))
    follows = Follows.of(data, most_followed(data, 8))
    size = len(follows.producers)
    user = np.full(size, reader(2, 3))
    everyone = Follows(
        follower=user, producer=np.arange(size), producers=follows.producers, users=follows.users
    )
    community, language = group_of(follows.producers), np.arange(size) % 2
    # The mean of one log at a time: what each producer's probability is, over all that could be followed.
    whole = sum(
        np.exp(
            held_out_likelihood(follows, everyone.only(np.arange(size) == p), np.zeros(size, int), language)
        )
        for p in range(size)
    )
    assert whole >= 1 - 1e-9  # the best blend differs from follow to follow, so the sum is not below 1
    fixed = [
        held_out_likelihood(follows, everyone.only(np.arange(size) == p), language, language)
        for p in range(size)
    ]
    assert np.exp(fixed).sum() == pytest.approx(1.0, abs=0.02)  # both kinds alike: nothing to blend
    assert held_out_likelihood(follows, everyone.only(np.zeros(size, bool)), community, language) == 0.0


# All together


@pytest.mark.parametrize("kind", ["modularity", "published"])
def test_planted_communities_are_found_and_kept(tmp_path, kind):
    data = DataLoader.open(planted_world(tmp_path / "world", groups=5))
    config = CommunityConfig(min_followers=8, neighbours=4, objective=kind)
    found = Communities.of(data, config)
    assert same_partition(found.community, group_of(found.producers))
    assert len(found) == 5
    assert found.resolution in config.candidates
    assert found.resolution == found.choice[np.argmax(found.choice[:, 1]), 0]
    again = Communities.of(data, config)
    assert again.key == found.key
    assert again.community.tolist() == found.community.tolist()
    assert Communities.of(data, CommunityConfig(min_followers=8, neighbours=4, seed=1)).key != found.key
    assert (found.matrix().sum(axis=1) == found.score).all()
    moved = found.regrouped(np.zeros(len(found.producers), np.int64))
    assert len(moved) == 1
    assert (moved.score < found.score).all()


def test_nothing_later_is_seen(tmp_path):
    later = [(reader(0, r), producer(1, p), -1.0) for r in range(12) for p in range(PRODUCERS)]
    worlds = [planted_world(tmp_path / "a"), planted_world(tmp_path / "b", follows=later)]
    one, other = (Communities.of(DataLoader.open(world), SMALL) for world in worlds)
    assert one.community.tolist() == other.community.tolist()
    assert one.graph.weights.tolist() == other.graph.weights.tolist()
    data = DataLoader.open(worlds[1])
    mixed = Communities.of(data.as_of(data.now + 2 * 3_600_000), SMALL)
    assert mixed.graph.weights.tolist() != one.graph.weights.tolist()


def test_a_world_without_producers_has_no_communities(tmp_path):
    found = Communities.of(DataLoader.open(village(tmp_path / "village")))
    assert len(found) == len(found.producers) == 0
    assert found.matrix().shape == (0, 0)


@pytest.mark.course
def test_the_book_s_communities(course):
    from prep.oracle import Oracle

    data = DataLoader.open(course)
    primary = Oracle.open(course)._h.truth.people.memberships[:, 0]
    found = Communities.of(data)
    one_candidate = CommunityConfig(resolutions=(found.resolution,), seed=1)
    agreement = [
        adjusted_mutual_info_score(primary[c.producers], named(c.community))
        for c in (found, Communities.of(data, one_candidate))
    ]
    assert min(agreement) > 0.88  # .93 measured
    assert abs(agreement[0] - agreement[1]) < 0.04
    graph = nx.empty_graph(len(found.producers))
    ends = found.graph.sources, found.graph.neighbours.values, found.graph.weights
    graph.add_weighted_edges_from(zip(*(end.tolist() for end in ends), strict=True))
    peer = np.zeros(len(found.producers), np.int64)
    for number, members in enumerate(nx.community.louvain_communities(graph, resolution=1, seed=0)):
        peer[list(members)] = number
    assert min(agreement) > adjusted_mutual_info_score(primary[found.producers], peer) + 0.05


def named(community):
    """Who has no community gets one of their own, as in any partition."""
    alone = community == -1
    return np.where(alone, community.max() + np.cumsum(alone), community)

"""What every source, hydrator, filter and scorer of the product must do, and what each must know.

Contracts first, each run through all components; then known answers in the village.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import (
    BEN,
    CHLOE,
    CYCLING,
    DAN,
    GUS,
    HANA,
    HOUR,
    MARA,
    NOW,
    first_product,
    random_world,
    village,
    village_tables,
    write_dataset,
)

from mimic import (
    VALUE_WEIGHTS,
    AgeFilter,
    Candidates,
    ContentBalanceFilter,
    DataLoader,
    DiversityScorer,
    GraphSource,
    HeuristicScorer,
    InNetworkSource,
    OutOfNetworkSource,
    PopularSource,
    Query,
    RecencyScorer,
    UnknownUser,
    for_you,
)
from mimic.csr import CSR
from mimic.engines import (
    SimClustersEngine,
    TopicEngine,
    TrendsEngine,
    TwoTowerEngine,
    places_in,
    round_robin,
)
from mimic.features import FEATURES
from mimic.history import language_shares, ties, topic_shares
from mimic.retrieval.earlybird import TimeIndex
from mimic.retrieval.graph_jet import EngagementGraph
from mimic.retrieval.light_ranker import LightRanker
from mimic.retrieval.real_graph import RealGraph
from mimic.retrieval.simclusters import SimClusters
from mimic.retrieval.stranger_ranker import StrangerRanker
from mimic.retrieval.topic_popular import TopicPopular
from mimic.retrieval.trends import Trends
from mimic.retrieval.two_tower import TwoTower
from mimic.retrieval.uteg import Uteg, UtegConfig
from mimic.schema import ENGAGEMENTS, LANGUAGES, RESPONSES
from mimic.scoring import WEIGHTS_2023, WEIGHTS_2026, score_so_far, times
from mimic.viewer import avoided, familiar, listened_to

QUERY = Query(user_id=MARA)

# Every source and scorer that a product can be made of, for a snapshot, with its models and without. Who
# writes another one adds it here, and it has to meet all the contracts below.
SOURCES = {
    "in_network": lambda data: InNetworkSource(data=data, index=TimeIndex.of(data)),
    "in_network, ranked": lambda data: InNetworkSource(
        data=data, index=TimeIndex.of(data), ranker=LightRanker.of(data, RealGraph.of(data))
    ),
    "graph": lambda data: GraphSource(data=data, graph=EngagementGraph.of(data)),
    "graph, by ties": lambda data: GraphSource(
        data=data, graph=EngagementGraph.of(data), ties=RealGraph.of(data)
    ),
    "graph, thinned": lambda data: GraphSource(
        data=data,
        graph=EngagementGraph.of(data),
        uteg=Uteg.of(
            data,
            RealGraph.of(data),
            ranker=LightRanker.of(data, RealGraph.of(data)),
            config=UtegConfig(kept=50),
        ),
    ),
    "out_of_network": lambda data: OutOfNetworkSource(data=data, engines=(ENGINES["topics"](data),)),
    "out_of_network, three engines": lambda data: OutOfNetworkSource(
        data=data, engines=tuple(build(data) for build in ENGINES.values())
    ),
    "out_of_network, ranked": lambda data: OutOfNetworkSource(
        data=data,
        engines=tuple(build(data) for build in ENGINES.values()),
        ranker=StrangerRanker.of(data, TwoTower.of(data), early=data.as_of(data.now - 12 * HOUR)),
    ),
    "popular": lambda data: PopularSource(data=data, index=TopicPopular.of(data)),
}
ENGINES = {
    "topics": lambda data: TopicEngine(data=data, index=TopicPopular.of(data)),
    "simclusters": lambda data: SimClustersEngine(data=data, index=SimClusters.of(data)),
    "two_tower": lambda data: TwoTowerEngine(data=data, index=TwoTower.of(data)),
    "trends": lambda data: TrendsEngine(data=data, index=Trends.of(data)),
}
SCORERS = {
    "heuristic": lambda data: HeuristicScorer(),
    "recency": lambda data: RecencyScorer(),
    "diversity": lambda data: DiversityScorer(),
}

# Parts whose answer about a tweet depends on the other tweets, or on their order, by design.
ABOUT_THE_OTHERS = {"ContentBalanceFilter", "DuplicateFilter", "DiversityScorer"}
READS_THE_ORDER = {"ContentBalanceFilter"}
# Scorers that do not look at earlier scores.
SPEAKS_FIRST = {"HeuristicScorer"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A random snapshot and its product."""
    folder = random_world(
        tmp_path_factory.mktemp("data") / "random", users=80, tweets=3000, follows=900, impressions=40_000
    )
    data = DataLoader.open(folder)
    return data, for_you(data, strict=True)


@pytest.fixture(scope="module", params=SOURCES)
def source(request, world):
    return SOURCES[request.param](world[0])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return DataLoader.open(village(tmp_path_factory.mktemp("data") / "village"))


def batch_of(product, query):
    """What the product's filters and scorers get to see for a query, with all facts and scores."""
    candidates = replace(product, filters=(), post_filters=(), late_filters=()).run(query).candidates
    return candidates.take(candidates["fate"] != "over budget")


def answers(product, query, candidates):
    """Every hydrator's, filter's, scorer's and selector's answer, by name."""
    bare = Candidates(data=candidates.data, rows=candidates.rows)
    given_facts = {}
    for hydrator in product.hydrators:
        columns = hydrator.hydrate(query, bare.with_columns(given_facts))
        given_facts |= columns
        yield type(hydrator).__name__, dict(columns)
    for filter_ in product.filters + product.post_filters + product.late_filters:
        verdict = filter_.keep(query, candidates)
        yield (
            type(filter_).__name__,
            {"keep": getattr(verdict, "code", None) if hasattr(verdict, "code") else verdict},
        )
    for scorer in (build(product.data) for build in SCORERS.values()):
        yield type(scorer).__name__, dict(scorer.score(query, candidates))


# Contracts


def test_the_lists_above_hold_all_that_the_product_is_made_of(world):
    data, product = world
    parts = [("source", SOURCES), ("backfill", SOURCES), ("score", SCORERS)]
    for stage, listed in parts:
        known = {(type(part), part.name) for part in (build(data) for build in listed.values())}
        assert {(type(part), part.name) for at, part in product.parts() if at == stage} <= known
        assert {name for _, name in known} == {label.split(",")[0] for label in listed}
    known = {(type(part), part.name) for part in (build(data) for build in ENGINES.values())}
    asked = [part.engines for _, part in product.parts() if isinstance(part, OutOfNetworkSource)]
    assert {(type(engine), engine.name) for engines in asked for engine in engines} <= known
    assert {name for _, name in known} == set(ENGINES)


def test_sources_bring_distinct_tweets_up_to_their_limit_and_explain_the_rest(world, source):
    data, _ = world
    small = replace(source, limit=7)
    for user in data.users["user_id"][:25].tolist():
        query = Query(user_id=user)
        everything, found = source.fetch(query), small.fetch(query)
        assert len(set(everything.rows.tolist())) == len(everything) <= min(source.limit, everything.searched)
        assert found.rows.tolist() == everything.rows[:7].tolist()  # a smaller limit is a shorter list
        assert (found.rows >= data.since("tweets")).all()
        for name, values in found.columns.items():
            assert len(values) == len(found), name
        missed = np.setdiff1d(np.arange(len(data.tweets)), everything.rows)
        for tweet in data.tweets["tweet_id"][missed[:: max(len(missed) // 9, 1)]].tolist():
            assert source.explain(query, tweet)


def test_sources_say_when_a_tweet_lies_beyond_their_limit(world, source):
    data, _ = world
    user = data.users["user_id"][np.argmax(data.following.sizes)]
    query = Query(user_id=int(user))
    found = source.fetch(query)
    assert len(found) > 1
    last = int(found.tweet_ids[-1])
    said = replace(source, limit=len(found) - 1).explain(query, last)
    assert "beyond" in said


def test_sources_do_not_know_strangers(source):
    with pytest.raises(UnknownUser):
        source.fetch(Query(user_id=10**9))


@pytest.fixture(scope="module", params=ENGINES)
def engine(request, world):
    return ENGINES[request.param](world[0])


def test_engines_bring_strangers_up_to_their_limit_and_explain_the_rest(world, engine):
    data, _ = world
    small = replace(engine, limit=7)
    for user in range(25):
        everything, few = engine.find(user), small.find(user)
        assert len(np.unique(everything.tweets)) == len(everything.tweets) <= engine.limit
        assert len(everything.tweets) <= everything.searched
        assert few.tweets.tolist() == everything.tweets[:7].tolist()
        np.testing.assert_array_equal(few.seeds, everything.seeds[:7])
        assert (everything.tweets >= data.since("tweets")).all()
        assert not familiar(data, user)[data.tweets["author"][everything.tweets]].any()
        window = np.arange(data.since("tweets"), len(data.tweets))
        strange = window[~familiar(data, user)[data.tweets["author"][window]]]
        for tweet in np.setdiff1d(strange, few.tweets)[::200].tolist():
            assert small.explain(user, tweet)


def test_an_engine_without_limit_finds_nothing(engine):
    assert len(replace(engine, limit=0).find(0).tweets) == 0


@given(st.lists(st.lists(st.integers(0, 30), unique=True, max_size=12), max_size=4), st.integers(0, 40))
def test_round_robin_takes_turns(lists, limit):
    mixed = round_robin([np.array(one, np.int64) for one in lists], limit).tolist()
    in_turn = [one[k] for k in range(12) for one in lists if k < len(one)]
    assert mixed == list(dict.fromkeys(in_turn))[:limit]


def test_places_in_a_list_count_from_one():
    np.testing.assert_array_equal(places_in(np.array([7, 3, 9]), np.array([9, 4, 7])), [3, np.nan, 1])


def test_nobody_minds_an_empty_batch(world):
    _, product = world
    empty = batch_of(product, QUERY).take(np.zeros(0, np.int64))
    for name, columns in answers(product, QUERY, empty):
        for column, values in columns.items():
            assert np.shape(values) == (0,), (name, column)
    assert product.selector.select(QUERY, empty).tolist() == []


def test_the_order_of_the_batch_does_not_matter(world):
    _, product = world
    batch = batch_of(product, QUERY)
    shuffle = np.random.default_rng(1).permutation(len(batch))
    straight = dict(answers(product, QUERY, batch))
    for name, columns in answers(product, QUERY, batch.take(shuffle)):
        if name in READS_THE_ORDER:
            continue
        for column, values in columns.items():
            np.testing.assert_array_equal(
                values, np.asarray(straight[name][column])[shuffle], err_msg=f"{name} {column}"
            )
    chosen = shuffle[product.selector.select(QUERY, batch.take(shuffle))]
    assert chosen.tolist() == product.selector.select(QUERY, batch).tolist()


def test_a_batch_is_worth_its_candidates_one_by_one(world):
    _, product = world
    batch = batch_of(product, QUERY)
    together = dict(answers(product, QUERY, batch))
    for place in range(0, len(batch), max(len(batch) // 12, 1)):
        for name, columns in answers(product, QUERY, batch.take(np.array([place]))):
            if name in ABOUT_THE_OTHERS:
                continue
            for column, values in columns.items():
                np.testing.assert_array_equal(
                    values[0], together[name][column][place], err_msg=f"{name} {column}"
                )


def test_scores_may_be_missing(world):
    _, product = world
    batch = batch_of(product, QUERY)
    holes = batch["score"].copy()
    holes[::3] = np.nan
    batch = batch.with_columns({"score": holes})
    for name, columns in answers(product, QUERY, batch):
        if "score" in columns and name not in SPEAKS_FIRST:
            assert np.isnan(columns["score"][::3]).all(), name
    order = product.selector.select(QUERY, batch)
    assert sorted(order.tolist()) == list(range(len(batch)))
    assert np.isnan(holes[order[-np.isnan(holes).sum() :]]).all()


def test_hydrators_write_exactly_the_features(world):
    _, product = world
    batch = Candidates(data=product.data, rows=np.arange(5))
    for hydrator in product.hydrators:
        batch = batch.with_columns(hydrator.hydrate(QUERY, batch))
    assert list(batch.columns) == [feature.name for feature in FEATURES]
    assert all(feature.unit and feature.meaning for feature in FEATURES)


# Sources in the village


def found(source, user=MARA):
    candidates = source.fetch(Query(user_id=user))
    return candidates, candidates.tweet_ids.tolist()


def test_in_network_is_newest_first_with_retweets(data):
    source = InNetworkSource(data=data, index=TimeIndex.of(data))
    candidates, tweets = found(source)
    assert tweets == [111, 110, 109, 103, 102]
    np.testing.assert_array_equal(candidates["retweeted_by"], [np.nan, CHLOE, np.nan, BEN, np.nan])
    assert found(source, GUS)[1] == []
    assert "number 3 of your network's posts" in replace(source, limit=2).explain(QUERY, 109)
    assert source.explain(QUERY, 104) == "you don't follow @gus, and nobody you follow retweeted it"
    assert source.explain(QUERY, 101) == "older than 48 hours"
    assert source.explain(QUERY, 108) == "you wrote it"


def test_an_original_beats_its_retweet_and_the_newest_retweet_counts(tmp_path):
    tables = village_tables()
    tables["interactions"] = {
        "user_id": [BEN, CHLOE, BEN, CHLOE],
        "tweet_id": [104, 104, 109, 101],
        "kind": ["retweet"] * 4,
        "at": [NOW - 4 * HOUR, NOW - 3 * HOUR, NOW - 2 * HOUR, NOW - HOUR],
    }
    data = DataLoader.open(write_dataset(tmp_path / "v", tables))
    candidates, tweets = found(InNetworkSource(data=data, index=TimeIndex.of(data)))
    assert tweets == [111, 104, 109, 102]  # 109 at its own time; 101 is too old, whoever retweets it
    np.testing.assert_array_equal(candidates["retweeted_by"], [np.nan, CHLOE, np.nan, np.nan])


def test_the_graph_brings_what_followees_engaged_with_by_tie(data):
    source = GraphSource(data=data, graph=EngagementGraph.of(data))
    candidates, tweets = found(source)
    assert tweets == [103, 110, 104]
    assert candidates["seed"].tolist() == [BEN, CHLOE, CHLOE]
    tie_with_ben = 1 + np.log(2)  # Mara liked a tweet of his once
    np.testing.assert_allclose(candidates["weight"], [tie_with_ben + 1, 1, 1])
    assert source.explain(QUERY, 111) == "you follow @ben: a tweet for the network's source"
    assert source.explain(QUERY, 105) == "nobody you follow engaged with it"
    assert found(source, GUS)[1] == []


def test_a_person_counts_once_a_tweet_and_seeds_are_capped():
    graph = EngagementGraph(by_user=CSR(np.array([0, 3, 5]), np.array([9, 7, 5, 7, 5])))
    reached = graph.walk(np.array([0, 1]), np.array([1.0, 2.0]))
    assert reached.tweets.tolist() == [5, 7, 9]
    assert reached.weights.tolist() == [3.0, 3.0, 1.0]
    assert reached.counts.tolist() == [2, 2, 1]
    assert reached.first.tolist() == [1, 1, 0]
    assert reached.second.tolist() == [0, 0, -1]
    assert graph.walk(np.array([0, 1]), np.array([1.0, 2.0]), edges_per_seed=1).tweets.tolist() == [7, 9]


def _silenced(tmp_path, how):
    """The village, where Mara follows Ben and Chloe and wants nothing of Chloe, or Chloe of her."""
    tables = village_tables()
    who, whom = (CHLOE, MARA) if how == "is blocked" else (MARA, CHLOE)
    muted, blocked = int(how == "mutes"), int(how != "mutes")
    tables["mutes"] = {"user_id": [who] * muted, "muted_id": [whom] * muted, "at": [NOW - HOUR] * muted}
    tables["blocks"] = {"user_id": [who] * blocked, "blocked_id": [whom] * blocked}
    tables["blocks"] |= {"at": [NOW - HOUR] * blocked}
    return DataLoader.open(write_dataset(tmp_path / "silenced", tables))


@pytest.mark.parametrize("how", ["mutes", "blocks", "is blocked"])
def test_who_is_muted_or_blocked_brings_nothing_and_proves_nothing(tmp_path, how):
    data = _silenced(tmp_path, how)
    mara = data.user_row(MARA)
    assert data.users["user_id"][avoided(data, mara)].tolist() == [CHLOE]
    assert data.users["user_id"][listened_to(data, mara)].tolist() == [BEN]
    assert set(data.users["user_id"][familiar(data, mara)].tolist()) == {MARA, BEN, CHLOE}
    in_network, graph = SOURCES["in_network"](data), SOURCES["graph"](data)
    candidates, tweets = found(in_network)
    assert tweets == [111, 109, 103, 102]  # 109 is her own, and the filters see to it; 110 was her retweet
    np.testing.assert_array_equal(candidates["retweeted_by"], [np.nan, np.nan, BEN, np.nan])
    assert "those you follow who retweeted it are muted or blocked" in in_network.explain(QUERY, 110)
    candidates, tweets = found(graph)
    assert tweets == [103]
    assert candidates["seed"].tolist() == [BEN]
    assert graph.explain(QUERY, 104) == "those you follow who engaged with it are muted or blocked"
    assert graph.explain(QUERY, 106) == "nobody you follow engaged with it"
    feed = first_product(data, strict=True).run(QUERY)
    assert not feed.table()["context"].str.contains("chloe").any()
    assert CHLOE not in feed.candidates["proof_user_id"]
    assert CHLOE not in feed.candidates["proof_second_id"]
    assert feed.candidates["proof_count"].max() == 1
    assert feed.why(109).fate == "removed"


def test_several_actions_on_one_tweet_are_one_edge(data):
    graph = EngagementGraph.of(data)
    ben = graph.by_user.of(data.user_row(BEN))
    assert data.tweets["tweet_id"][ben].tolist() == [103]  # liked and retweeted


def test_out_of_network_follows_topics_and_leaves_followees_out(data):
    source = SOURCES["out_of_network"](data)
    candidates, tweets = found(source)
    assert tweets == [110, 106, 105]  # cycling, by strangers, newest first: 110 has a retweet as well
    assert candidates["topics.seed"].tolist() == [CYCLING] * 3
    assert candidates["topics.rank"].tolist() == [1, 2, 3]
    assert candidates.searched == 10
    assert source.explain(QUERY, 103) == "filed under bread, which is none of your topics"
    assert source.explain(QUERY, 102) == "you follow @ben: a tweet for the network's source"
    assert found(source, GUS)[1] == []


def test_popular_needs_no_history_but_the_language(data):
    source = PopularSource(data=data, index=TopicPopular.of(data))
    _, tweets = found(source, GUS)
    assert tweets[0] == 110
    assert set(tweets) == {102, 103, 105, 106, 107, 108, 109, 110}  # not his own 104, not 111 in Japanese
    assert source.explain(Query(user_id=GUS), 111) == "not in a language you read"


def test_topic_popular_multiplies_topic_freshness_popularity_and_language(world):
    """Against the same sum written out tweet by tweet."""
    data, _ = world
    user = data.user_row(MARA)
    first = data.since("tweets")
    topics, languages = topic_shares(data, user), language_shares(data, user)
    followed = {*data.following.of(user).tolist(), user}
    scores = {}
    for row in range(first, len(data.tweets)):
        answers_ = data.interactions["kind"][data.interactions["tweet"] == row]
        engaged = sum(RESPONSES[kind] in ENGAGEMENTS for kind in answers_)
        age = (data.now - data.tweets["created_at"][row]) / HOUR
        weight = topics[data.tweets["topic"][row]] * languages[data.tweets["lang"][row]]
        if data.tweets["author"][row] not in followed and weight > 0:
            scores[row] = 2 ** (-age / 24) * (1 + engaged) * weight
    rows = SOURCES["out_of_network"](data).fetch(QUERY).rows
    ranked = [scores[row] for row in rows.tolist()]
    assert len(rows) == min(500, len(scores))
    np.testing.assert_allclose(ranked, sorted(scores.values(), reverse=True)[: len(rows)], rtol=1e-5)


# History


def test_topic_and_language_shares(data):
    mara, gus = data.user_row(MARA), data.user_row(GUS)
    shares = topic_shares(data, mara)  # a like (1) and a click (.5) on cycling, cycling declared (1)
    assert shares.tolist() == [1, 0, 0, 0, 0]
    assert topic_shares(data, gus).tolist() == [0] * 5
    assert language_shares(data, gus).tolist() == [1, 0, 0, 0, 0, 0]
    assert shares.dtype == language_shares(data, mara).dtype == np.float32
    hana = topic_shares(data.as_of(NOW + 2 * HOUR), data.user_row(HANA))
    assert hana.tolist() == [0, 1, 0, 0, 0]


def test_languages_engaged_with_count_beside_the_own(tmp_path):
    tables = village_tables()
    tables["interactions"]["tweet_id"][4] = 102
    tables["tweets"]["lang"][1] = "ja"
    data = DataLoader.open(write_dataset(tmp_path / "v", tables))
    shares = language_shares(data, data.user_row(MARA))  # own counts 5, a like 1, a click .5
    np.testing.assert_allclose(shares[:2], [5 / 6.5, 1.5 / 6.5])
    assert LANGUAGES[1] == "ja"


def test_ties_count_responses_but_no_dislikes(tmp_path):
    tables = village_tables()
    tables["interactions"]["kind"][4] = "not_interested"
    data = DataLoader.open(write_dataset(tmp_path / "v", tables))
    others = data.user_rows([DAN, BEN, CHLOE, BEN])
    assert ties(data, data.user_row(MARA), others).tolist() == [0, 1, 0, 1]
    assert ties(data, data.user_row(GUS), others).tolist() == [0, 0, 0, 0]


# Facts


def test_social_proof_names_the_strongest_ties(data):
    product = first_product(data, strict=True)
    rows = data.tweet_rows([103, 104, 111])
    columns = product.hydrators[3].hydrate(QUERY, Candidates(data=data, rows=rows))
    assert columns["proof_count"].tolist() == [2, 1, 0]
    np.testing.assert_array_equal(columns["proof_user_id"], [BEN, CHLOE, np.nan])
    np.testing.assert_array_equal(columns["proof_second_id"], [CHLOE, np.nan, np.nan])
    context = product.run(QUERY).table().set_index("tweet_id")["context"]
    assert context[103] == "@ben retweeted"
    assert context[104] == "@chloe, whom you follow, engaged"
    assert context[111] == ""


def test_author_rates_are_smoothed_towards_the_mean(data):
    rates = first_product(data).hydrators[2].rates
    # 6 engagements in 7 impressions; Gus: 1 like, 1 impression
    mean = 6 / 7
    assert rates[data.user_row(GUS)] == pytest.approx((1 + 50 * mean) / 51)
    assert rates[data.user_row(DAN)] == pytest.approx((0 + 50 * mean) / 51)


# Scorers


def scored(data, scores, authors):
    rows = np.arange(len(scores))
    columns = {"score": np.array(scores, float), "author": np.array(authors)}
    return Candidates(data=data, rows=rows, columns=columns)


def test_diversity_follows_twitters_constants(data):
    batch = scored(data, [8.0, 16.0, 4.0, 32.0, 2.0], [1, 1, 1, 2, 1])
    columns = DiversityScorer().score(QUERY, batch)
    assert columns["place"].tolist() == [1, 0, 2, 0, 3]
    assert columns["factor"].tolist() == [0.625, 1, 0.4375, 1, 0.34375]
    assert columns["score"].tolist() == [5.0, 16.0, 1.75, 32.0, 0.6875]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(-9, 9), st.integers(0, 3)), min_size=1, max_size=11),
)
def test_diversity_never_lifts_a_tweet_and_keeps_the_order_within_an_author(data, pairs):
    batch = scored(data, *zip(*pairs, strict=True))
    after = DiversityScorer().score(QUERY, batch)["score"]
    assert (after <= batch["score"]).all()
    for author in set(batch["author"].tolist()):
        mine = batch["author"] == author
        order = np.lexsort((-batch.rows[mine], -batch["score"][mine]))
        assert (np.diff(after[mine][order]) <= 0).all()


def test_recency_alone_is_the_chronological_feed(data):
    product = first_product(data, scorers=[RecencyScorer()], late_filters=[], strict=True)
    assert product.run(QUERY).tweet_ids.tolist() == [111, 110, 109, 104, 103]
    half = RecencyScorer(half_life_hours=5.0).score(
        QUERY, Candidates(data=data, rows=data.tweet_rows([110]), columns={"age_hours": np.array([5.0])})
    )
    assert half["score"].tolist() == [0.5]


def test_the_heuristic_is_the_product_of_its_columns(data):
    candidates = first_product(data, strict=True).run(QUERY).candidates
    parts = ("network", "topic", "author", "proof", "freshness")
    product = np.prod([candidates[f"heuristic.{part}"] for part in parts], axis=0)
    np.testing.assert_allclose(candidates["heuristic.score"], product, rtol=1e-6)
    row = candidates.tweet_ids.tolist().index(104)
    assert candidates["heuristic.network"][row] == 1
    assert candidates["heuristic.proof"][row] == pytest.approx(1 + 0.5 * np.log(2))
    assert candidates["heuristic.freshness"][row] == pytest.approx(2 ** (-20 / 24))
    followed = candidates.tweet_ids.tolist().index(109)
    assert candidates["heuristic.network"][followed] == 3
    assert candidates["heuristic.proof"][followed] == 1


def test_value_weights_are_those_of_2026_with_softer_negatives():
    assert set(VALUE_WEIGHTS) == set(WEIGHTS_2026) == set(RESPONSES)
    assert set(WEIGHTS_2023) < set(RESPONSES)
    for kind, weight in VALUE_WEIGHTS.items():
        published = WEIGHTS_2026[kind]
        assert weight == pytest.approx(published / 4.5 if published < 0 else published, rel=0.01)


def test_a_factor_never_lifts_a_score_and_is_the_score_where_there_is_none(data):
    factor = np.array([0.5, 0.5, 0.5])
    assert times(np.array([8.0, -8.0, 0.0]), factor).tolist() == [4.0, -16.0, 0.0]
    assert np.isnan(times(np.array([np.nan]), factor[:1])).all()
    bare = Candidates(data=data, rows=np.arange(3))
    assert times(score_so_far(bare), factor).tolist() == factor.tolist()
    assert score_so_far(bare.with_columns({"score": factor})).tolist() == factor.tolist()


# Filters


def test_each_filter_removes_its_own(data):
    product = first_product(data, strict=True)
    feed = product.run(Query(user_id=MARA, served=(110,), exclude=(109, 7777)))
    fates = {tweet: feed.why(tweet).verdict for tweet in (102, 105, 106, 107, 109, 110)}
    assert fates == {
        102: "removed: you saw it in the last 48 hours",
        105: "removed: you saw it in the last 48 hours",
        106: "removed: you muted the author",
        107: "removed: it has a word that you muted",
        109: "removed: excluded by the request",
        110: "removed: shown earlier in this visit",
    }


def test_blocks_cut_both_ways(tmp_path):
    tables = village_tables()
    tables["impressions"] = {"user_id": [], "tweet_id": [], "shown_at": []}
    tables["blocks"] = {"user_id": [MARA, GUS], "blocked_id": [DAN, MARA], "at": [NOW - HOUR, NOW - HOUR]}
    data = DataLoader.open(write_dataset(tmp_path / "v", tables))
    feed = first_product(data, strict=True).run(QUERY)
    assert feed.why(105).reason == "you blocked the author"
    assert feed.why(104).reason == "the author blocked you"


def test_own_and_old_tweets_are_removed_whoever_brings_them(data):
    everything = _Everything(data=data)
    feed = first_product(data, sources=[everything], backfill=[], strict=True).run(QUERY)
    assert feed.why(108).verdict == "removed: you wrote it"
    assert feed.why(101).verdict == "removed: older than 48 hours"
    shorter = first_product(
        data, sources=[everything], backfill=[], filters=[AgeFilter(max_hours=6)], strict=True
    ).run(QUERY)
    assert sorted(shorter.tweet_ids.tolist()) == [109, 110, 111]
    assert shorter.why(108).reason == "older than 6 hours"


class _Everything:
    name = "everything"

    def __init__(self, data):
        self.data = data

    def fetch(self, query):
        return Candidates(data=self.data, rows=np.arange(len(self.data.tweets)))

    def explain(self, query, tweet_id):
        raise AssertionError("it brings everything")


def test_of_equal_texts_the_best_stays(data):
    feed = first_product(data, filters=[], sources=[_Everything(data)], backfill=[], strict=True).run(QUERY)
    best, other = sorted((102, 111), key=lambda tweet: -feed.why(tweet).scores["score"])
    assert feed.why(best).fate == "shown"
    assert feed.why(other).verdict == "removed: a better tweet says the same"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.booleans(), max_size=11), st.integers(1, 12), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_balance_shares_the_feed_and_never_shortens_it(data, sides, size, share):
    batch = Candidates(data=data, rows=np.arange(len(sides)), columns={"in_network": np.array(sides, bool)})
    query = Query(user_id=MARA, size=size)
    code = ContentBalanceFilter(in_network=share).keep(query, batch).code
    feed = np.flatnonzero(code == 0)[:size]
    inside = int(np.sum(np.array(sides, bool)[feed]))
    assert len(feed) == min(size, len(sides))
    wanted = min(int(np.ceil(size * share)), sum(sides))
    assert inside == max(wanted, len(feed) - (len(sides) - sum(sides)))
    assert (np.flatnonzero(code) < (feed[-1] if len(feed) else 0)).all()  # only what was passed over

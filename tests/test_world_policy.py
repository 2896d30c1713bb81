"""The logging policy draws with the probabilities that it writes down: by simulation, many times over."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import chi2, norm

from mimic.schema import SOURCES
from prep import simulate
from prep.arrays import WeightedLists, choose, order_by, pick
from prep.authors import make_authors
from prep.avoidance import make_avoidance, rows_with_words
from prep.build import text_plan
from prep.graph import make_follows
from prep.parameters import DAY, HOUR, NOW, START, WINDOW
from prep.people import make_people
from prep.policy import draw_slates, make_topic_memory
from prep.posting import make_tweets
from prep.response import Truth
from prep.text import write_tweets
from prep.visits import plan_sessions
from prep.world import make_world

ROUNDS = 1_500
LUCK = 1e-4  # each test fails by bad luck once in ten thousand seeds


class Caught(Exception):
    """Carries an offer out of the middle of a simulation."""


@pytest.fixture(scope="module")
def offer():
    """What the visits of one evening in the third week are drawn from, in a small world."""
    world = make_world("tiny", 7)
    people = make_people(world)
    follows = make_follows(world, people)
    authors = make_authors(world, people, follows)
    tweets = make_tweets(world, people, follows, authors)
    words = rows_with_words(write_tweets(text_plan(tweets), world.rng("text")), tweets)
    avoidance = make_avoidance(world, people, follows, authors, tweets, words)
    intercepts = np.log(world.response.base_rates) - 0.5
    truth = Truth(
        world=world, people=people, authors=authors, tweets=tweets, intercepts=intercepts, worth_mean=0.0
    )
    memory = make_topic_memory(people, world.exposure, world.rng("topic memory"))
    plan = plan_sessions(world, people)
    run = simulate.Simulation(truth, follows, avoidance, words, plan, memory, "test")

    def catch(offer, rng):
        if offer.state.now >= START + 16 * DAY and len(offer.visits.user) >= 15:
            raise Caught(offer)
        return draw_slates(offer, rng)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate, "draw_slates", catch)
        with pytest.raises(Caught) as caught:
            run.run((NOW - START) // (world.preset.tick_hours * HOUR))
    return caught.value.args[0]


@pytest.fixture(scope="module")
def density(offer):
    """float64[V, W]: the probability that the first draw of each visit is each tweet of the window."""
    visit, col = (index.ravel() for index in np.indices((len(offer.visits.user), offer.width)))
    table = offer.density(visit, col, offer.bonds(visit, col))
    table[np.isin(visit * offer.width + col, offer.forbidden)] = 0.0
    return table.reshape(-1, offer.width)


@pytest.fixture(scope="module")
def slates(offer):
    """Slates of eight, drawn many times: visit, column, source, propensity, round of each."""
    few = dataclasses.replace(offer.visits, wanted=np.full(len(offer.visits.user), 8))
    whole, offer.visits = offer.visits, few
    drawn = [draw_slates(offer, np.random.default_rng(seed)) for seed in range(ROUNDS)]
    offer.visits = whole
    turn = np.repeat(np.arange(ROUNDS), [len(one.visit) for one in drawn])
    visit, tweet, source, propensity = (
        np.concatenate([getattr(one, name) for one in drawn])
        for name in ("visit", "tweet", "source", "propensity")
    )
    return visit, offer.columns(tweet), source, propensity, turn


def place_in_run(*keys):
    """0, 1, 2 … within rows of equal keys that stand together."""
    change = np.any([np.append(True, np.diff(key) != 0) for key in keys], axis=0)
    return np.arange(len(change)) - np.maximum.accumulate(np.where(change, np.arange(len(change)), 0))


def worst_bin(probability, happened, bins=40):
    """Largest z-score of observed against expected, in bins of equal size by probability; its bound."""
    order = np.argsort(probability, kind="stable")
    parts = [np.array_split(values[order], bins) for values in (probability, happened)]
    z = [(y.sum() - p.sum()) / np.sqrt(max((p * (1 - p)).sum(), 1e-9)) for p, y in zip(*parts, strict=True)]
    return np.abs(z).max(), norm.isf(LUCK / 2 / bins)


def test_the_densities_of_a_visit_sum_to_one(density):
    assert (density >= 0).all()
    assert np.allclose(density.sum(axis=1), 1.0)


def test_only_what_is_eligible_at_the_visit_has_a_density(offer, density):
    visit, col = np.nonzero(density)
    age = offer.visits.at[visit] - offer.created[col]
    assert age.min() > 0
    assert age.max() <= WINDOW
    assert (offer.author[col] != offer.visits.user[visit]).all()
    # and with the random component everything that the index holds and the viewer may see has one
    reachable = np.ones_like(density, dtype=bool)
    reachable.flat[offer.forbidden] = False
    assert (density[reachable & offer.indexed] > 0).all()


def test_first_draws_are_as_frequent_as_their_densities(offer, density, slates):
    visit, col, _, _, turn = slates
    first = place_in_run(turn, visit) == 0
    count = np.zeros_like(density)
    np.add.at(count, (visit[first], col[first]), 1)
    expected = density * ROUNDS
    assert (count[expected == 0] == 0).all()
    common = expected >= 5
    rest = np.where(common, 0, expected).sum(axis=1), np.where(common, 0, count).sum(axis=1)
    statistic = ((count - expected)[common] ** 2 / expected[common]).sum()
    statistic += ((rest[1] - rest[0]) ** 2 / np.maximum(rest[0], 1e-9))[rest[0] >= 5].sum()
    cells = common.sum() + (rest[0] >= 5).sum() - len(density)
    assert common.sum() > 200
    assert chi2.sf(statistic, cells) > LUCK


def test_a_propensity_is_the_density_over_what_is_left(density, slates):
    visit, col, _, propensity, turn = slates
    own = density[visit, col]
    place = place_in_run(turn, visit)
    running = np.cumsum(own) - own
    drawn = running - running[np.arange(len(own)) - place]
    assert np.allclose(propensity, own / (1 - drawn))
    assert place.max() == 7


def test_nothing_is_offered_twice_in_a_slate(offer, slates):
    visit, col, _, _, turn = slates
    key = (turn * np.int64(len(offer.visits.user)) + visit) * offer.width + col
    assert (np.diff(np.sort(key)) > 0).all()


@pytest.mark.parametrize("place", [1, 3, 7])
def test_later_draws_fall_into_any_set_as_often_as_their_propensities_say(density, slates, place):
    visit, col, _, _, turn = slates
    chosen = np.random.default_rng(place).random(density.shape) < 0.3
    own = density[visit, col]
    inside = np.where(chosen[visit, col], own, 0.0)
    at = place_in_run(turn, visit)
    start = np.arange(len(own)) - at
    drawn, drawn_inside = (np.cumsum(m) - m - (np.cumsum(m) - m)[start] for m in (own, inside))
    rows = at == place
    left = (density * chosen).sum(axis=1)[visit] - drawn_inside
    probability = (left / (1 - drawn))[rows]
    z, bound = worst_bin(np.clip(probability, 0, 1), chosen[visit, col][rows])
    assert z < bound
    z, _ = worst_bin(np.clip(1.2 * probability, 0, 1), chosen[visit, col][rows])
    assert z > bound, "the test sees an error of a fifth"


def test_the_source_is_the_component_that_drew(offer, slates):
    visit, col, source, _, _ = slates
    parts = np.stack(
        offer._own_parts(visit, col, offer.bonds(visit, col)) + offer._shared_parts(visit, col), axis=1
    )
    share = offer.shares[visit] * parts
    posterior = share / share.sum(axis=1, keepdims=True)
    for component in range(len(SOURCES)):
        uncertain = (posterior[:, component] > 1e-6) & (posterior[:, component] < 1 - 1e-6)
        z, bound = worst_bin(posterior[uncertain, component], source[uncertain] == component, bins=15)
        assert z < bound, SOURCES[component]
        assert (posterior[source == component, component] > 0).all()


def test_the_mixture_has_its_shares_where_nothing_is_empty(offer):
    mixture = np.array(make_world("tiny").exposure.mixture)
    empty = offer.shares == 0
    full = ~empty.any(axis=1)
    assert full.any()
    # a list for everybody is drawn from more often by as much as the viewer may not see of it
    visit, col = offer.forbidden // offer.width, offer.forbidden % offer.width
    lost = [np.bincount(visit, part, minlength=len(full)) for part in offer._shared_parts(visit, col)]
    kept = np.concatenate([np.ones((2, len(full))), 1 - np.array(lost)]).T
    kept, shares = kept[full], offer.shares[full]
    expected = mixture / kept
    expected /= expected.sum(axis=1, keepdims=True)
    assert np.allclose(shares, expected)
    shown = shares * kept
    shown /= shown.sum(axis=1, keepdims=True)
    assert np.allclose(shown, mixture), "what is shown has exactly the shares of the mixture"


def test_components_are_what_they_say(offer):
    """p_c(t | u) by its definition, for one visit that has all of them."""
    v = int(np.flatnonzero((offer.shares > 0).all(axis=1))[0])
    columns = np.arange(offer.width)
    may = ~np.isin(v * offer.width + columns, offer.forbidden)
    visit = np.full(offer.width, v)
    in_network, followee = offer._own_parts(visit, columns, offer.bonds(visit, columns))
    popular, topic, random = offer._shared_parts(np.full(offer.width, v), columns)
    mine = offer.edges.owner == v
    trust = dict(zip(offer.edges.followed[mine].tolist(), offer.edges.noisy_tie[mine].tolist(), strict=True))
    at, created = offer.visits.at[v], offer.created
    young = (created < at) & (created >= at - WINDOW)
    noisy = np.array([trust.get(author, 0.0) for author in offer.author.tolist()])
    expected = noisy * offer.recency_own * young * may
    assert np.allclose(in_network * may, expected / expected.sum())

    who, what = offer.state.engaged_user, offer.columns(offer.state.engaged_tweet)
    vouched = np.zeros(offer.width)
    for friend, col in zip(who.tolist(), what.tolist(), strict=True):
        vouched[col] += trust.get(friend, 0.0) if col >= 0 else 0.0
    expected = vouched * offer.recency * offer.indexed * may
    assert np.allclose(followee * may, expected / expected.sum())

    speaks = offer.tweet_lang == offer.lang[v]
    engaged = offer.state.popularity[offer.window]
    expected = engaged * speaks * offer.indexed
    assert np.allclose(popular, expected / expected.sum())

    expected = np.zeros(offer.width)
    for leaf, share in zip(offer.memory_leaf[v].tolist(), offer.leaf_share[v].tolist(), strict=True):
        weight = (offer.tweet_leaf == leaf) * speaks * offer.indexed * offer.recency * np.sqrt(1 + engaged)
        expected += share * weight / max(weight.sum(), 1e-300)
    assert np.allclose(topic, expected / offer.leaf_total[v])
    assert np.allclose(random, offer.indexed / offer.indexed.sum())


# --- the small operations below -----------------------------------------------------------------


def test_drawing_by_weight():
    weight = np.array([[1.0, 0.0, 3.0, 0.0], [0.0, 2.0, 0.0, 0.0]])
    rows = np.repeat([0, 1], 4_000)
    draw = np.random.default_rng(0).random(len(rows))
    column = choose(np.cumsum(weight, axis=1), rows, draw)
    counts = np.stack([np.bincount(column[rows == row], minlength=4) for row in (0, 1)])
    assert (counts[weight == 0] == 0).all()
    assert counts[0, 2] / 4_000 == pytest.approx(0.75, abs=0.03)
    flat = np.array([5.0, 1.0, 0.0, 3.0, 7.0])
    picked = pick(np.cumsum(flat), np.full(8_000, 1), np.full(8_000, 4), draw)
    assert np.bincount(picked, minlength=5)[[0, 2, 4]].tolist() == [0, 0, 0]
    assert (picked == 3).mean() == pytest.approx(0.75, abs=0.03)
    lists = WeightedLists.of(np.array([0, 0, 2]), np.array([10, 11, 12]), np.array([1.0, 0.0, 4.0]), 3)
    assert lists.mass.tolist() == [1.0, 0.0, 4.0]
    assert lists.draw(np.array([0, 2, 0]), np.array([0.0, 0.5, 0.999])).tolist() == [10, 12, 10]


def test_order_by_is_a_stable_sort_by_several_keys():
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 5, 2_000), rng.integers(0, 300_000, 2_000) // 1_000
    expected = np.lexsort((second, first))
    assert np.array_equal(order_by((first, 5), (second, 300)), expected)
    assert np.array_equal(order_by((second * 70_000, 300 * 70_000)), np.argsort(second, kind="stable"))

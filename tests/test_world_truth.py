"""The response model, worked out again by hand with plain numbers from the files of a world."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from published import HOUR, Published

from mimic.schema import LANGUAGES, RESPONSES
from prep import Oracle
from prep.response import solve_intercepts
from prep.truth import load_truth
from prep.world import make_world

read = functools.cache(Published)


def by_hand(world, viewer, tweet, at, *, tie, kappa, position, author_seen, topic_seen):
    """The probability of each response, with nothing but floats: one line for each part of the formula."""
    r, events = world.world["parameters"]["response"], world.world["parameters"]["events"]
    users, tweets = world.hidden["users"], world.hidden["tweets"]
    author, topic, scene = (int(tweets[name][tweet]) for name in ("author", "topic", "scene"))
    follows = tie is not None

    z = r["topic"] * float(users["interests"][viewer][topic])
    if scene >= 0:
        member = scene in users["memberships"][viewer].tolist()
        z += r["scene_inside"] if member else r["scene_outside"]
    taste, style = users["taste"][viewer].tolist(), users["style"][author].tolist()
    z += r["style_sd"] * sum(a * b for a, b in zip(taste, style, strict=True)) / math.sqrt(len(taste))
    z += float(users["quality"][author]) + float(tweets["quality"][tweet]) + float(users["intercept"][viewer])
    if not users["reads"][viewer][int(tweets["lang"][tweet])]:
        z += r["unreadable"]

    age = max(at - int(world.tweets["created_at"][tweet]), 0) / HOUR
    z += r["freshness"] * math.log(1 + age / r["freshness_hours"])
    for k, leaf in enumerate(event_leaves(world)):
        hours = (at - world.start) / HOUR - events["start_hours"][k]
        if topic == leaf and 0 <= hours < events["length_hours"][k]:
            rise = min(hours / events["rise_hours"], 1)
            fade = math.exp(-max(hours - events["rise_hours"], 0) / (events["length_hours"][k] / 3))
            z += r["topic"] * rise * fade * float(users["event_interest"][viewer][k])

    if follows:
        z += r["follow"] + r["tie"] * tie
    else:
        z += r["proof"] * math.log(1 + min(kappa, r["proof_cap"]))
    z += r["position"] * math.log(1 + position)
    z += math.log(r["author_fatigue"]) / 2 * author_seen + math.log(r["topic_fatigue"]) / 2 * topic_seen

    found = []
    for k, name in enumerate(RESPONSES):
        logit = world.world["intercepts"][k] + r["loading"][k] * z
        logit += float(users["action_effects"][viewer][k]) + r["bait"][k] * float(tweets["bait"][tweet])
        for trait, effect in (
            ("has_media", "media"),
            ("has_link", "link"),
            ("nsfw", "nsfw"),
            ("toxic", "toxic"),
        ):
            logit += r[effect][k] if tweets[trait][tweet] else 0
        logit += r["followed"][k] if follows else 0
        found.append(0.0 if follows and name == "follow" else 1 / (1 + math.exp(-logit)))
    return found


def event_leaves(world):
    topic, event = world.hidden["tweets"]["topic"], world.hidden["tweets"]["event"]
    return [int(topic[event == k][0]) for k in range(event.max() + 1)]


def rows_of_interest(world):
    """Impressions that need each part of the formula."""
    hidden, tweets, users = world.hidden["impressions"], world.hidden["tweets"], world.hidden["users"]
    viewer, shown = world.viewer, world.shown
    strange = np.isnan(hidden["tie"])
    member = (users["memberships"][viewer] == tweets["scene"][shown][:, None]).any(axis=1)
    inside = tweets["scene"][shown] >= 0
    reads = users["reads"][viewer, tweets["lang"][shown]]
    hour = (world.impressions["shown_at"] - world.start) / HOUR
    events = world.world["parameters"]["events"]
    excited = np.zeros(len(viewer), bool)
    for k, leaf in enumerate(event_leaves(world)):
        since = hour - events["start_hours"][k]
        excited |= (tweets["topic"][shown] == leaf) & (since > 0) & (since < events["length_hours"][k])
    kinds = {
        "a followee's": ~strange,
        "a stranger's": strange,
        "with some proof": strange & (hidden["proof"] > 0) & (hidden["proof"] < 3),
        "with more proof than counts": strange & (hidden["proof"] > 3.5),
        "a followee's with proof, which adds nothing": ~strange & (hidden["proof"] > 0),
        "inside, to a member": inside & member,
        "inside, to others": inside & ~member,
        "outside all scenes": ~inside,
        "unreadable": ~reads,
        "of an event while it lasts": excited,
        "low in a feed": world.impressions["position"] > 30,
        "the third of its author": hidden["author_seen"] == 2,
        "the fourth of its topic": hidden["topic_seen"] == 3,
        **{f"with {name}": tweets[name][shown] for name in ("has_media", "has_link", "nsfw", "toxic")},
        "with bait": tweets["bait"][shown] > 0,
    }
    return {name: np.flatnonzero(rows)[:3] for name, rows in kinds.items()}


def test_the_formula_by_hand(tiny):
    world, oracle = read(tiny), Oracle.open(tiny)
    truth = load_truth(tiny)
    logged = oracle.logged().to_numpy()
    hidden = world.hidden["impressions"]
    for kind, rows in rows_of_interest(world).items():
        assert len(rows), kind
        exact = truth.truth.probabilities(truth.logged(rows))
        for n, row in enumerate(rows.tolist()):
            tie = float(hidden["tie"][row])
            expected = by_hand(
                world,
                int(world.viewer[row]),
                int(world.shown[row]),
                int(world.impressions["shown_at"][row]),
                tie=None if math.isnan(tie) else tie,
                kappa=float(hidden["proof"][row]),
                position=int(world.impressions["position"][row]),
                author_seen=int(hidden["author_seen"][row]),
                topic_seen=int(hidden["topic_seen"][row]),
            )
            np.testing.assert_allclose(exact[n], expected, rtol=1e-9, err_msg=kind)
            np.testing.assert_allclose(logged[row], expected, rtol=1e-6, err_msg=kind)


def odds(p):
    return np.asarray(p) / (1 - np.asarray(p))


@pytest.fixture(scope="module")
def asked(tiny):
    """The oracle, a user, a readable tweet of a stranger and a moment shortly after it."""
    world = read(tiny)
    row = np.flatnonzero(np.isnan(world.hidden["impressions"]["tie"]))[100]
    moment = world.impressions["shown_at"][row]
    return Oracle.open(tiny), world.impressions["user_id"][row], world.impressions["tweet_id"][row], moment


def test_each_place_further_down_costs_a_quarter_of_its_logarithm(asked):
    oracle, user, tweet, at = asked
    places = np.arange(40)
    like = oracle.probabilities(user, tweet, at, position=places)["like"]
    loading = make_world("tiny").response.loading[RESPONSES.index("like")]
    assert np.allclose(np.log(odds(like)) - np.log(odds(like[0])), -0.25 * loading * np.log1p(places))


@pytest.mark.parametrize(("seen", "left"), [("author_seen", 0.8), ("topic_seen", 0.9)])
def test_repetition_tires_in_even_steps_to_the_stated_odds_at_the_third(asked, seen, left):
    oracle, user, tweet, at = asked
    like = odds(oracle.probabilities(user, tweet, at, **{seen: [0, 1, 2, 3]})["like"])
    assert like[2] / like[0] == pytest.approx(left)
    assert np.allclose(like[1:] / like[:-1], math.sqrt(left))


def test_negative_responses_grow_where_positive_ones_shrink(asked):
    oracle, user, tweet, at = asked
    p = oracle.probabilities(user, tweet, at, position=[0, 30])
    grew = p.iloc[1] > p.iloc[0]
    assert set(p.columns[grew]) == {"not_interested", "block", "report"}


def test_languages_of_the_world_are_those_of_the_schema(tiny):
    world = read(tiny)
    assert (np.array(LANGUAGES)[world.hidden["tweets"]["lang"]] == world.tweets["lang"]).all()


def test_solved_intercepts_give_the_base_rates():
    rng = np.random.default_rng(0)
    logits = rng.normal(-2.0, 1.5, (20_000, 2))
    possible = rng.random(logits.shape) < [1.0, 0.6]
    wanted = np.array([0.07, 0.002])
    shift = solve_intercepts(logits, wanted, possible)
    rate = (possible / (1 + np.exp(-(logits + shift)))).mean(axis=0)
    assert np.allclose(rate, wanted, rtol=1e-6)

"""The oracle tells the truth: against the log, against brute force, against naive counting."""

from __future__ import annotations

import functools
import itertools
import shutil

import numpy as np
import pytest
from published import HOUR, Published
from scipy.stats import norm

from mimic.schema import ENGAGEMENTS, RESPONSES
from mimic.scoring import VALUE_WEIGHTS
from prep import Oracle, PrepError
from prep.generate_dataset import generate_dataset

read = functools.cache(Published)
open_oracle = functools.cache(Oracle.open)
WEIGHTS = np.array([VALUE_WEIGHTS[name] for name in RESPONSES])


# --- against the log ----------------------------------------------------------------------------


def surprises(probability, happened, expected_events=200):
    """z-scores of observed against expected events, in bins of equal expectation by probability."""
    order = np.argsort(probability, kind="stable")
    p, y = probability[order].astype(np.float64), happened[order]
    bins = max(1, min(50, int(p.sum() / expected_events)))
    edge = np.searchsorted(np.cumsum(p), np.linspace(0, p.sum(), bins + 1)[1:-1])
    expected, found, spread = (
        np.array([part.sum() for part in np.split(values, edge)]) for values in (p, y, p * (1 - p))
    )
    return (found - expected) / np.sqrt(spread)


@pytest.mark.course
def test_what_the_oracle_says_happens_as_often_as_it_says(course):
    world, told = read(course), open_oracle(course).logged()
    assert len(told) == len(world.impressions)
    z = {name: surprises(told[name].to_numpy(), world.impressions[name]) for name in RESPONSES}
    # one chance in a thousand that any of the bins is beyond this by luck
    bound = norm.isf(0.001 / 2 / sum(map(len, z.values())))
    assert {
        name: np.abs(scores).max().round(2) for name, scores in z.items() if np.abs(scores).max() > bound
    } == {}
    assert len(z["like"]) == 50
    wrong = surprises(1.02 * told["like"].to_numpy(), world.impressions["like"])
    assert np.abs(wrong.sum() / np.sqrt(len(wrong))) > 5, "the test sees an error of 2 %"


@pytest.mark.course
def test_the_best_possible_relative_cross_entropy_of_likes(course):
    y, p = read(course).impressions["like"], open_oracle(course).logged()["like"].to_numpy(np.float64)
    base = y.mean()
    cross = -np.where(y, np.log(p), np.log1p(-p)).mean()
    naive = -(base * np.log(base) + (1 - base) * np.log(1 - base))
    assert 0.30 < 1 - cross / naive < 0.40


@pytest.mark.parametrize("name", ["tiny", pytest.param("course", marks=pytest.mark.course)])
def test_asked_again_at_the_logged_circumstances_it_says_the_same(request, name):
    folder = request.getfixturevalue(name)
    world, oracle = read(folder), open_oracle(folder)
    rows = np.arange(0, len(world.impressions), max(1, len(world.impressions) // 20_000))
    columns, hidden = world.impressions, world.hidden["impressions"]
    asked = oracle.probabilities(
        *(columns[name][rows] for name in ("user_id", "tweet_id", "shown_at", "position")),
        *(hidden[name][rows] for name in ("author_seen", "topic_seen")),
    ).to_numpy()
    logged = oracle.logged().to_numpy()[rows]
    same = np.isclose(asked, logged, rtol=1e-5, atol=0).all(axis=1)
    # a visit sees the world as of the tick before its beginning, and may last beyond the next
    straddles = world.tick(columns["shown_at"]) != world.tick(world.began)
    assert same[~straddles[rows]].all()
    assert same[straddles[rows]].mean() > 0.5
    assert straddles.mean() < 0.08


# --- value and feeds ----------------------------------------------------------------------------


@pytest.fixture
def moment(tiny):
    return read(tiny).now + 6 * HOUR


def some_viewers(world, n):
    return world.users["user_id"][np.linspace(0, len(world.users) - 1, n).astype(int)].tolist()


def test_value_is_the_weighted_sum_of_probabilities(tiny, moment):
    oracle = open_oracle(tiny)
    ids = oracle.eligible(42, moment)
    table = oracle.probabilities(42, ids, moment)
    expected = [sum(VALUE_WEIGHTS[name] * row[name] for name in RESPONSES) for _, row in table.iterrows()]
    assert np.allclose(oracle.value(42, ids, moment), expected)
    again, values = oracle.values_of_eligible(42, moment)
    assert np.array_equal(again, ids)
    assert np.allclose(values, expected)


def test_the_best_are_the_eligible_of_greatest_value(tiny, moment):
    oracle = open_oracle(tiny)
    ids, values = oracle.values_of_eligible(42, moment)
    expected = sorted(zip(-values, -ids, strict=True))[:30]
    assert oracle.best(42, moment, 30).tolist() == [-i for _, i in expected]
    assert len(oracle.best(42, moment, 10**6)) == len(ids)


def test_feed_value_counts_places_authors_and_topics(tiny, moment):
    world, oracle = read(tiny), open_oracle(tiny)
    feed = repetitive(world, oracle, 42, moment, 8)
    author, topic = (
        world.author[world.tweet_row(feed)],
        world.hidden["tweets"]["topic"][world.tweet_row(feed)],
    )
    total = plain = 0.0
    for place, tweet in enumerate(feed.tolist()):
        seen = {
            "author_seen": int((author[:place] == author[place]).sum()),
            "topic_seen": int((topic[:place] == topic[place]).sum()),
        }
        total += oracle.probabilities(42, tweet, moment, position=place, **seen).to_numpy()[0] @ WEIGHTS
        plain += oracle.probabilities(42, tweet, moment, position=place).to_numpy()[0] @ WEIGHTS
    assert oracle.feed_value(42, feed, moment) == pytest.approx(total)
    assert oracle.feed_value(42, feed, moment, fatigue=False) == pytest.approx(plain)
    assert total < plain


def repetitive(world, oracle, user, moment, n):
    """Eligible tweets of few authors and topics, the most valuable of each."""
    ids, values = oracle.values_of_eligible(user, moment)
    author = world.author[world.tweet_row(ids)]
    prolific = np.argsort(-np.bincount(author, values > 0), kind="stable")[:4]
    mine = np.flatnonzero(np.isin(author, prolific))
    return ids[mine[np.argsort(-values[mine], kind="stable")[:n]]]


def values_of_all_feeds(world, oracle, user, tweets, moment, size):
    """Every ordered choice of `size` of the tweets, and the value of each as a feed."""
    n = len(tweets)
    tweet, place, by_author, by_topic = np.indices((n, size, size, size)).reshape(4, -1)
    p = oracle.probabilities(user, tweets[tweet], moment, place, by_author, by_topic).to_numpy()
    value = (p @ WEIGHTS).reshape(n, size, size, size)
    feeds = np.array(list(itertools.permutations(range(n), size)))
    kinds = world.author[world.tweet_row(tweets)], world.hidden["tweets"]["topic"][world.tweet_row(tweets)]
    total = np.zeros(len(feeds))
    for k in range(size):
        seen = [(kind[feeds[:, :k]] == kind[feeds[:, k]][:, None]).sum(axis=1) for kind in kinds]
        total += value[feeds[:, k], k, seen[0], seen[1]]
    return feeds, total


def test_the_best_order_is_nearly_as_good_as_any_of_sixty_thousand(tiny, moment):
    world, oracle = read(tiny), open_oracle(tiny)
    shares, different = [], 0
    for user in some_viewers(world, 12):
        tweets = repetitive(world, oracle, user, moment, 9)
        feeds, total = values_of_all_feeds(world, oracle, user, tweets, moment, 6)
        best = oracle.best_order(user, tweets, moment, 6)
        found = oracle.feed_value(user, best, moment)
        assert found <= total.max() + 1e-9
        shares.append(found / total.max())
        different += best.tolist() != tweets[:6].tolist()
        k = np.flatnonzero((tweets[feeds] == best).all(axis=1))
        assert total[k[0]] == pytest.approx(found)
    # these tweets are of four authors: far more repetition than feeds have
    assert min(shares) > 0.93
    assert np.mean(shares) > 0.99
    assert different >= 3, "fatigue changes the order"


@pytest.mark.parametrize("fatigue", [True, False])
def test_the_best_order_takes_at_each_place_what_adds_most(tiny, moment, fatigue):
    oracle = open_oracle(tiny)
    tweets = repetitive(read(tiny), oracle, 42, moment, 12)
    chosen = []
    for _ in range(5):
        left = [tweet for tweet in tweets.tolist() if tweet not in chosen]
        added = {t: oracle.feed_value(42, [*chosen, t], moment, fatigue=fatigue) for t in left}
        chosen.append(max(left, key=lambda t: (added[t], t)))
    assert oracle.best_order(42, tweets, moment, 5, fatigue=fatigue).tolist() == chosen


# --- what may be shown, and what stood when -----------------------------------------------------


def naively_eligible(world, user, at):
    """E(u, at) by its definition, tweet by tweet."""
    blocked = {
        other
        for a, b, when in zip(
            *(world.blocks[c].tolist() for c in ("user_id", "blocked_id", "at")), strict=True
        )
        if when < at and user in (a, b)
        for other in (a, b)
    }
    words, muted = set(), set()
    for who, author, word, when in zip(
        *(world.mutes[c].tolist() for c in ("user_id", "muted_id", "word", "at")), strict=True
    ):
        if who == user and when < at:
            words |= {word.lower()} if word else set()
            muted |= {author} if author >= 0 else set()
    mine = (world.impressions["user_id"] == user) & (world.impressions["shown_at"] < at)
    seen = set(world.impressions["tweet_id"][mine].tolist())
    return [
        tweet
        for tweet, author, created, text in zip(
            *(world.tweets[c].tolist() for c in ("tweet_id", "author_id", "created_at", "text")), strict=True
        )
        if at - 48 * HOUR <= created < at
        and author not in blocked | muted | {user}
        and tweet not in seen
        and not any(word in text.lower() for word in words)
    ]


def test_the_eligible_are_those_of_the_definition(tiny):
    world, oracle = read(tiny), open_oracle(tiny)
    cautious = np.unique(np.concatenate([world.mutes["user_id"], world.blocks["blocked_id"]]))[::6]
    lost = 0
    for user in {42, *some_viewers(world, 8), *cautious.tolist()}:
        for at in (world.now, world.now + 31 * HOUR):
            expected = naively_eligible(world, user, at)
            assert oracle.eligible(user, at).tolist() == expected
            lost += world.tweets["created_at"].searchsorted([at - 48 * HOUR, at]) @ [-1, 1] - len(expected)
    assert lost > 100


def test_social_proof_counts_ties_to_followees_who_had_engaged(tiny):
    world, oracle = read(tiny), open_oracle(tiny)
    rng = np.random.default_rng(3)
    public = np.isin(world.interactions["kind"], ENGAGEMENTS)
    tweet = world.tweet_row(world.interactions["tweet_id"][public])
    popular = np.argsort(-np.bincount(tweet, minlength=len(world.tweets)))[:300]
    hidden = world.hidden["follows"]
    columns = (hidden[c].tolist() for c in ("follower", "followed", "tie", "created_at"))
    tie = {(a, b): (strength, since) for a, b, strength, since in zip(*columns, strict=True)}
    some = 0
    for row in rng.choice(popular, 200, replace=False).tolist():
        user, at = int(rng.integers(len(world.users))), int(world.tweets["created_at"][row] + 8 * HOUR)
        tick, kappa = int(world.tick(at)), 0.0
        engaged = world.interactions["tweet_id"][public] == world.tweets["tweet_id"][row]
        moments = world.interactions["at"][public][engaged]
        who = world.user_row(world.interactions["user_id"][public][engaged])
        for friend in {f for f, when in zip(who.tolist(), moments.tolist(), strict=True) if when < tick}:
            strength, since = tie.get((user, friend), (0.0, 0))
            kappa += strength if since < tick else 0.0
        found = oracle._h.proof(np.array([user]), np.array([row]), np.array([tick]))[0]
        assert found == pytest.approx(kappa / world.world["mean_tie"])
        some += found > 0
    assert some >= 5


# --- what it refuses ----------------------------------------------------------------------------


def test_it_refuses_what_it_does_not_know(tiny, moment):
    oracle = open_oracle(tiny)
    known = oracle.eligible(42, moment)[0]
    with pytest.raises(PrepError, match="unknown user: 43"):
        oracle.value(43, known, moment)
    with pytest.raises(PrepError, match="unknown tweet: 17"):
        oracle.value(42, [known, 17], moment)
    with pytest.raises(PrepError, match="each tweet once"):
        oracle.feed_value(42, [known, known], moment)
    with pytest.raises(PrepError, match="each tweet once"):
        oracle.best_order(42, [known, known], moment)
    with pytest.raises(PrepError, match="whole numbers, got float64"):
        oracle.value(42.0, known, moment)
    with pytest.raises(PrepError, match="whole numbers, got object"):
        oracle.best(10**30, moment, 3)
    with pytest.raises(PrepError, match="count from 0"):
        oracle.probabilities(42, known, moment, position=-1)
    with pytest.raises(PrepError, match="n must be 0 or more"):
        oracle.best(42, moment, -1)
    with pytest.raises(PrepError, match="size must be 0 or more"):
        oracle.best_order(42, [known], moment, -1)
    later = read(tiny).tweets["tweet_id"][-1]
    with pytest.raises(PrepError, match=f"tweet {later} is not written yet at {moment}"):
        oracle.value(42, [known, later], moment)


def test_without_the_truth_it_says_how_to_get_it(tiny, tmp_path):
    copy = tmp_path / "robbed"
    shutil.copytree(tiny, copy, ignore=shutil.ignore_patterns("truth"))
    with pytest.raises(PrepError, match=r"no whole truth.*generate_dataset --preset tiny --seed 7 --out"):
        Oracle.open(copy)


@pytest.mark.parametrize("harm", ["world.json", "users.parquet", "impressions.parquet"])
def test_a_truth_that_is_not_whole_is_refused(tiny, tmp_path, harm):
    copy = tmp_path / "harmed"
    shutil.copytree(tiny, copy)
    (copy / "truth" / harm).unlink()
    with pytest.raises(PrepError, match="no whole truth"):
        Oracle.open(copy)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return generate_dataset("tiny", 8, tmp_path_factory.mktemp("other") / "tiny-8", progress=False)


@pytest.mark.parametrize("part", ["truth/users.parquet", "truth/world.json", "tweets.parquet", "truth"])
def test_the_truth_of_another_world_is_refused(tiny, other, tmp_path, part):
    copy = tmp_path / "mixed"
    shutil.copytree(tiny, copy)
    if part == "truth":
        shutil.rmtree(copy / part)
        shutil.copytree(other / part, copy / part)
    else:
        shutil.copy(other / part, copy / part)
    with pytest.raises(PrepError, match=r"no whole truth .*--preset tiny --seed 7 --out"):
        Oracle.open(copy)

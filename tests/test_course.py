"""The teaching aids: checks that tell wrong ideas apart, the cast, the village, where the course stands."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from worlds import MARA, first_product, random_world, village

from mimic import DataLoader, HeuristicScorer, MimicError, Query, Verdicts
from mimic.course import cast, check, product_at, strip
from mimic.course import village as the_village
from mimic.course.chapter_1 import crossed, in_words
from mimic.course.chapter_4 import BalancedSample, chance_to_interact, dealings, log_odds_by_feature
from mimic.course.chapter_7 import Batch
from mimic.course.looking import cost_per_tweet, fetching_everything, one_by_one
from mimic.evaluation import Interval, interval
from mimic.next_day import NextDay
from mimic.ordering import best_first
from mimic.retrieval.edge_features import EDGE_FEATURES, edge_features
from mimic.retrieval.edge_log import DAY_MS, candidate_pairs, pair_keys
from mimic.retrieval.real_graph import RealGraph
from mimic.schema import RESPONSES, SOURCES

WORLDS = ("tiny", 0, 1, 2)


@pytest.fixture(scope="module", params=WORLDS, ids=str)
def data(request, tmp_path_factory):
    """A generated world, and three without sense, so that no check leans on one seed."""
    if request.param == "tiny":
        return DataLoader.open(request.getfixturevalue("tiny"))
    folder = tmp_path_factory.mktemp(f"world{request.param}")
    sizes = {"users": 90, "tweets": 6000, "follows": 2200, "impressions": 30_000}
    return DataLoader.open(random_world(folder, seed=request.param, **sizes))


@pytest.fixture(scope="module")
def feed(data):
    return first_product(data).run(Query(user_id=MARA, size=10))


def different_messages(outcomes):
    """The messages of wrong answers, which must be wrong and tell at least three ideas apart."""
    assert not any(outcomes)
    assert len({outcome.message for outcome in outcomes}) == len(outcomes) >= 3
    return True


# ---------------------------------------------------------------- chapter 1


def test_most_lost_names_the_idea_behind_a_wrong_step(feed):
    table = feed.trace.table()
    steps = table[~table["stage"].isin(["gate", "source", "merge"])]
    right = steps.loc[steps["removed"].idxmax(), "name"]
    assert check.most_lost(right, feed)
    wrong = ["in_network", "distinct tweets", "TopSelector", "SeenFilter"]
    assert different_messages([check.most_lost(name, feed) for name in wrong])


def test_most_lost_takes_a_stage_or_a_name_in_any_spelling(feed):
    assert check.most_lost("First-by-order", feed)
    assert check.most_lost("feed", feed)
    assert "steps belong to" in check.most_lost("filter", feed).message
    assert "No step" in check.most_lost("the algorithm", feed).message
    assert "name" in check.most_lost(476, feed).message


def test_most_lost_is_about_this_feed_and_not_about_a_word(tmp_path):
    narrow = dataclasses.replace(first_product(DataLoader.open(village(tmp_path))), budget=1)
    feed = narrow.run(Query(user_id=MARA))
    assert check.most_lost("budget", feed)
    assert not check.most_lost("feed", feed)


def test_a_machine_without_a_funnel_fetches_the_whole_window(data):
    window = np.arange(data.since("tweets"), len(data.tweets))
    feed = fetching_everything(data).run(Query(user_id=MARA, size=10))
    assert np.array_equal(feed.candidates.rows, window[::-1])
    assert "over budget" not in set(feed.candidates["fate"])
    few = fetching_everything(data, 3).run(Query(user_id=MARA, size=10))
    assert np.array_equal(few.candidates.rows, window[::-1][:3])
    ids = data.tweets["tweet_id"]
    assert few.why(int(ids[window[0]])).missed == {"everything": "beyond the newest 3"}
    if window[0]:
        assert few.why(int(ids[0])).missed == {"everything": "older than 48 hours"}


def test_one_after_the_other_gives_the_scores_of_the_arrays(data):
    batch = check.scored(fetching_everything(data).run(Query(user_id=MARA)))
    scorer = HeuristicScorer(tie_lift=0.7, half_life_hours=9.0)
    names = ("in_network", "tie", "topic_share", "author_rate", "proof_weight", "age_hours")
    facts = [{name: float(batch[name][i]) for name in names} for i in range(len(batch))]
    expected = scorer.score(Query(user_id=MARA), batch)["score"]
    assert one_by_one(scorer, facts) == pytest.approx(expected.tolist(), rel=1e-4)


def test_costs_have_a_row_a_way_and_a_column_a_size(data):
    window = len(data.tweets) - data.since("tweets")
    costs = cost_per_tweet(data, Query(user_id=MARA), sizes=(5, window))
    assert list(costs.columns) == ["5 together, ns", f"{window:,} together, ns"]
    assert len(costs) == 4
    assert (costs.to_numpy() >= 0).all()


def test_two_changes_are_told_apart_both_ways():
    rng = np.random.default_rng(5)
    values = pd.DataFrame({"user_id": range(40), "at": 0, "best": rng.uniform(8, 12, 40)})
    for name, share in (("few, ours", 0.3), ("few, right", 0.9), ("all, ours", 0.2)):
        values[name] = share * values["best"] + rng.normal(0, 0.3, 40)
    cells = pd.DataFrame(
        {"ours": ["few, ours", "all, ours"], "right": ["few, right", "best"]}, ["few", "all"]
    )
    table = crossed(values, cells, best="best", seed=3)
    mean = 100 * values.mean() / values["best"].mean()
    assert table.loc["few", "right adds"].value == pytest.approx(mean["few, right"] - mean["few, ours"])
    assert table.loc["all", "right adds"].value == pytest.approx(100 - mean["all, ours"])
    assert table.loc["all adds", "ours"].value == pytest.approx(mean["all, ours"] - mean["few, ours"])
    paired = interval(
        values,
        lambda means: 100 * (means["best"] - means["few, right"]) / means["best"],
        rng=np.random.default_rng(3),
    )
    assert table.loc["all adds", "right"] == paired
    assert table.loc["all", "right"] == Interval(value=100.0, low=100.0, high=100.0)
    assert table.iloc[2, 2] == ""


@pytest.mark.parametrize(
    ("low", "high", "words"), [(1, 3, "up"), (-3, -1, "down"), (-1, 1, "?"), (0, 2, "?")]
)
def test_words_follow_the_interval(low, high, words):
    change = Interval(value=(low + high) / 2, low=low, high=high)
    assert in_words(change, more="up", less="down", neither="?") == words


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuthorCap:
    """The solution as the chapter prints it, as plain as can be."""

    most: int = 2
    upside_down: bool = False

    def keep(self, query, candidates):
        order = best_first(candidates["score"], candidates.rows)
        if self.upside_down:
            order = order[::-1]
        seen: dict[int, int] = {}
        mask = np.zeros(len(candidates), bool)
        for place in order:
            author = int(candidates["author"][place])
            mask[place] = seen.get(author, 0) < self.most
            seen[author] = seen.get(author, 0) + 1
        return mask


def test_author_cap_accepts_a_filter_its_method_and_its_mask(feed):
    solution = AuthorCap()
    candidates = check.scored(feed)
    mask = solution.keep(feed.query, candidates)
    assert 0 < mask.sum() < len(mask), "the world has authors with too many tweets"
    verdicts = Verdicts((~mask).astype(np.int8), ("too many by one author",))
    for answer in (solution, solution.keep, mask, lambda query, batch: verdicts):
        assert check.author_cap(answer, feed)
    assert check.author_cap(AuthorCap(most=1), feed, most=1)


def test_author_cap_names_the_idea_behind_a_wrong_mask(feed):
    candidates = check.scored(feed)
    mask = AuthorCap().keep(feed.query, candidates)
    author = candidates["author"]
    in_batch = np.array([(author[:place] == author[place]).sum() < 2 for place in range(len(author))])
    few = np.array([(author == one).sum() <= 2 for one in author])
    order = best_first(candidates["score"], candidates.rows)
    wrong = [
        ~mask,
        mask[order],
        in_batch,
        few,
        AuthorCap(most=3),
        AuthorCap(most=1),
        AuthorCap(upside_down=True),
    ]
    assert different_messages([check.author_cap(answer, feed) for answer in wrong])


def test_author_cap_says_what_a_mask_must_be(feed):
    candidates = check.scored(feed)
    assert (
        "true and false" in check.author_cap(np.flatnonzero(AuthorCap().keep(None, candidates)), feed).message
    )
    assert "shape" in check.author_cap(np.ones(len(candidates) + 1, bool), feed).message


# ---------------------------------------------------------------- chapter 2


def test_reciprocity_names_the_idea_behind_a_wrong_number(data):
    edges = set(zip(data.follows["follower"].tolist(), data.follows["followed"].tolist(), strict=True))
    mutual = sum((b, a) in edges for a, b in edges)
    share = mutual / len(edges)
    pairs = mutual / 2 / (len(edges) - mutual / 2)
    for answer in (share, round(share, 2), np.float32(share), np.array([share])):
        assert check.reciprocity(answer, data)
    wrong = [pairs, share / 2, 2 * share, 1 - share, 100 * share]
    assert different_messages([check.reciprocity(answer, data) for answer in wrong])


def test_numbers_of_the_wrong_kind_are_told_so(data):
    answers = ("much", None, [0.1, 0.2], float("nan"), -7.3)
    assert different_messages([check.reciprocity(answer, data) for answer in answers[2:]])
    assert "number was expected" in check.reciprocity(answers[0], data).message
    assert not check.reciprocity(answers[1], data)


# ---------------------------------------------------------------- chapter 3


def test_most_followed_names_the_idea_behind_a_wrong_number(data):
    followers = np.bincount(data.follows["followed"], minlength=len(data.users))
    followees = np.bincount(data.follows["follower"], minlength=len(data.users))
    right = followers.max()
    assert check.most_followed(right, data)
    assert check.most_followed(int(right), data)
    row = followers.argmax()
    wrong = [row, followees.max(), len(data.follows), right - 1]
    wrong += [data.users["user_id"][row]] if data.users["user_id"][row] not in wrong else []
    assert different_messages([check.most_followed(answer, data) for answer in wrong if answer != right])


def test_future_likes_names_the_idea_behind_a_wrong_number(data):
    log = data.as_of(data.manifest.end).interactions
    like, later = log["kind"] == RESPONSES.index("like"), log["at"] >= data.now
    there = log["tweet"] < len(data.tweets)
    right = (like & later & there).sum()
    assert 0 < right < (like & later).sum()
    assert check.future_likes(right, data)
    wrong = [
        (like & later).sum(),
        (later & there).sum(),
        (like & ~later).sum(),
        (like & there).sum(),
        right + 1,
    ]
    assert different_messages([check.future_likes(answer, data) for answer in wrong])


def test_weighted_likes_names_the_idea_behind_a_wrong_number(data):
    likes = data.responded("like").astype(float)
    propensity = data.impressions["propensity"].astype(float)
    right = (likes / propensity).sum() / (1 / propensity).sum()
    assert check.weighted_likes(right, data)
    at_random = data.impressions["source"] == SOURCES.index("random")
    wrong = [
        likes.mean(),
        (likes / propensity).mean(),
        (likes * propensity).sum() / propensity.sum(),
        likes[at_random].mean(),
        100 * right,
    ]
    far = [answer for answer in wrong if abs(answer / right - 1) > 0.005]
    assert different_messages([check.weighted_likes(answer, data) for answer in far])


# ---------------------------------------------------------------- chapter 4


def test_decayed_names_the_idea_behind_a_wrong_number(data):
    log = data.interactions
    hers = log["user"] == data.user_row(MARA)
    recent = hers & (log["at"] >= data.now - 30 * DAY_MS)
    counted = recent & (log["kind"] < RESPONSES.index("not_interested"))
    age = (data.now - log["at"][counted] - 1) // DAY_MS
    right = (0.955**age).sum()
    assert check.decayed(right, data)
    assert check.decayed(round(right, 2), data) or right < 5
    author = data.tweets["author"][log["tweet"][counted]]
    wrong = [
        counted.sum(),
        recent.sum(),
        (0.5 ** (age / 7)).sum(),
        0.955 * right,
        len(np.unique(age)),
        len(np.unique(author)),
    ]
    far = {round(float(answer), 6) for answer in wrong if abs(answer / right - 1) > 0.01}
    assert different_messages([check.decayed(answer, data) for answer in far])


def test_undone_names_the_idea_behind_a_wrong_function(data):
    day = NextDay.of(data, RealGraph.of(data))
    assert check.undone(lambda p, kept: p * kept / (p * kept + 1 - p), day)
    wrong = [
        lambda p, kept: p,
        lambda p, kept: p * kept,
        lambda p, kept: p / (1 - p) * kept,
        lambda p, kept: p / (p + (1 - p) * kept),
        lambda p, kept: p * kept / (p * kept + (1 - p) * (1 - kept)),
        lambda p, kept: p - 2,
        lambda p, kept: p * 0.123,
    ]
    assert different_messages([check.undone(answer, day) for answer in wrong])
    assert "function" in check.undone(0.5, day).message
    assert "failed" in check.undone(lambda p: p, day).message
    assert "shape" in check.undone(lambda p, kept: p[:3], day).message


def test_dealings_count_each_follow_once(data):
    table = dealings(data, {"mara": MARA})
    parts = ["never shown", "never answered", "answered once", "more often"]
    assert (table[parts].sum(axis=1) == table["follows"]).all()
    assert table.loc["mara", "follows"] == len(data.following.of(data.user_row(MARA)))
    assert table.loc["everybody", "follows"] == len(data.follows)


def test_a_score_taken_apart_sums_to_itself(data):
    model, pairs = RealGraph.of(data).model.answering, candidate_pairs(data)[:40]
    features = edge_features(data, pairs)
    parts = log_odds_by_feature(model, features)
    assert parts.sum().to_numpy() == pytest.approx(model.log_odds(features))


def test_a_balanced_sample_is_balanced_and_knows_by_how_much(data):
    sources = np.arange(len(data.users)) % 2 == 0
    rows = BalancedSample.of(data, mornings=2, sources=sources, rng=np.random.default_rng(3))
    assert (rows.pairs // len(data.users) % 2 == 0).all()
    assert 0 < rows.share < 1
    assert rows.features.shape == (len(rows.pairs), len(EDGE_FEATURES))
    morning = data.as_of(data.now - DAY_MS)
    mine = sources[candidate_pairs(morning) // len(data.users)].sum()
    assert len(rows.pairs) == pytest.approx(4 * rows.share * (1 - rows.share) * mine, rel=0.35)
    assert 0.25 < rows.interacted.mean() < 0.75
    again = BalancedSample.of(data, mornings=2, sources=sources, rng=np.random.default_rng(3))
    assert again.pairs.tolist() == rows.pairs.tolist()


class Coins:
    """A truth in which everything is answered with a like, with the same chance."""

    def probabilities(self, user_ids, tweet_ids, at, position=0):
        return pd.DataFrame({kind: np.full(len(user_ids), 0.5 * (kind == "like")) for kind in RESPONSES})


def test_the_chance_to_interact_grows_with_what_is_shown(data):
    later = data.as_of(data.now + DAY_MS)
    rows = slice(len(data.impressions), None)
    authors = later.tweets["author"][later.impressions["tweet"][rows]]
    shown, times = np.unique(pair_keys(data, later.impressions["user"][rows], authors), return_counts=True)
    never = np.setdiff1d(candidate_pairs(data), shown)
    pairs = np.union1d(shown, never)
    chances = chance_to_interact(Coins(), data, pairs)
    assert chances[np.isin(pairs, never)].tolist() == [0.0] * len(never)
    assert chances[np.isin(pairs, shown)] == pytest.approx(1 - 0.5**times)


# ---------------------------------------------------------------- chapter 7


def test_without_vector_names_the_idea_behind_a_wrong_share(data):
    log, new = data.as_of(data.manifest.end).interactions, slice(len(data.interactions), None)
    likes = log["tweet"][new][log["kind"][new] == RESPONSES.index("like")]
    kinds = [RESPONSES.index(name) for name in ("like", "retweet", "reply")]
    known = set(data.interactions["tweet"][np.isin(data.interactions["kind"], kinds)].tolist())
    right = np.mean([tweet not in known for tweet in likes.tolist()])
    assert check.without_vector(right, data)
    assert check.without_vector(round(float(right), 3), data)
    wrong = [
        1 - right,
        100 * right,
        1 - len(known) / len(data.tweets),
        np.mean([tweet not in known for tweet in np.unique(likes).tolist()]),
        np.mean(likes >= len(data.tweets)),
    ]
    far = []  # some ideas give the same number in a world without sense
    for answer in wrong:
        if not np.isclose(answer, [right, *far], rtol=0.005).any():
            far.append(answer)
    outcomes = [check.without_vector(answer, data) for answer in far]
    assert not any(outcomes)
    assert len({outcome.message for outcome in outcomes}) == len(outcomes) >= 2


def test_lent_names_the_idea_behind_a_wrong_number(data):
    likes = data.counts("like").astype(float)
    right = 512 * likes.max() / likes.sum()
    assert check.lent(right, data)
    wrong = [
        right / 512,
        512 / len(likes),
        512 / (likes > 0).sum(),
        likes.max(),
        512 * likes.max() / len(data.interactions),
    ]
    far = [answer for answer in wrong if abs(answer / right - 1) > 0.005]
    assert different_messages([check.lent(answer, data) for answer in far])


def batch_loss(scores, q, known, *, sign=-1.0, mask=True, own=True, total=False):
    """Row by row, as slow as can be."""
    losses = []
    for row in range(len(q)):
        negatives = [k for k in range(len(q)) if k != row and not (mask and known[row, k])]
        mine = scores[row, row] + (sign * np.log(q[row]) if own else 0.0)
        others = [scores[row, k] + sign * np.log(q[k]) for k in negatives]
        losses.append(np.log(np.exp([mine, *others]).sum()) - mine)
    return sum(losses) if total else np.mean(losses)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_batch_loss_names_the_idea_behind_a_wrong_loss(data, seed):
    batch = Batch.draw(data, seed=seed)
    assert batch.known.diagonal().all()
    assert not batch.known.all()
    assert batch.known.sum() > len(batch.q), "the batch has false negatives"
    assert check.batch_loss(batch_loss, data, seed=seed)
    wrong = [{"sign": 1.0}, {"sign": 0.0}, {"mask": False}, {"own": False}, {"sign": -0.5}, {"total": True}]
    if np.allclose(batch.q, batch.q[0]):  # all equally popular: nothing to correct
        wrong = wrong[2:3] + wrong[5:]
    outcomes = [check.batch_loss(lambda *given, w=w: batch_loss(*given, **w), data, seed=seed) for w in wrong]
    assert not any(outcomes)
    assert len({outcome.message for outcome in outcomes}) == len(outcomes)


def test_batch_loss_wants_a_function(data):
    assert "function" in check.batch_loss(0.7, data).message
    assert "number" in check.batch_loss(lambda scores, q, known: scores, data).message


# ---------------------------------------------------------------- outcomes, cast, village, stages


def test_an_outcome_shows_itself_and_never_the_answer(data):
    right = float(data.followers.sizes.max())
    wrong = check.most_followed(right + 3, data)
    assert repr(wrong).startswith("Not yet.")
    assert f"{right:.0f}" not in wrong.message
    assert "<div" in wrong._repr_html_()
    assert repr(check.most_followed(right, data)).startswith("Right.")


def test_the_cast_are_six_different_people_who_fit_their_rules(data):
    people = cast(data)
    members = people.members()
    assert people.mara.user_id == MARA
    assert len({member.user_id for member in members}) == 6
    seen = np.bincount(data.impressions["user"], minlength=len(data.users))
    rows = {member.role: data.user_row(member.user_id) for member in members}
    others = np.setdiff1d(np.arange(len(seen)), list(rows.values()))
    assert seen[rows["the heavy user"]] >= seen[others].max()
    assert data.followers.sizes[rows["the celebrity"]] >= data.followers.sizes[others].max()
    assert seen[rows["the lurker"]] >= np.quantile(seen, 0.9)
    assert f"has seen {seen[rows['the lurker']]:,} tweets" in people.lurker.biography
    assert repr(cast(data)) == repr(people)


def test_the_cast_show_themselves(data):
    html = cast(data)._repr_html_()
    assert html.count("Chosen by rule") == 6


def test_a_village_without_readers_has_no_cast(tmp_path):
    with pytest.raises(MimicError, match="six people"):
        cast(DataLoader.open(village(tmp_path)))


def test_the_village_of_the_course_is_the_village_of_the_tests(tmp_path):
    data, drawn = DataLoader.open(village(tmp_path)), the_village()
    handles = data.users.texts("handle", np.arange(len(data.users))).to_pylist()
    follows = {
        (handles[a], handles[b])
        for a, b in zip(data.follows["follower"], data.follows["followed"], strict=True)
    }
    assert follows == set(drawn.follows.itertuples(index=False, name=None))
    assert len(drawn.people) == 8
    assert len(drawn.tweets) == 12
    assert data.tweets["tweet_id"].tolist() == drawn.tweets.query("hours > 0")["tweet_id"].tolist()
    assert len(data.interactions) == len(drawn.answers)
    html = drawn._repr_html_()
    assert all(f">{handle}</text>" in html for handle in handles)
    assert all(text in html for text in drawn.tweets["text"])


def test_product_at_says_which_chapter_brings_what(data, feed):
    first = product_at(data, chapter=1).run(feed.query)
    assert first.tweet_ids.tolist() == feed.tweet_ids.tolist()
    with pytest.raises(MimicError, match="chapter 11 brings the feature table"):
        product_at(data, chapter=11)
    with pytest.raises(MimicError, match="no chapter 0"):
        product_at(data, chapter=0)


def test_each_chapter_of_retrieval_changes_its_part(data):
    def parts(chapter):
        in_network, walk, strangers = (part.source for part in product_at(data, chapter=chapter).sources)
        named = [engine.name for engine in strangers.engines]
        return walk.ties is not None, in_network.ranker is not None, sorted(named)

    assert parts(3) == (False, False, ["topics"])
    assert parts(4) == (True, False, ["topics"])
    assert parts(5) == (True, True, ["topics"])
    assert parts(6) == (True, True, ["simclusters", "topics"])
    assert parts(7) == parts(8) == parts(9) == (True, True, ["simclusters", "topics", "two_tower"])
    assert parts(10) == (True, True, ["simclusters", "topics", "trends", "two_tower"])
    graph = [product_at(data, chapter=chapter).sources[1].source.uteg is not None for chapter in (8, 9, 10)]
    assert graph == [False, True, True]


def test_the_strip_knows_its_stages():
    with pytest.raises(MimicError, match="no stage 'scoring'"):
        strip("scoring")

"""The framework, with toy components: nothing vanishes, nothing is invented, nobody is trusted."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import MARA, village

from mimic import (
    BadQuery,
    BrokenContract,
    CandidatePipeline,
    Candidates,
    DataLoader,
    MimicError,
    MixerPipeline,
    Query,
    ScoringPipeline,
    UnknownColumn,
    UnknownTweet,
    UnknownUser,
    Verdicts,
)
from mimic.ordering import best_first

QUERY = Query(user_id=MARA)
TWEETS = 11


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return DataLoader.open(village(tmp_path_factory.mktemp("data") / "village"))


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """A source that returns given rows."""

    data: DataLoader
    rows: Any
    name: str = "fixed"
    columns: dict[str, Any] = field(default_factory=dict)
    searched: int = TWEETS

    def fetch(self, query):
        return Candidates(
            data=self.data, rows=np.asarray(self.rows), columns=self.columns, searched=self.searched
        )

    def explain(self, query, tweet_id):
        return f"{self.name} has only {len(self.rows)} tweets"


@dataclass(frozen=True, kw_only=True)
class Returns:
    """A component of any kind that returns one thing."""

    answer: Any
    name: str = "returns"

    def _give(self, query, candidates):
        return self.answer(candidates) if callable(self.answer) else self.answer

    hydrate = keep = score = select = _give

    def fetch(self, query):
        return self.answer

    def explain(self, query, tweet_id):
        return ""


@dataclass(frozen=True, kw_only=True)
class ByScore:
    def select(self, query, candidates):
        return best_first(candidates["score"], candidates.rows)


@dataclass(frozen=True, kw_only=True)
class Closed:
    reason: str = "closed today"

    def closed(self, query):
        return self.reason


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A source that fails."""

    name: str = "broken"

    def fetch(self, query):
        raise RuntimeError("the cable is loose")

    def explain(self, query, tweet_id):
        return "it never works"


def pipeline(data, *sources, scores=None, **parts):
    """A product of toy parts; tweets score by age unless told otherwise."""
    scorer = Returns(
        name="toy",
        answer=lambda c: {
            "score": (np.asarray(scores)[c.rows] if scores is not None else c.rows.astype(float))
        },
    )
    defaults = {
        "scoring": (ScoringPipeline(scorers=(scorer,)),),
        "selector": ByScore(),
        "strict": True,
    }
    wrapped = tuple(s if isinstance(s, CandidatePipeline) else CandidatePipeline(source=s) for s in sources)
    return MixerPipeline(data=data, sources=wrapped, **(defaults | parts))


# Conservation


@st.composite
def cases(draw):
    """Random sources, filters and scores, over the village's eleven tweets."""
    rows = st.lists(st.integers(0, TWEETS - 1), unique=True, max_size=TWEETS)
    number = st.one_of(st.floats(-5, 5, width=32), st.just(np.nan), st.just(np.inf), st.just(1.0))
    verdict = st.lists(st.integers(0, 2), min_size=TWEETS, max_size=TWEETS)
    return {
        "sources": draw(st.lists(rows, min_size=0, max_size=4)),
        "backfill": draw(rows),
        "scores": draw(st.lists(number, min_size=TWEETS, max_size=TWEETS)),
        "filters": draw(st.lists(verdict, max_size=3)),
        "post_filters": draw(st.lists(verdict, max_size=2)),
        "late_filters": draw(st.lists(verdict, max_size=2)),
        "budget": draw(st.integers(0, 12)),
        "size": draw(st.integers(1, 12)),
    }


def assemble(data, case):
    def filters(verdicts):
        return tuple(
            Returns(
                name=f"filter {i}",
                answer=lambda c, v=v: Verdicts(np.array(v, np.int8)[c.rows], ("one", "two")),
            )
            for i, v in enumerate(verdicts)
        )

    sources = [
        Fixed(data=data, rows=np.array(rows, int), name=f"s{i}") for i, rows in enumerate(case["sources"])
    ]
    return pipeline(
        data,
        *sources,
        scores=case["scores"],
        backfill=(
            CandidatePipeline(source=Fixed(data=data, rows=np.array(case["backfill"], int), name="spare")),
        ),
        budget=case["budget"],
        **{stage: filters(case[stage]) for stage in ("filters", "post_filters", "late_filters")},
    )


@settings(max_examples=500, deadline=None)
@given(cases())
def test_nothing_vanishes_and_nothing_is_invented(data, case):
    feed = assemble(data, case).run(Query(user_id=MARA, size=case["size"]))
    fetched = {row for rows in case["sources"] for row in rows}
    if len(fetched) < case["budget"]:
        fetched |= set(case["backfill"])

    assert sorted(feed.candidates.rows.tolist()) == sorted(fetched)
    fates = feed.trace.fates.tolist()
    counts = {fate: fates.count(fate) for fate in ("shown", "removed", "over budget", "not selected")}
    assert sum(counts.values()) == len(fetched)
    assert counts["shown"] == len(feed.tweet_ids) == len(set(feed.tweet_ids.tolist())) <= case["size"]
    assert set(feed.tweet_ids.tolist()) <= set(feed.candidates.tweet_ids.tolist())
    assert counts["over budget"] == max(len(fetched) - case["budget"], 0)
    assert all(feed.trace.reasons.tolist())

    table = feed.trace.table()
    assert (table["in"] - table["out"] == table["removed"]).all()
    after_merge = table[
        table["stage"].isin(["budget", "filter", "post filter", "select", "late filter", "feed"])
    ]
    assert after_merge["removed"].sum() == len(fetched) - counts["shown"]
    assert (after_merge["in"].to_numpy()[1:] == after_merge["out"].to_numpy()[:-1]).all()
    assert feed.trace.removals()["count"].sum() == len(fetched)


@settings(max_examples=100, deadline=None)
@given(cases())
def test_the_survivors_are_shown_best_first(data, case):
    feed = assemble(data, case).run(Query(user_id=MARA, size=case["size"]))
    scores = np.array(case["scores"])
    finite = np.where(np.isfinite(scores), scores, -np.inf)
    stages = case["filters"] + case["post_filters"] + case["late_filters"]
    merged = list(dict.fromkeys(row for rows in case["sources"] for row in rows))
    if len(merged) < case["budget"]:
        merged = list(dict.fromkeys(merged + case["backfill"]))
    alive = [row for row in merged[: case["budget"]] if all(verdict[row] == 0 for verdict in stages)]
    expected = sorted(alive, key=lambda row: (finite[row], row), reverse=True)[: case["size"]]
    assert data.tweet_rows(feed.tweet_ids).tolist() == expected


@settings(max_examples=50, deadline=None)
@given(cases())
def test_running_twice_gives_the_same(data, case):
    product = assemble(data, case)
    one, two = (product.run(Query(user_id=MARA, size=case["size"])) for _ in range(2))
    assert one.candidates.table().equals(two.candidates.table())
    assert one.tweet_ids.tolist() == two.tweet_ids.tolist()


@settings(max_examples=100, deadline=None)
@given(cases())
def test_why_answers_for_every_tweet(data, case):
    feed = assemble(data, case).run(Query(user_id=MARA, size=case["size"]))
    fates = dict(zip(feed.candidates.tweet_ids.tolist(), feed.trace.fates.tolist(), strict=True))
    for tweet in data.tweets["tweet_id"].tolist():
        why = feed.why(tweet)
        assert why.fate == fates.get(tweet, "never fetched")
        assert (why.rank is not None) == (why.fate == "shown")
        assert set(why.found) | set(why.missed) == {source.name for source in feed.sources}
        assert why.verdict in repr(why)
        assert len(why.table()) == len(why.found) + len(why.missed) + len(why.facts) + len(why.scores) + 1


@settings(max_examples=100, deadline=None)
@given(cases(), st.lists(st.floats(-3, 3), min_size=TWEETS, max_size=TWEETS))
def test_loss_adds_up(data, case, worth):
    feed = assemble(data, case).run(Query(user_id=MARA, size=case["size"]))
    values = np.array(worth)[feed.candidates.rows]
    loss = feed.trace.loss(values)
    shown = values[feed.trace.fates == "shown"].sum()
    assert values.sum() - loss["lost"].sum() == pytest.approx(shown, abs=1e-9)
    assert loss["removed"].sum() == len(values) - len(feed.tweet_ids)
    if len(loss):
        assert loss["left"].iloc[-1] == pytest.approx(shown, abs=1e-9)


def test_loss_wants_one_value_a_candidate(data):
    feed = pipeline(data, Fixed(data=data, rows=[1, 2])).run(QUERY)
    with pytest.raises(MimicError, match=r"\(2,\)"):
        feed.trace.loss([1.0])
    assert feed.trace.loss([np.nan, 1.0])["lost"].sum() == 0


# Merging and the budget


def test_a_tweet_found_twice_is_one_candidate_with_two_finders(data):
    a = Fixed(data=data, rows=[3, 1], name="a", columns={"seed": np.array([30, 10])})
    b = Fixed(data=data, rows=[1, 5], name="b", columns={"flag": np.array([True, False])})
    candidates = pipeline(data, a, b).run(QUERY).candidates
    assert candidates.rows.tolist() == [3, 1, 5]
    assert candidates.sources == ["a", "a + b", "b"]
    assert candidates.found_by("a").tolist() == [True, True, False]
    assert candidates.found_by("nobody").tolist() == [False] * 3
    np.testing.assert_array_equal(candidates["a.rank"], [1, 2, np.nan])
    np.testing.assert_array_equal(candidates["b.rank"], [np.nan, 1, 2])
    np.testing.assert_array_equal(candidates["a.seed"], [30, 10, np.nan])
    np.testing.assert_array_equal(candidates["b.flag"], [np.nan, 1, 0])


def test_the_budget_is_spent_in_the_order_of_the_sources(data):
    a, b = Fixed(data=data, rows=[3, 1], name="a"), Fixed(data=data, rows=[1, 5, 6], name="b")
    feed = pipeline(data, a, b, budget=3).run(QUERY)
    fates = dict(zip(feed.candidates.rows.tolist(), feed.trace.fates.tolist(), strict=True))
    assert fates == {3: "shown", 1: "shown", 5: "shown", 6: "over budget"}
    assert np.isnan(feed.candidates["score"][3])
    assert feed.why(107).reason == "no room left in the budget"


@pytest.mark.parametrize(("budget", "asked"), [(2, False), (3, True)])
def test_backfill_is_asked_only_when_there_is_room(data, budget, asked):
    spare = CandidatePipeline(source=Fixed(data=data, rows=[7], name="spare"))
    feed = pipeline(data, Fixed(data=data, rows=[3, 1]), backfill=(spare,), budget=budget).run(QUERY)
    assert (7 in feed.candidates.rows) == asked
    expected = "at rank 1" if asked else "missed by spare: not asked"
    assert expected in repr(feed.why(108))


def test_sources_report_what_they_searched(data):
    table = pipeline(data, Fixed(data=data, rows=[3, 1], searched=9)).run(QUERY).trace.table()
    assert list(table.columns) == ["stage", "name", "in", "out", "removed", "ms"]
    row = table[table["stage"] == "source"].iloc[0]
    assert (row["in"], row["out"]) == (9, 2)


def test_parts_need_names_of_their_own(data):
    with pytest.raises(MimicError, match="'fixed'"):
        pipeline(data, Fixed(data=data, rows=[1]), Fixed(data=data, rows=[2]))


def test_what_is_not_wrapped_is_named_with_the_remedy(data):
    toy = pipeline(data, Fixed(data=data, rows=[1]))
    spare, double = Fixed(data=data, rows=[2], name="spare"), Returns(name="double", answer={})
    for stage in ("sources", "backfill"):
        with pytest.raises(MimicError, match=r"^spare: wrap it in CandidatePipeline\(source=…\)$"):
            replace(toy, **{stage: (*getattr(toy, stage), spare)})
    with pytest.raises(MimicError, match=r"^double: wrap it in ScoringPipeline\(scorers=\(…,\)\)$"):
        replace(toy, scoring=(*toy.scoring, double))
    wrapped = replace(toy, sources=[*toy.sources, CandidatePipeline(source=spare)])
    assert wrapped.run(QUERY).tweet_ids.tolist() == [103, 102]


@dataclass(frozen=True, kw_only=True)
class Knows:
    """A part of any kind that holds a snapshot."""

    data: Any
    name: str = "knows"

    def closed(self, query):
        return ""

    def hydrate(self, query, candidates):
        return {}

    def score(self, query, candidates):
        return {"score": np.ones(len(candidates))}

    def keep(self, query, candidates):
        return np.ones(len(candidates), bool)

    def select(self, query, candidates):
        return np.arange(len(candidates))


@pytest.mark.parametrize(
    "place",
    [
        lambda toy, part: {"gates": (part,)},
        lambda toy, part: {"sources": (replace(toy.sources[0], gates=(part,)),)},
        lambda toy, part: {"hydrators": (part,)},
        lambda toy, part: {"filters": (part,)},
        lambda toy, part: {"scoring": (ScoringPipeline(scorers=(part,)),)},
        lambda toy, part: {"post_filters": (part,)},
        lambda toy, part: {"selector": part},
        lambda toy, part: {"late_filters": (part,)},
    ],
)
def test_no_part_may_come_from_another_moment(data, place):
    toy, earlier = pipeline(data, Fixed(data=data, rows=[1])), data.as_of(data.now - 1)
    with pytest.raises(MimicError, match=r"^knows was built on another snapshot; build .* for_you\(data\)"):
        replace(toy, **place(toy, Knows(data=earlier)))
    for fitting in (data, "not a snapshot", DataLoader(data._store, data.path, data.now)):
        replace(toy, **place(toy, Knows(data=fitting))).run(QUERY)


def test_a_source_that_finds_in_another_moment_is_refused(data):
    toy, earlier = pipeline(data, Fixed(data=data, rows=[1])), data.as_of(data.now - 1)
    with pytest.raises(MimicError, match=r"^fixed was built on another snapshot"):
        replace(toy, data=earlier)
    hidden = Returns(name="hidden", answer=Candidates(data=earlier, rows=np.array([1])))
    with pytest.raises(BrokenContract, match=r"^hidden was built on another snapshot"):
        pipeline(data, hidden).run(QUERY)


# Gates and failures


def test_a_closed_gate_skips_a_source(data):
    shut = CandidatePipeline(source=Fixed(data=data, rows=[1], name="shut"), gates=(Closed(),))
    feed = pipeline(data, shut, Fixed(data=data, rows=[2])).run(QUERY)
    assert feed.candidates.rows.tolist() == [2]
    assert feed.why(102).missed["shut"] == "closed today"
    assert not feed.warnings


def test_a_closed_gate_skips_scorers(data):
    bonus = ScoringPipeline(
        scorers=(Returns(name="bonus", answer=lambda c: {"score": -c["score"]}),), gates=(Closed(),)
    )
    toy = pipeline(data, Fixed(data=data, rows=[1, 2]))
    assert toy.run(QUERY).tweet_ids.tolist() == [103, 102]
    assert replace(toy, scoring=(*toy.scoring, bonus)).run(QUERY).tweet_ids.tolist() == [103, 102]
    opened = replace(bonus, gates=(Closed(reason=""),))
    assert replace(toy, scoring=(*toy.scoring, opened)).run(QUERY).tweet_ids.tolist() == [102, 103]


def test_a_closed_gate_stops_everything(data):
    feed = pipeline(data, Fixed(data=data, rows=[1]), gates=(Closed(),)).run(QUERY)
    assert len(feed.tweet_ids) == len(feed.candidates) == 0
    assert feed.trace.steps[0].note == "closed today"
    assert len(feed.table()) == len(feed.candidates.table()) == 0
    why = feed.why(102)
    assert (why.fate, why.verdict) == ("never fetched", "never fetched: closed today")
    assert why.missed == {"fixed": "not asked: closed today"}
    assert "Never fetched: closed today." in why._repr_html_()


def test_a_failing_source_costs_its_candidates_and_not_the_feed(data):
    toy = pipeline(data, Broken(), Fixed(data=data, rows=[1]), strict=False)
    feed = toy.run(QUERY)
    assert feed.tweet_ids.tolist() == [102]
    assert feed.warnings == ("source broken failed: RuntimeError: the cable is loose",)
    assert feed.warnings[0] in repr(feed)
    step = feed.trace.steps[0]
    assert "in fetch" in step.traceback
    assert feed.why(101).missed["broken"] == "failed: RuntimeError: the cable is loose"
    with pytest.raises(RuntimeError, match="cable"):
        replace(toy, strict=True).run(QUERY)


def test_a_source_that_breaks_its_contract_fails_alone_too(data):
    twice = pipeline(
        data, Fixed(data=data, rows=[1, 1], name="twice"), Fixed(data=data, rows=[2]), strict=False
    )
    feed = twice.run(QUERY)
    assert feed.tweet_ids.tolist() == [103]
    assert "twice.fetch must return each row once" in feed.warnings[0]


# Contracts: expected, came, from whom


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([1, 2], "wrong.fetch must return Candidates, but returned list"),
        ("float", r"wrong.fetch must return whole row numbers, int\[k\], but returned float64\[1\]"),
        ("range", r"wrong.fetch must return rows in 0 … 10, but returned 99 … 99"),
        ("short", r"wrong.fetch must return 'x' of shape \(2,\), but returned int64\[1\]"),
        ("rank", r"wrong.fetch must return new columns only, but returned 'rank', which the pipeline writes"),
    ],
)
def test_sources_are_checked(data, answer, message):
    wrong = {
        "float": lambda: Candidates(data=data, rows=np.array([1.5])),
        "range": lambda: Candidates(data=data, rows=np.array([99])),
        "short": lambda: Candidates(data=data, rows=np.array([1, 2]), columns={"x": np.array([1])}),
        "rank": lambda: Candidates(data=data, rows=np.array([1]), columns={"rank": np.array([9])}),
    }
    made = wrong[answer]() if isinstance(answer, str) else answer
    with pytest.raises(BrokenContract, match=message):
        pipeline(data, Returns(name="wrong", answer=made)).run(QUERY)


@pytest.mark.parametrize(
    ("stage", "answer", "message"),
    [
        ("hydrators", np.zeros(2), "wrong.hydrate must return a mapping of columns"),
        ("hydrators", {"x": np.zeros(3)}, r"'x' of shape \(2,\), but returned float64\[3\]"),
        ("hydrators", {"fixed.rank": np.zeros(2)}, "new columns only, but returned 'fixed.rank'"),
        ("hydrators", {"fate": np.zeros(2)}, "but returned 'fate', which the pipeline writes"),
        ("hydrators", {"score": np.zeros(2)}, "but returned 'score', which the pipeline writes"),
        (
            "filters",
            np.zeros(3, bool),
            r"bool\[2\] or Verdicts\(int8\[2\], reasons\), but returned bool\[3\]",
        ),
        ("filters", np.zeros(2), r"wrong.keep must return .*, but returned float64\[2\]"),
        ("filters", Verdicts(np.zeros(2, np.int64), ()), r"Verdicts with code int64\[2\]"),
        ("filters", Verdicts(np.array([0, 2], np.int8), ("one",)), "codes in 0 … 1, but returned 0 … 2"),
        ("post_filters", np.zeros(3, bool), r"bool\[2\] or Verdicts"),
        ("late_filters", None, r"bool\[2\] or Verdicts"),
        ("scorers", {"score": np.zeros(2, int)}, r"wrong.score must return 'score' as floats"),
        ("scorers", {"score": np.zeros(1)}, r"'score' of shape \(2,\)"),
        ("selector", np.array([0, 0]), "wrong.select must return each row once"),
        ("selector", np.array([0, 2]), "rows in 0 … 1"),
        ("selector", np.array([[0, 1]]), "whole row numbers"),
    ],
)
def test_components_are_checked(data, stage, answer, message):
    wrong = Returns(name="wrong", answer=answer)
    part = wrong if stage == "selector" else (wrong,)
    parts = {"scoring": (ScoringPipeline(scorers=part),)} if stage == "scorers" else {stage: part}
    with pytest.raises(BrokenContract, match=message):
        pipeline(data, Fixed(data=data, rows=[1, 2]), **parts).run(QUERY)


def test_components_cannot_write_to_what_they_are_given(data):
    def vandal(candidates):
        candidates["fixed.rank"][0] = 0
        return {}

    with pytest.raises(ValueError, match="read-only"):
        pipeline(data, Fixed(data=data, rows=[1]), hydrators=(Returns(answer=vandal),)).run(QUERY)


@pytest.mark.parametrize("method", ["hydrate", "keep", "score", "select"])
def test_a_missing_column_lists_those_there_are_and_who_asked(data, method):
    asks = Returns(name="judge", answer=lambda c: c["beauty"])
    parts = {
        "hydrate": {"hydrators": (asks,)},
        "keep": {"filters": (asks,)},
        "score": {"scoring": (ScoringPipeline(scorers=(asks,)),)},
        "select": {"selector": asks},
    }
    with pytest.raises(UnknownColumn, match=rf"^judge\.{method}: no column 'beauty' .*fixed.rank"):
        pipeline(data, Fixed(data=data, rows=[1]), **parts[method]).run(QUERY)


# Scores, order, refill


def test_every_scorer_keeps_its_own_columns_and_later_ones_see_earlier_scores(data):
    first = Returns(
        name="first", answer=lambda c: {"score": np.array([1.0, 2.0]), "detail": np.array([7.0, 8.0])}
    )
    double = Returns(name="double", answer=lambda c: {"score": 2 * c["score"]})
    note = Returns(name="note", answer=lambda c: {"danger": np.array([0.5, 0.1])})
    scoring = (ScoringPipeline(scorers=(first, double)), ScoringPipeline(scorers=(note,)))
    candidates = pipeline(data, Fixed(data=data, rows=[1, 2]), scoring=scoring).run(QUERY).candidates
    for column, values in {
        "first.score": [1, 2],
        "first.detail": [7, 8],
        "double.score": [2, 4],
        "note.danger": [0.5, 0.1],
        "score": [2, 4],
    }.items():
        assert candidates[column].tolist() == values


def test_late_filters_are_refilled_from_below(data):
    odd = Returns(name="no odd rows", answer=lambda c: c.rows % 2 == 0)
    feed = pipeline(data, Fixed(data=data, rows=range(8)), late_filters=(odd,)).run(
        Query(user_id=MARA, size=3)
    )
    assert data.tweet_rows(feed.tweet_ids).tolist() == [6, 4, 2]
    assert feed.why(101).verdict == "not selected: ranked below place 3"
    assert feed.why(104).step == "late filter no odd rows"


def test_a_selector_may_leave_tweets_out(data):
    feed = pipeline(data, Fixed(data=data, rows=[1, 2, 3]), selector=Returns(answer=np.array([2]))).run(QUERY)
    assert feed.tweet_ids.tolist() == [104]
    assert feed.why(102).verdict == "not selected: the selector left it out"


scores_and_rows = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, 2.5, np.nan, np.inf, -np.inf]), st.integers(0, 99)),
    unique_by=lambda pair: pair[1],
    max_size=30,
)


@given(scores_and_rows, st.one_of(st.none(), st.integers(0, 40)))
def test_best_first_against_sorting(pairs, limit):
    scores, rows = np.array([s for s, _ in pairs]), np.array([r for _, r in pairs], int)
    finite = [score if np.isfinite(score) else -np.inf for score in scores]
    expected = sorted(range(len(rows)), key=lambda i: (finite[i], rows[i]), reverse=True)
    assert best_first(scores, rows, limit).tolist() == expected[:limit]


# Queries


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"user_id": "42"}, "user_id must be a whole number, got '42'"),
        ({"user_id": True}, "user_id must be"),
        ({"user_id": 4.2}, "user_id must be"),
        ({"user_id": 42, "size": 0}, "size must be 1 … 100, got 0"),
        ({"user_id": 42, "size": 101}, "got 101"),
        ({"user_id": 42, "served": 7}, "served must be a sequence"),
        ({"user_id": 42, "served": "12"}, "served must be a sequence"),
        ({"user_id": 42, "exclude": [1, "x"]}, r"exclude\[1\] must be a whole number, got 'x'"),
    ],
)
def test_queries_without_sense(fields, message):
    with pytest.raises(BadQuery, match=message):
        Query(**fields)


def test_queries_take_numpy_numbers():
    query = Query(user_id=np.int64(42), size=np.int32(5), served=np.array([1, 2]))
    assert query == Query(user_id=42, size=5, served=(1, 2))
    assert type(query.user_id) is int


def test_unknown_users_and_tweets(data):
    toy = pipeline(data, Fixed(data=data, rows=[1]))
    with pytest.raises(UnknownUser, match="5"):
        toy.run(Query(user_id=5))
    feed = toy.run(QUERY)
    for wrong in (112, 102.5, "102", None):
        with pytest.raises(UnknownTweet, match=str(wrong)):
            feed.why(wrong)


# Showing


def test_everything_has_a_plain_text(data):
    toy = pipeline(data, Fixed(data=data, rows=[1, 2]))
    feed = toy.run(QUERY)
    assert "source       fixed" in repr(toy)
    assert "2 of 2 tweets fetched" in repr(feed)
    assert "an old ride" not in repr(feed)
    assert "forty kilometres" in repr(feed)
    assert "fixed 2" in repr(feed.candidates)
    assert "merge" in repr(feed.trace)
    assert feed.trace.ms == pytest.approx(sum(step.ms for step in feed.trace.steps))


def test_notebooks_get_what_show_draws(data, monkeypatch):
    feed = pipeline(data, Fixed(data=data, rows=[1])).run(QUERY)
    drawn = {
        "feed_html": feed,
        "trace_html": feed.trace,
        "candidates_html": feed.candidates,
        "why_html": feed.why(102),
        "pipeline_html": pipeline(data),
        "data_html": data,
    }
    show = ModuleType("mimic.show")
    for name in drawn:
        setattr(show, name, lambda thing, name=name: f"<p>{name} {type(thing).__name__}</p>")
    monkeypatch.setitem(sys.modules, "mimic.show", show)
    for name, thing in drawn.items():
        assert thing._repr_html_() == f"<p>{name} {type(thing).__name__}</p>"

"""What shows itself in a notebook: complete, escaped, in words as well as in colours, and comparable."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

import numpy as np
import pytest
from bs4 import BeautifulSoup
from notebook_outputs import Tolerance, reconcile
from worlds import BEN, GUS, MARA, first_product, random_world, village, village_tables, write_dataset

from mimic import DataLoader, Query
from mimic.cards import age_words, avatar, cards, profile
from mimic.palette import look_of, words_of

VOID = {"br", "img", "hr", "input", "link", "meta"}


class Balance(HTMLParser):
    """Notes every element that is closed where another one should be."""

    def __init__(self):
        super().__init__()
        self.open, self.faults = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)


def balanced(html):
    parser = Balance()
    parser.feed(html)
    return not parser.open and not parser.faults


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    sizes = {"users": 90, "tweets": 9000, "follows": 2200, "impressions": 30_000}
    data = DataLoader.open(random_world(tmp_path_factory.mktemp("show"), seed=2, **sizes))
    return dataclasses.replace(first_product(data), budget=150)


@pytest.fixture(scope="module")
def feed(product):
    return product.run(Query(user_id=MARA, size=12))


def everything(product, feed):
    fates = feed.candidates["fate"]
    tweets = [feed.candidates.tweet_ids[np.flatnonzero(fates == fate)[0]] for fate in np.unique(fates)]
    oldest = int(feed.data.tweets["tweet_id"][0])
    stories = [feed.why(int(tweet)) for tweet in (*tweets, oldest)]
    return [feed, feed.trace, feed.candidates, product, feed.data, *stories, cards(feed.data, tweets)]


def test_everything_shows_itself_without_script_style_class_or_network(product, feed):
    shown = everything(product, feed)
    assert {story.fate for story in shown[5:-1]} == set(feed.candidates["fate"]) | {"never fetched"}
    for thing in shown:
        html = thing._repr_html_()
        assert balanced(html), type(thing)
        page = BeautifulSoup(html, "html.parser")
        assert page.get_text(strip=True)
        assert not page.select("script, style, link, [class], [id], [src], [href], [onclick]"), type(thing)
        assert "nan" not in page.get_text().lower().split()


def test_a_product_lists_its_parts_in_order_of_work_its_gates_too(product):
    [table] = BeautifulSoup(product._repr_html_(), "html.parser").select("table")
    rows = [[cell.get_text(strip=True) for cell in row.select("td, th")] for row in table.select("tr")][1:]
    assert [row[1] for row in rows] == [type(part).__name__ for _, part in product.parts()]
    assert [row[0] for row in rows[:6]] == ["gate", "source", "gate", "source", "", "backfill"]
    assert len(rows) == len(product.components()) == len(repr(product).splitlines()) - 2
    assert [name for stage, name in product.components() if stage == "gate"] == ["FollowsSomeone"] * 2


def test_two_runs_of_a_request_compare_equal_in_a_notebook(product, feed):
    again = product.run(feed.query)
    for one, other in ((feed, again), (feed.trace, again.trace)):
        new, reference = reconcile(one._repr_html_(), other._repr_html_(), Tolerance(), html=True)
        assert new == reference
        assert "□" in new, "the times are masked"


def test_a_feed_is_cards_in_order_with_words_for_every_colour(feed):
    page = BeautifulSoup(feed._repr_html_(), "html.parser")
    found, table = page.select("article"), feed.table()
    assert len(found) == len(table) == 12
    for card, row in zip(found, table.to_dict("records"), strict=True):
        said = card.get_text(" ", strip=True)
        assert card.select_one(f"[lang={row['lang']}][dir=auto]").get_text() == row["text"]
        assert look_of(row["sources"]).word in said
        assert look_of(row["sources"]).colour in card["style"]
        assert f"@{row['author_handle']}" in said
        assert row["context"] in said
        assert f"score {row['score']:.3g}" in said
        assert card.select_one("details > summary").get_text() == "why"


def test_the_trace_says_what_left_and_why(feed):
    said = BeautifulSoup(feed.trace._repr_html_(), "html.parser").get_text(" ", strip=True)
    removals = feed.trace.removals().query("fate != 'shown'")
    assert len(removals) >= 3
    for row in removals.to_dict("records"):
        assert f"{row['count']:,} {row['reason']}" in said


def test_a_story_says_how_it_ended_and_what_each_source_says(feed):
    for tweet in feed.candidates.tweet_ids[:200:20]:
        why = feed.why(int(tweet))
        said = BeautifulSoup(why._repr_html_(), "html.parser").get_text(" ", strip=True)
        assert why.text in said
        assert all(reason in said for reason in why.missed.values())
        assert all(f"found it, at rank {rank}" in said for rank in why.found.values())
        assert f"Shown at place {why.rank}." in said if why.rank else why.reason in said


def test_what_people_write_is_only_text(tmp_path):
    tables = village_tables()
    evil = '<script>alert("&")</script><b>'
    tables["tweets"]["text"] = [evil] * 12
    tables["users"]["name"] = [f"{evil}{i}" for i in range(8)]
    tables["users"]["bio"] = [evil] * 8
    data = DataLoader.open(write_dataset(tmp_path / "evil", tables))
    feed = first_product(data).run(Query(user_id=MARA))
    for thing in (feed, feed.why(102), cards(data, [102]), profile(data, BEN)):
        page = BeautifulSoup(thing._repr_html_(), "html.parser")
        assert not page.select("script")
        assert evil in page.get_text()


def test_a_reply_names_whom_it_answers(tmp_path):
    tables = village_tables()
    tables["tweets"]["reply_to"] = [None] * 8 + [102] + [None] * 3
    data = DataLoader.open(write_dataset(tmp_path / "replies", tables))
    assert "replying to @ben" in cards(data, [109])._repr_html_()
    assert "replying to" not in cards(data, [110])._repr_html_()


def test_an_empty_feed_says_so(tmp_path):
    data = DataLoader.open(village(tmp_path))
    feed = first_product(data, sources=[], backfill=[]).run(Query(user_id=GUS))
    assert "The feed is empty" in feed._repr_html_()
    assert balanced(feed.trace._repr_html_() + feed.candidates._repr_html_())


class Broken:
    name = "broken"

    def fetch(self, query):
        raise RuntimeError("no index <today>")

    def explain(self, query, tweet_id):
        return "it is broken"


def test_a_failed_source_stands_above_the_feed(tmp_path):
    data = DataLoader.open(village(tmp_path))
    html = first_product(data, sources=[Broken()]).run(Query(user_id=MARA))._repr_html_()
    assert "broken failed: RuntimeError: no index &lt;today&gt;" in html


def test_a_profile_is_of_the_moment(tmp_path):
    data = DataLoader.open(village(tmp_path))
    assert "follows 2 · 1 followers" in profile(data, MARA).words
    later = data.as_of(data.manifest.end)
    assert "follows 3 · 1 followers" in profile(later, MARA).words


def test_faces_differ_and_stay():
    faces = {avatar(user) for user in range(1, 400)}
    assert len(faces) > 390
    assert avatar(42) == avatar(42)
    assert "aria-hidden" in avatar(42)
    assert not BeautifulSoup(avatar(2**53), "html.parser").get_text()


@pytest.mark.parametrize(
    ("hours", "words"),
    [(0.001, "1 min"), (0.4, "24 min"), (1.0, "1 h"), (23.4, "23 h"), (47.0, "47 h"), (60.0, "2 days")],
)
def test_ages_are_written_as_people_write_them(hours, words):
    assert age_words(hours) == words


def test_every_source_has_a_look_and_several_have_one_of_their_own():
    looks = [
        look_of(name) for name in ("in_network", "graph", "out_of_network", "popular", "my_own", "a + b")
    ]
    for part in ("colour", "edge", "marker", "hatch"):
        assert len({getattr(look, part) for look in looks}) == len(looks), part
    assert words_of("in_network + graph + my_own") == "in-network, graph and my own"

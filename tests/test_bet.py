"""The bet: which tweets are laid on the table, who would choose which, and what the page says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from make_bet import MARA, OUT, fragment
from notebook_outputs import Tolerance, reconcile
from worlds import first_product, random_world

from mimic import DataLoader, MimicError, Query
from mimic.course.bet import CHOSEN, SHOWN, bet_html, choose_tweets, make_bet
from prep import Oracle


@pytest.fixture(scope="module")
def feed(tmp_path_factory):
    sizes = {"users": 150, "tweets": 9000, "follows": 3000, "impressions": 20_000}
    data = DataLoader.open(random_world(tmp_path_factory.mktemp("bet"), seed=4, **sizes))
    return first_product(data).run(Query(user_id=MARA))


@pytest.fixture(scope="module")
def best(feed):
    """Stands in for the truth: the newest tweets of everybody."""
    return feed.data.tweets["tweet_id"][-300:][::-1]


@pytest.fixture(scope="module")
def bet(feed, best):
    tweets = choose_tweets(feed, best)
    return make_bet(feed, tweets, np.linspace(-0.1, 0.4, SHOWN))


def test_twelve_tweets_fit_the_rule(feed, best, bet):
    data, rows = feed.data, feed.data.tweet_rows(bet.tweet_ids)
    assert len(set(bet.tweet_ids.tolist())) == SHOWN
    assert len(set(data.tweets["author"][rows].tolist())) == SHOWN
    assert set(data.tweets["lang"][rows]) == {data.users["lang"][data.user_row(MARA)]}
    assert np.isin(bet.tweet_ids, best).sum() >= SHOWN // 3
    assert np.isin(bet.tweet_ids, feed.candidates.tweet_ids).sum() >= 2 * SHOWN // 3
    assert np.array_equal(choose_tweets(feed, best), bet.tweet_ids)


def test_what_is_to_be_avoided_is_not_on_the_table(feed, best, bet):
    avoided = bet.tweet_ids[:3]
    assert not np.isin(avoided, choose_tweets(feed, best, avoided)).any()


def test_too_few_tweets_are_refused(feed, best):
    with pytest.raises(MimicError, match="of 12 tweets fit"):
        choose_tweets(feed, best[:2])


def test_everybody_chooses_by_their_own_measure(bet):
    assert set(bet.tweet_ids[bet.newest]) == set(np.sort(bet.tweet_ids)[-CHOSEN:])
    assert bet.truth.tolist() == list(range(SHOWN - CHOSEN, SHOWN))
    known = np.flatnonzero(~np.isnan(bet.scores))
    assert set(bet.machine) == set(known[np.argsort(bet.scores[known])[-CHOSEN:]])
    assert bet.share(bet.truth) == pytest.approx(1.0)
    assert bet.share(np.arange(CHOSEN)) < bet.blind < 1


def test_worthless_tweets_make_no_bet(feed, bet):
    with pytest.raises(MimicError, match="some worth"):
        make_bet(feed, bet.tweet_ids, np.full(SHOWN, -0.1))
    with pytest.raises(MimicError, match="value for each"):
        make_bet(feed, bet.tweet_ids, np.ones(3))


def test_the_page_says_the_answer_and_escapes_what_people_write(bet):
    page = BeautifulSoup(bet_html(bet), "html.parser")
    boxes = page.select(".bet-cards > li > input[type=checkbox]")
    assert [float(box["data-value"]) for box in boxes] == pytest.approx(bet.values, abs=1e-6)
    assert all(page.select_one(f"label[for={box['id']}]").get_text(strip=True) for box in boxes)
    for name, places in (("newest", bet.newest), ("machine", bet.machine), ("truth", bet.truth)):
        marked = [place for place, box in enumerate(boxes) if box.parent.select(f".bet-badge.bet-{name}")]
        assert marked == places.tolist()
        row = page.select_one(f".bet-row.bet-{name} .bet-percent").get_text()
        assert row == f"{100 * bet.share(places):.0f} %"
    texts = bet.data.text(bet.data.tweet_rows(bet.tweet_ids))
    assert [span.get_text() for span in page.select(".bet-text")] == texts


@pytest.mark.course
def test_the_committed_bet_is_that_of_the_data_set(course):
    new = fragment(DataLoader.open(course), Oracle.open(course), MARA)
    made, committed = reconcile(new, Path(OUT).read_text(encoding="utf-8"), Tolerance(atol=1e-5), html=True)
    assert made == committed, "make it anew: python scripts/make_bet.py"

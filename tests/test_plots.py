"""Figures: nothing is lost in the funnel, numbers land where they belong, and both themes can read it."""

from __future__ import annotations

import base64
import dataclasses
import io

import IPython.display
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from PIL import Image
from worlds import GUS, MARA, first_product, random_world, village

from mimic import DataLoader, MimicError, Query, plots
from mimic.palette import INK
from mimic.plots.flow import STAGES, TYPICAL, flow_of
from mimic.plots.stream import SPANS, Stream

ALT = "Bars, how many of each, and the first is the largest."


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    sizes = {"users": 90, "tweets": 9000, "follows": 2200, "impressions": 30_000}
    return DataLoader.open(random_world(tmp_path_factory.mktemp("plots"), seed=2, **sizes))


@pytest.fixture(scope="module")
def feed(data):
    return dataclasses.replace(first_product(data), budget=150).run(Query(user_id=MARA, size=12))


# ---------------------------------------------------------------- the funnel


@pytest.mark.parametrize("budget", [1, 20, 150, 500])
@pytest.mark.parametrize("user", range(3))
def test_the_flow_loses_nothing(data, budget, user):
    product = dataclasses.replace(first_product(data), budget=budget)
    feed = product.run(Query(user_id=int(data.users["user_id"][user])))
    flow = flow_of(feed)
    dropped = sum(drop.counts for drop in flow.drops)
    shown = np.bincount(flow.shown, minlength=len(flow.bands))
    assert np.array_equal(flow.fetched - dropped, shown)
    assert flow.fetched.sum() == len(feed.candidates)
    assert flow.left_after("feed") == len(feed.tweet_ids)
    assert flow.left_after("budget") == min(budget, len(feed.candidates))
    assert sum(flow.ms.values()) == pytest.approx(feed.trace.ms)


def test_bands_are_who_found_it(feed):
    flow, sources = flow_of(feed), np.array(feed.candidates.sources)
    words = dict(zip([look.word for look in flow.bands], flow.fetched.tolist(), strict=True))
    assert words["in-network"] == (sources == "in_network").sum()
    assert words["several"] == sum(" + " in name for name in sources)


@pytest.mark.parametrize("flow_from", ["feed", "typical"])
def test_the_stream_narrows_and_its_bands_never_cross(feed, flow_from):
    flow = flow_of(feed) if flow_from == "feed" else TYPICAL
    stream = Stream(flow, middle=180.0, decade=58.0, gap=13.0)
    assert np.all(stream.lower >= stream.upper)
    assert np.all(stream.upper[:, 1:] >= stream.lower[:, :-1] - 1e-9)
    heights = (stream.lower - stream.upper).sum(axis=1)
    assert np.all(np.diff(heights) <= 1e-9)
    assert heights[0] == pytest.approx(float(stream.height_of(int(flow.fetched.sum()))))
    assert heights[-1] == pytest.approx(float(stream.height_of(len(flow.shown))))
    for place, drop in zip(stream.places, flow.drops, strict=True):
        assert SPANS[drop.stage][0] < place < SPANS[drop.stage][1]


def test_the_funnel_says_each_count_and_reason(feed):
    drawn = plots.funnel(feed)
    words = [text.get_text() for text in drawn.axes[0].texts]
    for row in feed.trace.removals().query("fate != 'shown'").to_dict("records"):
        assert f"{row['count']:,}" in words
        assert row["reason"] in words
    assert any(word.endswith(" ms") for word in words)


def test_an_empty_request_has_a_funnel_too(tmp_path):
    data = DataLoader.open(village(tmp_path))
    feed = first_product(data, sources=[], backfill=[]).run(Query(user_id=GUS))
    assert plots.picture(plots.funnel(feed))[1] == 700


def test_the_strip_lights_what_is_asked():
    def bold(*stages):
        return [
            text.get_text()
            for text in plots.strip_figure(*stages).axes[0].texts
            if text.get_weight() == "bold"
        ]

    assert bold("sources") == ["sources"]
    assert bold("tweets", "feed") == ["tweets", "feed"]
    assert bold() == list(STAGES)
    with pytest.raises(MimicError, match="no stage 'love'"):
        plots.strip_figure("love")


# ---------------------------------------------------------------- showing


@pytest.fixture
def displayed(monkeypatch):
    calls = []
    monkeypatch.setattr(IPython.display, "display", lambda *args, **options: calls.append((args[0], options)))
    return calls


def test_show_keeps_the_alternative_text_and_the_size(displayed):
    drawn, axes = plots.figure(height=300)
    axes.bar([0, 1], [2, 1])
    plots.show(drawn, title=None, alt=f"  {ALT}\n ")
    ((bundle, options),) = displayed
    assert options["metadata"] == {"image/png": {"alt": ALT, "width": plots.WIDTH}}
    assert bundle["text/plain"] == f"Figure: {ALT}"
    picture = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert picture.size == (2 * plots.WIDTH, 600)


def test_a_title_stands_above_the_figure_and_inside_its_width(displayed):
    pictures = []
    for title in (None, "W" + "i" * 40, "W" * 41):
        drawn, axes = plots.figure(height=300, width=660)
        axes.bar([0, 1], [2, 1])
        plots.show(drawn, title=title, alt=ALT)
        bundle, options = displayed[-1]
        assert options["metadata"]["image/png"].get("title") == title
        picture = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).convert("RGBA")
        pictures.append(np.asarray(picture)[..., 3])
    plain, short, long = pictures
    above = short.shape[0] - plain.shape[0]
    assert above > 40
    assert (short[above:] > 0).mean() == pytest.approx((plain > 0).mean(), rel=0.01)
    for headline in (short[:above], long[:above]):
        assert headline.any()
        assert not headline[:, -8:].any(), "cut off at the right"


@pytest.mark.parametrize("title", ["", "W" * 73])
def test_a_title_has_one_line(displayed, title):
    drawn, _ = plots.figure()
    with pytest.raises(MimicError, match="1 to 72"):
        plots.show(drawn, title=title, alt=ALT)
    assert not displayed


def test_a_figure_of_pyplot_is_shown_once(displayed):
    drawn, axes = plt.subplots()
    axes.plot([0, 1])
    plots.show(drawn, title="A line", alt=ALT)
    assert not plt.get_fignums()


@pytest.mark.parametrize("alt", ["", "A chart.", "   " * 20])
def test_a_figure_without_words_is_refused(displayed, alt):
    drawn, _ = plots.figure()
    with pytest.raises(MimicError, match="finding"):
        plots.show(drawn, title="A chart", alt=alt)
    assert not displayed


def luminance(colour):
    parts = np.asarray(colour) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [
        0.2126,
        0.7152,
        0.0722,
    ]


@pytest.mark.parametrize("page", [(253, 252, 250), (21, 24, 29)], ids=["light", "dark"])
def test_the_ink_reads_on_both_pages(page):
    ink = luminance([int(INK[i : i + 2], 16) for i in (1, 3, 5)])
    bright, dark = max(ink, luminance(page)), min(ink, luminance(page))
    assert (bright + 0.05) / (dark + 0.05) > 4


def charts(feed):
    counts = np.arange(200) ** 2 % 97
    table = pd.DataFrame({"published": [1.0, np.nan], "measured": [2.0, 3.0]}, index=["a", "b"])
    climb = pd.DataFrame(
        {"value": [2.0, 3], "low": [1.0, 2], "high": [3.0, 4], "Mara": [1.0, 5]}, index=["x", "y"]
    )
    return {
        "ccdf": plots.ccdf({"a": counts, "b": counts * 2}, xlabel="n", exponent=2.3, source="1999"),
        "hours": plots.by_hour({"tweets": np.arange(24)}),
        "languages": plots.by_hour({"en": np.arange(24), "ja": np.arange(24)[::-1]}),
        "decay": plots.decay({"views": counts / 3}, published={"paper": 1.3}),
        "published": plots.beside_published(table, xlabel="per 100", scale="log"),
        "climb": plots.intervals(climb, xlabel="% of the best", best=100, mark="Mara", lit=["y"]),
        "lorenz": plots.lorenz({"a": counts}, xlabel="accounts", ylabel="followers"),
        "funnel": plots.funnel(feed),
        "strip": plots.strip_figure("scores"),
    }


def test_all_figures_are_transparent_small_and_not_too_wide(feed):
    for name, drawn in charts(feed).items():
        png, width = plots.picture(drawn)
        assert width <= 700, name
        assert len(png) < 60_000, name
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))
        opacity = pixels[..., 3] / 255
        border = np.concatenate([opacity[0], opacity[-1], opacity[:, 0], opacity[:, -1]])
        assert border.mean() < 0.05, name
        grey = (opacity > 0.95) & (np.ptp(pixels[..., :3].astype(int), axis=-1) < 24)
        assert grey.any(), f"neither text nor axes: {name}"


# ---------------------------------------------------------------- numbers


def lines(drawn, number=0):
    return drawn.axes[0].lines[number].get_xydata()


def test_ccdf_counts_zeros_in_the_share_but_cannot_show_them():
    drawn = plots.ccdf({"followers": [0, 1, 1, 4]}, xlabel="followers")
    assert lines(drawn).tolist() == [[1, 0.75], [4, 0.25]]


def test_the_published_exponent_is_a_slope():
    drawn = plots.ccdf({"a": np.arange(1, 5000)}, xlabel="n", exponent=2.28)
    (x0, y0), (x1, y1) = lines(drawn, 1)
    assert np.log(y1 / y0) / np.log(x1 / x0) == pytest.approx(1 - 2.28)


def test_hours_are_shares_of_a_day():
    drawn = plots.by_hour({"tweets": np.arange(24)})
    assert sum(bar.get_height() for bar in drawn.axes[0].patches) == pytest.approx(1)
    with pytest.raises(MimicError, match="24 numbers"):
        plots.by_hour({"tweets": np.ones(23)})


def test_the_half_life_is_the_median_age():
    ages = np.arange(1001) / 100
    drawn = plots.decay({"views": ages})
    names = [line.get_label() for line in drawn.axes[0].lines]
    assert "views: half after 5 hours" in names


def test_lorenz_knows_gini():
    drawn = plots.lorenz({"equal": np.ones(50), "one has all": np.eye(1, 200)[0]}, xlabel="x", ylabel="y")
    names = [line.get_label() for line in drawn.axes[0].lines]
    assert "equal: Gini 0.00" in names
    assert "one has all: Gini 0.99" in names or "one has all: Gini 1.00" in names


def test_what_is_compared_with_has_the_name_that_it_deserves():
    table = pd.DataFrame({"published": [1.0], "measured": [2.0]}, index=["a"])
    for given, name in ({}, "published"), ({"published": "an estimate"}, "an estimate"):
        drawn = plots.beside_published(table, xlabel="per 100", **given)
        assert [text.get_text() for text in drawn.axes[0].get_legend().get_texts()] == [name, "measured here"]


def test_charts_say_what_they_need():
    table = pd.DataFrame({"value": [1.0], "low": [0.5]})
    with pytest.raises(MimicError, match="'high'"):
        plots.intervals(table, xlabel="x")
    with pytest.raises(MimicError, match="told apart"):
        plots.lorenz({str(number): [1, 2] for number in range(7)}, xlabel="x", ylabel="y")

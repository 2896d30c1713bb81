"""Figures of chapter 7: what is drawn stands where it belongs, and what cannot be drawn is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mimic import MimicError
from mimic.plots.embedding import clouds, lines, loss_curves, translations


def test_people_tweets_and_moves_stand_where_they_should():
    people = {"mara": (0.0, 0.0), "ben": (2.0, 2.0), "eve": (2.01, 2.01)}
    drawn = translations(people, {"101": (1.0, 3.0)}, [("mara", "likes", (1.0, 1.5))])
    axes = drawn.axes[0]
    words = {text.get_text() for text in axes.texts}
    assert {"mara", "ben, eve", "101", "likes"} <= words
    moved = [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "^"]
    assert moved == [[[1.0, 1.5]]]


def test_a_cloud_has_a_panel_for_each_projection_and_a_colour_for_each_kind():
    rng = np.random.default_rng(0)
    panels = {name: (rng.normal(size=(30, 2)), rng.integers(0, 3, 30)) for name in ("PCA", "t-SNE", "both")}
    drawn = clouds(panels, ["a", "b", "c"], {"PCA": ("Mara", (0.5, 0.5))})
    assert [axes.get_title(loc="left") for axes in drawn.axes] == ["PCA", "t-SNE", "both"]
    first = [line for line in drawn.axes[1].lines if len(line.get_xdata())]
    assert sum(len(line.get_xdata()) for line in first) == 30
    assert len({line.get_marker() for line in first}) == 3
    assert [text.get_text() for text in drawn.axes[0].texts] == ["Mara"]
    with pytest.raises(MimicError, match="told apart"):
        clouds(panels, list("abcdefg"))


def test_losses_are_means_of_neighbouring_steps():
    drawn = loss_curves({"one": np.arange(100.0), "short": [3.0, 1.0]}, guess=7.0, ylabel="loss")
    one, short, guess = drawn.axes[0].lines
    assert one.get_ydata()[:2].tolist() == [0.5, 2.5]
    assert len(one.get_ydata()) == 50
    assert short.get_ydata().tolist() == [3.0, 1.0]
    assert set(guess.get_ydata()) == {7.0}


def test_lines_are_the_columns():
    table = pd.DataFrame({"up": [1.0, 2.0, 4.0], "down": [3.0, 2.0, 0.5]}, index=[0, 1, 24])
    axes = lines(table, xlabel="x", ylabel="y").axes[0]
    assert axes.lines[0].get_xdata().tolist() == [0, 1, 24]
    assert axes.lines[1].get_ydata().tolist() == [3.0, 2.0, 0.5]
    even = lines(table, xlabel="x", ylabel="y", even=True).axes[0]
    assert even.lines[0].get_xdata().tolist() == [0, 1, 2]
    assert [tick.get_text() for tick in even.get_xticklabels()] == ["0", "1", "24"]
    with pytest.raises(MimicError, match="told apart"):
        lines(pd.DataFrame(np.zeros((2, 7))), xlabel="x", ylabel="y")

"""Figures of chapter 3: what is drawn stands where it belongs, and what cannot be drawn is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mimic import MimicError
from mimic.csr import CSR
from mimic.palette import INK, WARNING
from mimic.plots.adjacency import csr_figure
from mimic.plots.logged import by_position, praise_and_truth


def table_of(**dots) -> pd.DataFrame:
    rows = {
        name: {"recall": x, "recall_low": x - 3, "recall_high": x + 3}
        | {"coverage": y, "coverage_low": y - 2, "coverage_high": y + 2}
        for name, (x, y) in dots.items()
    }
    return pd.DataFrame(rows).T


def test_dots_stand_where_the_table_says():
    drawn = praise_and_truth(table_of(a=(30, 10), flatterer=(90, 40), truth=(80, 100)), lit=["flatterer"])
    dots = {
        tuple(float(v[0]) for v in line.get_data()): line.get_color()
        for line in drawn.axes[0].lines
        if line.get_marker() not in ("None", None, "")
    }
    assert set(dots) == {(30, 10), (90, 40), (80, 100)}
    assert dots[90, 40] == WARNING
    assert {text.get_text() for text in drawn.axes[0].texts} == {"a", "flatterer", "truth"}


def test_names_do_not_lie_upon_each_other():
    drawn = praise_and_truth(table_of(**{f"method {i}": (40 + i, 30 + 5 * i) for i in range(4)}))
    drawn.canvas.draw()
    boxes = [text.get_window_extent() for text in drawn.axes[0].texts]
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
    assert not [1 for a, b in pairs if a.overlaps(b)]


def test_the_truth_is_hollow():
    drawn = praise_and_truth(table_of(truth=(80, 100)), best="truth")
    (dot,) = [line for line in drawn.axes[0].lines if line.get_marker() == "D"]
    assert (dot.get_markerfacecolor(), dot.get_color()) == ("none", INK)


def test_a_table_without_intervals_is_refused():
    with pytest.raises(MimicError, match="coverage_low"):
        praise_and_truth(table_of(a=(1, 2)).drop(columns="coverage_low"))


def test_rates_by_position():
    rates = {"ordered": [0.2, 0.1, 0.05], "shuffled": [0.1, 0.09, 0.08]}
    drawn = by_position(rates, [0.1, 0.09, 0.08], ylabel="liked", spreads={"shuffled": [0.01] * 3})
    lines = {line.get_label(): line.get_ydata() for line in drawn.axes[0].lines}
    assert lines["ordered"].tolist() == rates["ordered"]
    band = drawn.axes[0].collections[0].get_datalim(drawn.axes[0].transData)
    assert (band.y0, band.y1) == (pytest.approx(0.07), pytest.approx(0.11))
    with pytest.raises(MimicError, match="as long as"):
        by_position(rates, [0.1], ylabel="liked")
    with pytest.raises(MimicError, match="one or two"):
        by_position({}, [0.1], ylabel="liked")


def test_a_graph_as_two_arrays():
    graph = CSR(np.array([0, 2, 2, 3]), np.array([1, 2, 0]))
    drawn = csr_figure(graph, ["ada", "bo", "cy"], lit=0)
    words = [text.get_text() for text in drawn.axes[0].texts]
    assert words.count("ada") == words.count("bo") == words.count("cy") == 2  # once a node, once a value
    assert sorted(word for word in words if word.isdigit()) == sorted("0223" + "120")
    lit = [patch for patch in drawn.axes[0].patches if patch.get_facecolor()[3] > 0]
    assert len(lit) == 4  # two starts, two values


def test_a_graph_that_cannot_be_read_is_not_drawn():
    with pytest.raises(MimicError, match="16"):
        csr_figure(CSR(np.zeros(30, np.int64), np.zeros(0, np.int64)), ["x"] * 29)
    with pytest.raises(MimicError, match="name"):
        csr_figure(CSR(np.zeros(3, np.int64), np.zeros(0, np.int64)), ["x"])

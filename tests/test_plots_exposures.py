"""The figure of chapter 4: lines over groups, named at their ends, and what cannot be drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mimic import MimicError
from mimic.plots.exposures import by_exposure

TABLE = pd.DataFrame(
    {"n": [350_003, 9_263, 12], "a": [0.1, 0.2, 0.3], "b": [np.nan, 0.25, 0.3], "c": [np.nan] * 3},
    index=["0", "1 to 2", "3 or more"],
)


def test_lines_hold_the_numbers_and_their_names():
    drawn = by_exposure(TABLE, ["a", "b"], ylabel="agreement", xlabel="shown")
    axes = drawn.axes[0]
    lines = [line.get_ydata() for line in axes.lines if line.get_marker() not in ("None", None, "")]
    np.testing.assert_allclose(lines, [TABLE["a"], TABLE["b"]])
    assert [text.get_text() for text in axes.texts] == ["a", "b"]
    ticks = [tick.get_text() for tick in axes.get_xticklabels()]
    assert ticks == ["0\nn = 350 k", "1 to 2\nn = 9.3 k", "3 or more\nn = 12"]


def test_names_of_lines_that_end_together_do_not_touch():
    drawn = by_exposure(TABLE, ["a", "b", "c"], ylabel="agreement", xlabel="shown")
    drawn.canvas.draw()
    boxes = [text.get_window_extent() for text in drawn.axes[0].texts]
    assert not [1 for i, one in enumerate(boxes) for other in boxes[i + 1 :] if one.overlaps(other)]


@pytest.mark.parametrize(("scores", "words"), [(["d"], "'d'"), ([], "one to 4"), (["a"] * 5, "one to 4")])
def test_what_cannot_be_drawn_is_refused(scores, words):
    with pytest.raises(MimicError, match=words):
        by_exposure(TABLE, scores, ylabel="agreement", xlabel="shown")

"""Figures of the notebooks: transparent, readable in both themes, and large enough on a phone."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

from .conftest import SITE, Mode, Visit, site_pages

FIGURE = "figure-of-cell"
WITH_FIGURE = [path for path in site_pages() if FIGURE in (SITE / path).read_text(encoding="utf-8")]
LEAST_CONTRAST = 3.0
"""WCAG's bound for graphics and large text."""

DRAWN = f"""() => [...document.querySelectorAll("img.{FIGURE}")].map(image => ({{
    source: image.src, width: image.getBoundingClientRect().width, alt: image.alt }}))"""
BACKGROUND = "() => getComputedStyle(document.body).backgroundColor"


def luminance(colours: np.ndarray) -> np.ndarray:
    """Relative luminance of sRGB colours, shape (..., 3) in 0–255, after WCAG."""
    parts = colours / 255.0
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(colours: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Contrast ratio of each colour against the background."""
    ours, theirs = luminance(colours), luminance(background)
    return (np.maximum(ours, theirs) + 0.05) / (np.minimum(ours, theirs) + 0.05)


@pytest.mark.parametrize("mode", [Mode(1440, "light"), Mode(1440, "dark")], ids=str)
@pytest.mark.parametrize("path", WITH_FIGURE)
def test_figures_are_readable_in_both_themes(path: str, mode: Mode, visit: Visit) -> None:
    visit.go(path)
    background = np.array([int(part) for part in re.findall(r"\d+", visit.page.evaluate(BACKGROUND))[:3]])
    for figure in visit.page.evaluate(DRAWN):
        answer = visit.context.request.get(figure["source"])
        pixels = np.asarray(Image.open(io.BytesIO(answer.body())).convert("RGBA")).astype(float)
        colours, opacity = pixels[..., :3], pixels[..., 3] / 255
        border = np.concatenate([opacity[0], opacity[-1], opacity[:, 0], opacity[:, -1]])
        assert np.mean(border) < 0.05, f"no transparent background: {figure['alt']}"
        # Text and axes are the grey ink; coloured areas are told apart by labels and hatches.
        grey = (opacity > 0.95) & (np.ptp(colours, axis=-1) < 24)
        assert grey.any(), f"neither text nor axes: {figure['alt']}"
        legible = contrast(colours[grey], background) >= LEAST_CONTRAST
        assert np.mean(legible) > 0.5, f"grey ink fades into the {mode.scheme} page: {figure['alt']}"
        assert figure["width"] <= 700, f"wider than the column: {figure['alt']}"


@pytest.mark.parametrize("mode", [Mode(390, "light")], ids=str)
@pytest.mark.parametrize("path", WITH_FIGURE)
def test_figures_keep_a_readable_size_on_a_phone(path: str, mode: Mode, visit: Visit) -> None:
    visit.go(path)
    for figure in visit.page.evaluate(DRAWN):
        assert figure["width"] >= 330, f"{figure['width']:.0f} px at {mode.width}: {figure['alt']}"

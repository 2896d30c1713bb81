"""One style for all figures of the course, and the one way to show them.

Figures are transparent and drawn in a grey that reads on a light and on a dark page, at twice the
pixels that they take on the page, with one size of letters throughout.
"""

from __future__ import annotations

import io
from base64 import b64encode
from functools import cache
from importlib.resources import as_file, files
from typing import Final

import seaborn as sns
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from mimic.errors import MimicError
from mimic.palette import INK

__all__ = ["LEAST_ALT", "MOST_TITLE", "WIDTH", "draw_truth", "figure", "picture", "show", "use_style"]

WIDTH: Final = 660
"""Width of a figure on the page, CSS pixels; at most 700, so that a phone need not shrink it much."""
LEAST_ALT: Final = 20
"""Characters that an alternative text has at least."""
MOST_TITLE: Final = 72
"""Characters of a title that fit above the narrowest figure in one line."""

_PIXELS_PER_INCH: Final = 100
_RESOLUTION: Final = 2
_HEADLINE: Final = 34
"""Height of a title with the air around it, CSS pixels."""
_LETTERS: Final = 10.8
"""Size of all letters, points: 15 CSS pixels."""


@cache
def _register_font() -> None:
    """Tell matplotlib about the font of the course, the one that the book is set in."""
    for name in ("MimicSans-Regular.ttf", "MimicSans-SemiBold.ttf"):
        with as_file(files("mimic.plots") / "fonts" / name) as path:
            font_manager.fontManager.addfont(path)


def use_style() -> None:
    """Make the course's style the default of matplotlib. `figure` does so by itself."""
    _register_font()
    sizes = dict.fromkeys(
        ("font.size", "axes.labelsize", "axes.titlesize", "xtick.labelsize", "ytick.labelsize"), _LETTERS
    )
    inks = dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    )
    clear = dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "none")
    sns.set_theme(
        style="ticks",
        rc={
            **sizes,
            **inks,
            **clear,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "figure.dpi": _PIXELS_PER_INCH * _RESOLUTION,
            "font.family": ["Mimic Sans", "DejaVu Sans"],
            "grid.color": f"{INK}40",
            "hatch.linewidth": 1.1,
            "legend.fontsize": _LETTERS,
            "legend.frameon": False,
            "legend.title_fontsize": _LETTERS,
            "lines.linewidth": 2.2,
            "patch.edgecolor": "none",
            "patch.force_edgecolor": False,
        },
    )


def figure(*, height: int = 330, width: int = WIDTH) -> tuple[Figure, Axes]:
    """A new figure in the course's style with one set of axes.

    It belongs to no window and no notebook: nothing is displayed before `show`.

    Args:
        height: on the page, CSS pixels.
        width: on the page, CSS pixels, at most 700.
    """
    use_style()
    new = Figure(figsize=(width / _PIXELS_PER_INCH, height / _PIXELS_PER_INCH), layout="constrained")
    FigureCanvasAgg(new)
    return new, new.add_subplot()


def show(drawn: Figure, *, title: str | None, alt: str) -> None:
    """Display a figure under its title, with the text that takes its place for those who cannot see it.

    Args:
        drawn: the figure. It is closed, so that a notebook does not display it a second time.
        title: what is shown, of whom, in one line of at most `MOST_TITLE` characters; None for an
            ornament that needs none.
        alt: what kind of chart it is, what is plotted, and what is to be seen, in this order. Kept in
            the output's metadata, where the book finds it.

    Raises:
        MimicError: the text says less than `LEAST_ALT` characters can say, or the title is too long.
    """
    from IPython.display import display

    if title is not None and not 0 < len(title) <= MOST_TITLE:
        raise MimicError(f"a title has 1 to {MOST_TITLE} characters, got {len(title)}: {title!r}")
    words = " ".join(alt.split())
    if len(words) < LEAST_ALT:
        raise MimicError(f"alt must say chart, what is plotted and the finding, got {words!r}")
    png, width = picture(drawn, title)
    display(  # type: ignore[no-untyped-call]
        {"image/png": b64encode(png).decode("ascii"), "text/plain": f"Figure: {words}"},
        raw=True,
        metadata={"image/png": {"alt": words, "width": width, **({"title": title} if title else {})}},
    )
    _close(drawn)


def picture(drawn: Figure, title: str | None = None) -> tuple[bytes, int]:
    """A figure as PNG at twice its size, and the width that it takes on the page, CSS pixels.

    A title stands above, whatever the layout of the figure. A palette of 256 colours makes the file
    four times smaller, and the eye sees no difference.
    """
    whole = _pixels(drawn)
    if title is not None:
        whole = _above(_pixels(_headline(title, drawn.get_figwidth())), whole)
    small = io.BytesIO()
    octree, undithered = Image.Quantize.FASTOCTREE, Image.Dither.NONE
    whole.quantize(256, method=octree, dither=undithered).save(small, "PNG", optimize=True)
    return small.getvalue(), round(drawn.get_figwidth() * _PIXELS_PER_INCH)


def _pixels(drawn: Figure) -> Image.Image:
    raw = io.BytesIO()
    drawn.savefig(raw, format="png", dpi=_PIXELS_PER_INCH * _RESOLUTION, transparent=True)
    return Image.open(raw).convert("RGBA")


def _headline(title: str, width: float) -> Figure:
    """One line of bold letters, `width` inches wide, with air below."""
    use_style()
    line = Figure(figsize=(width, _HEADLINE / _PIXELS_PER_INCH))
    FigureCanvasAgg(line)
    line.text(0.004, 0.62, title, weight="bold", va="center")
    return line


def _above(top: Image.Image, bottom: Image.Image) -> Image.Image:
    both = Image.new("RGBA", (bottom.width, top.height + bottom.height))
    both.paste(top, (0, 0))
    both.paste(bottom, (0, top.height))
    return both


def _close(drawn: Figure) -> None:
    """Forget a figure that was made by pyplot; others have no manager."""
    if drawn.canvas.manager is not None:
        from matplotlib import pyplot as plt

        plt.close(drawn)


def draw_truth(axes: Axes, x: ArrayLike, y: ArrayLike) -> None:
    """Draw a line of the truth: black dashes on a light page, white dashes on a dark one.

    Black and white dashes take turns; on each page one kind cannot be seen.
    """
    for start, colour in ((0, "black"), (5, "white")):
        axes.plot(x, y, color=colour, linestyle=(start, (5, 5)), linewidth=1.8, zorder=5)

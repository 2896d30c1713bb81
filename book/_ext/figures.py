"""Gives the figures of a notebook their alternative text.

A chapter shows a figure with `mimic.plots.show(figure, title=…, alt=…)`, which keeps the text in the output's
metadata. The builder drops that metadata, so this extension reads the notebook once more and writes the
text where a screen reader looks for it. A figure without one is a warning, and with warnings as errors
the build fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

IMAGE_TYPES = ("image/png", "image/svg+xml", "image/jpeg", "image/gif")
_LOGGER = logging.getLogger(__name__)


def alternative_text(output: dict[str, Any], mime_type: str) -> str:
    """The text of an image output: under its MIME type, as IPython's `Image` puts it, or on the output."""
    metadata = output.get("metadata", {})
    return str(metadata.get(mime_type, {}).get("alt") or metadata.get("alt") or "").strip()


def describe_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Write the alternative texts into the images of a notebook's cells."""
    path = app.env.doc2path(app.env.docname)
    if not str(path).endswith(".ipynb"):
        return
    notebook = nbformat.read(path, as_version=4)
    for container in doctree.findall(nodes.container):
        if container.get("nb_element") != "cell_code":
            continue
        cell = notebook.cells[container["cell_index"]]
        for mime_type in IMAGE_TYPES:
            outputs = [output for output in cell.outputs if mime_type in output.get("data", {})]
            for output, image in zip(outputs, _images(container, mime_type), strict=True):
                _describe(image, alternative_text(output, mime_type), cell.get("id", "?"))


def _images(container: nodes.container, mime_type: str) -> Iterator[nodes.image]:
    for inner in container.findall(nodes.container):
        if inner.get("mime_type") == mime_type:
            yield from inner.findall(nodes.image)


def _describe(image: nodes.image, text: str, cell_id: str) -> None:
    if not text:
        _LOGGER.warning(
            "a figure of cell %r has no alternative text", cell_id, location=image, type="figures"
        )
    image["alt"] = text
    # The theme paints white behind pictures in dark mode; ours are transparent and made for both.
    image["classes"] = [*image.get("classes", []), "figure-of-cell", "dark-light"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("doctree-read", describe_figures)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""Puts MathJax beside the built book, so that no page asks another host for it.

The package `sphinx-mathjax-offline` carries the whole of MathJax. One of its files, which holds its fonts
too, is all that the book needs; `mathjax_path` in `_config.yml` names it.
"""

from __future__ import annotations

import shutil
from importlib.metadata import files
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

SCRIPT = "tex-svg.js"


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """Copy the script into `_static/mathjax` of the built book.

    Raises:
        ExtensionError: the package that carries MathJax is not installed, or lacks the script.
    """
    if exception is not None or app.builder.format != "html":
        return
    found = [path for path in files("sphinx-mathjax-offline") or [] if path.name == SCRIPT]
    if not found:
        raise ExtensionError(f"sphinx-mathjax-offline holds no {SCRIPT}: install requirements.txt again")
    target = Path(app.outdir) / "_static" / "mathjax" / SCRIPT
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(str(found[0].locate()), target)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("build-finished", copy_mathjax)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

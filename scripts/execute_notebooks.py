"""Run the notebooks and write them back in one canonical form.

    python scripts/execute_notebooks.py                    run every notebook of the book
    python scripts/execute_notebooks.py notebooks/01*.ipynb
    python scripts/execute_notebooks.py --check            run nothing, write nothing, report drift

Two runs give the same bytes: cells keep their ids, tags are the only metadata of a cell, titles, alternative
texts (`alt`), sizes and said numbers (`say`) the only metadata of an output, and standard error is not
stored. Numbers in the prose are then rewritten from what the cells said (`mimic.course.say`): in a
notebook by key, `<data value="users">10,000</data>`, in the pages of `book/` and in the README by
notebook and key, `<data value="01_the_funnel/users">10,000</data>`.

`--check` compares each file with what this script would make of the outputs that the file holds.
"""

from __future__ import annotations

import argparse
import copy
import html
import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import nbformat

ROOT: Final = Path(__file__).resolve().parent.parent
CELL_TIMEOUT: Final = 600
"""Seconds that one cell may take."""

NOTEBOOK_METADATA: Final = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_DATA: Final = re.compile(r'<data value="(?P<key>[\w./-]+)">(?P<text>.*?)</data>', re.DOTALL)
_KEPT_OUTPUT_METADATA: Final = ("alt", "height", "say", "title", "width")


def run(notebook: Any, folder: Path) -> Any:
    """Run all cells in a fresh kernel whose working directory is `folder`.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell without the tag `raises-exception` failed.
    """
    from nbclient import NotebookClient
    from traitlets.config import Config

    quiet = Config(KernelManager={"transport_encryption": "auto"})  # else each kernel warns of TCP
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        config=quiet,
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute()


def canonical(notebook: Any) -> Any:
    """The notebook with nothing in it that another run, machine or editor would change."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            cell.outputs = [_canonical_output(output) for output in cell.outputs if not _is_stderr(output)]
    nbformat.validate(notebook)
    return notebook


def _is_stderr(output: Mapping[str, Any]) -> bool:
    return (output["output_type"], output.get("name")) == ("stream", "stderr")


def _canonical_output(output: Any) -> Any:
    if "metadata" in output:
        output.metadata = nbformat.from_dict(_kept(output.metadata))
    return output


def _kept(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata that the book uses, on an output and one level down, under a MIME type."""
    kept = {key: value for key, value in metadata.items() if key in _KEPT_OUTPUT_METADATA}
    nested = {
        key: _kept(value) for key, value in metadata.items() if "/" in key and isinstance(value, Mapping)
    }
    return kept | {key: value for key, value in nested.items() if value}


def said(notebook: Any) -> dict[str, str]:
    """Every text that the cells of a notebook said, by key.

    Raises:
        ValueError: two cells say the same key.
    """
    texts: dict[str, str] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for key, text in output.get("metadata", {}).get("say", {}).items():
                if key in texts:
                    raise ValueError(f"two cells say {key!r}")
                texts[key] = text
    return texts


def prose_numbers(markdown: str) -> list[tuple[str, str]]:
    """Key and text of every bound number in a piece of Markdown, in order."""
    return [(match["key"], html.unescape(match["text"])) for match in _DATA.finditer(markdown)]


def bind(markdown: str, texts: Mapping[str, str]) -> str:
    """Write what was said into the `<data>` elements of a piece of Markdown.

    Raises:
        KeyError: an element names a key that no cell says.
    """

    def replaced(match: re.Match[str]) -> str:
        return f'<data value="{match["key"]}">{html.escape(texts[match["key"]], quote=False)}</data>'

    return _DATA.sub(replaced, markdown)


def with_prose(notebook: Any) -> Any:
    """The notebook with the numbers of its prose rewritten from what its cells said."""
    notebook = copy.deepcopy(notebook)
    texts = said(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = bind(cell.source, texts)
    return notebook


def text_of(notebook: Any) -> str:
    """The bytes of a canonical notebook: sorted keys, one space of indent, no escapes."""
    return f"{nbformat.writes(notebook, version=nbformat.NO_CONVERT)}\n"


def pages() -> list[Path]:
    """The prose that may repeat numbers of a notebook."""
    return [ROOT / "README.md", *sorted((ROOT / "book").glob("*.md"))]


def notebooks() -> list[Path]:
    """The notebooks of the book, in its order."""
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def read(path: Path) -> Any:
    """A notebook as it lies on the disk, not upgraded."""
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def rewritten_pages(texts: Mapping[str, str]) -> Iterable[tuple[Path, str]]:
    """Every page of prose with its numbers rewritten; keys are `notebook/key`."""
    for page in pages():
        if page.exists():
            yield page, bind(page.read_text(encoding="utf-8"), texts)


def _settle(path: Path, text: str, *, write: bool) -> bool:
    """Whether the file already held `text`; writes it where it did not and where that is wanted."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return True
    if write:
        partial = path.with_suffix(path.suffix + ".partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    return False


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code: 1 where `--check` found drift."""
    parser = argparse.ArgumentParser(description="Run the notebooks and write them in canonical form.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every notebook of the book")
    parser.add_argument("--check", action="store_true", help="run and write nothing, report drift")
    options = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in the tests, so that floats agree
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # a kernel of the user's own must not win
    drifted = []
    for path in options.notebooks or notebooks():
        notebook = read(path)
        if not options.check:
            print(f"running {path.name}", file=sys.stderr)
            notebook = run(notebook, path.resolve().parent)
        text = text_of(with_prose(canonical(notebook)))
        if not _settle(path, text, write=not options.check):
            drifted.append(path)
    texts = {f"{path.stem}/{key}": text for path in notebooks() for key, text in said(read(path)).items()}
    for page, text in rewritten_pages(texts):
        if not _settle(page, text, write=not options.check):
            drifted.append(page)
    for path in drifted:
        print(f"{'drifted' if options.check else 'written'}: {path}")
    return 1 if options.check and drifted else 0


if __name__ == "__main__":
    sys.exit(main())

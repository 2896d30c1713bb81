"""The notebooks as they lie in the repository: canonical, described, and true to their own numbers.

Nothing is run here; `make nbval` runs the cells and compares their outputs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from execute_notebooks import (
    ROOT,
    bind,
    canonical,
    main,
    notebooks,
    pages,
    prose_numbers,
    read,
    said,
    text_of,
    with_prose,
)

from mimic.course.say import say

CHAPTERS = notebooks()
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)

READABLE_ID = re.compile(r"(?![0-9a-f]{8}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$")
OF_THE_MACHINE = re.compile(
    r"(?:^|[\s\"'(=])(?:/(?:home|root|tmp|usr|var|work|Users)/|[A-Z]:\\)|0x[0-9a-f]{8,}"
)
LARGEST_OUTPUT = 400_000
"""Characters that one output may take in the file, a figure's encoding included."""


def code_cells(path: Path) -> list[Any]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def outputs(path: Path) -> list[tuple[str, Any]]:
    return [(cell.id, output) for cell in code_cells(path) for output in cell.outputs]


def texts(output: Any) -> list[str]:
    data = output.get("data", {})
    streams = [output.text] if output.output_type == "stream" else []
    return streams + [value for kind, value in data.items() if kind.startswith("text/")]


@each_chapter
def test_the_file_is_what_the_script_writes(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == text_of(with_prose(canonical(read(path))))


@each_chapter
def test_numbers_in_prose_are_what_the_cells_said(path: Path) -> None:
    notebook = read(path)
    spoken = said(notebook)
    bound = [
        pair for cell in notebook.cells if cell.cell_type == "markdown" for pair in prose_numbers(cell.source)
    ]
    assert not [(key, text, spoken.get(key)) for key, text in bound if spoken.get(key) != text]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_numbers_on_pages_are_what_the_chapters_said(page: Path) -> None:
    spoken = {f"{path.stem}/{key}": text for path in CHAPTERS for key, text in said(read(path)).items()}
    bound = prose_numbers(page.read_text(encoding="utf-8"))
    assert not [(key, text, spoken.get(key)) for key, text in bound if spoken.get(key) != text]


@each_chapter
def test_cells_have_readable_ids(path: Path) -> None:
    assert not [cell.id for cell in read(path).cells if not READABLE_ID.fullmatch(cell.id)]


@each_chapter
def test_cells_were_run_once_from_top_to_bottom(path: Path) -> None:
    counts = [cell.execution_count for cell in code_cells(path) if cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1))


@each_chapter
def test_errors_are_announced(path: Path) -> None:
    failed = [
        cell.id
        for cell in code_cells(path)
        if any(output.output_type == "error" for output in cell.outputs)
        and "raises-exception" not in cell.metadata.get("tags", [])
    ]
    assert not failed


@each_chapter
def test_outputs_know_nothing_of_the_machine(path: Path) -> None:
    telling = [
        (cell_id, text[:80])
        for cell_id, output in outputs(path)
        for text in texts(output)
        if OF_THE_MACHINE.search(text)
    ]
    assert not telling


@each_chapter
def test_every_figure_has_an_alternative_text(path: Path) -> None:
    silent = []
    for cell_id, output in outputs(path):
        for kind in output.get("data", {}):
            metadata = output.metadata
            alt = metadata.get(kind, {}).get("alt") or metadata.get("alt") or ""
            if kind.startswith("image/") and len(alt) < 20:
                silent.append(cell_id)
    assert not silent


@each_chapter
def test_every_figure_but_the_strip_has_a_title(path: Path) -> None:
    shown = [output for _, output in outputs(path) if "image/png" in output.get("data", {})]
    known = [output.metadata.get("image/png", {}) for output in shown]
    untitled = [figure["alt"] for figure in known if not figure.get("title")]
    assert len(known) > len(untitled)
    assert [alt[:19] for alt in untitled] == ["Strip of the funnel"]


@each_chapter
def test_outputs_ask_for_nothing_from_elsewhere(path: Path) -> None:
    kinds = {kind for _, output in outputs(path) for kind in output.get("data", {})}
    assert kinds <= {"text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/svg+xml"}
    markup = [text for _, output in outputs(path) for text in texts(output)]
    assert not [
        text for text in markup if re.search(r"<script|src=[\"']?https?:|url\(\s*[\"']?https?:", text)
    ]


@each_chapter
def test_outputs_are_light(path: Path) -> None:
    heavy = [
        (cell_id, kind, len(value))
        for cell_id, output in outputs(path)
        for kind, value in output.get("data", {}).items()
        if len(value) > LARGEST_OUTPUT
    ]
    assert not heavy


@each_chapter
def test_no_line_of_prose_is_taken_for_a_comment(path: Path) -> None:
    markdown = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    # MyST drops a line that begins with a per cent sign, and with it half of a sentence.
    assert not [line for text in markdown for line in text.splitlines() if line.lstrip().startswith("%")]


@each_chapter
def test_prose_is_short_and_code_cells_are_few(path: Path) -> None:
    notebook = read(path)
    prose = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert len(code_cells(path)) <= 25
    assert len(prose.split()) <= 2_500


# ---------------------------------------------------------------- the script and say() themselves


def notebook_that_said(text: str, prose: str) -> Any:
    bundle, metadata = say(share=text)._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data=bundle, metadata=metadata)
    cell = nbformat.v4.new_code_cell("say(...)", id="said", outputs=[output], execution_count=1)
    markdown = nbformat.v4.new_markdown_cell(prose, id="prose")
    return nbformat.v4.new_notebook(cells=[markdown, cell])


def test_say_formats_what_it_is_told() -> None:
    spoken = say(name="Mara", users=10_000, share=(0.6131, ".0%"), rate=0.06543, flag=True)
    assert spoken.texts == {
        "name": "Mara",
        "users": "10,000",
        "share": "61%",
        "rate": "0.0654",
        "flag": "True",
    }
    assert repr(spoken).splitlines()[1] == "users = 10,000"
    with pytest.raises(ValueError, match="one line"):
        say(text="two\nlines")
    with pytest.raises(ValueError, match="at least one"):
        say()


def test_prose_is_rewritten_and_escaped() -> None:
    notebook = with_prose(
        notebook_that_said("A & B", 'Of <data value="share">0</data>, twice <data value="share">\n</data>')
    )
    assert notebook.cells[0].source.count("A &amp; B") == 2
    assert prose_numbers(notebook.cells[0].source) == [("share", "A & B")] * 2


def test_a_key_that_nobody_says_is_an_error() -> None:
    with pytest.raises(KeyError, match="coverage"):
        bind('<data value="coverage">1</data>', {"share": "1"})


def test_two_cells_may_not_say_the_same() -> None:
    notebook = notebook_that_said("1", "")
    notebook.cells.append(notebook.cells[1])
    with pytest.raises(ValueError, match="share"):
        said(notebook)


def test_canonical_drops_what_another_run_would_change() -> None:
    notebook = notebook_that_said("1", "")
    cell = notebook.cells[1]
    cell.metadata = nbformat.from_dict(
        {"tags": ["trained"], "execution": {"iopub.execute_input": "12:00"}, "collapsed": True}
    )
    cell.outputs.append(nbformat.v4.new_output("stream", name="stderr", text="37%"))
    picture = {"image/png": {"alt": "A line.", "needs_background": "light"}, "isolated": True}
    cell.outputs.append(nbformat.v4.new_output("display_data", data={"image/png": ""}, metadata=picture))
    notebook.metadata["language_info"] = {"name": "python", "version": "3.11.7"}
    clean = canonical(notebook)
    assert clean.cells[1].metadata == {"tags": ["trained"]}
    assert [output.metadata for output in clean.cells[1].outputs] == [
        {"say": {"share": "1"}},
        {"image/png": {"alt": "A line."}},
    ]
    assert clean.metadata.language_info == {"name": "python"}
    assert text_of(canonical(clean)) == text_of(clean)


def test_check_reports_drift_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "chapter.ipynb"
    drifted = canonical(notebook_that_said("0.5", 'It is <data value="share">0.4</data>.'))
    path.write_text(text_of(drifted), encoding="utf-8")
    assert main(["--check", str(path)]) == 1
    assert f"drifted: {path}" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == text_of(drifted)
    path.write_text(text_of(with_prose(drifted)), encoding="utf-8")
    assert f"drifted: {path}" not in (main(["--check", str(path)]), capsys.readouterr().out)[1]


def test_running_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    from execute_notebooks import run

    cell = nbformat.v4.new_code_cell("print(0.1 + 0.2)", id="sum")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    first = text_of(canonical(run(notebook, tmp_path)))
    second = text_of(canonical(run(nbformat.reads(first, as_version=4), tmp_path)))
    assert first == second
    assert "0.30000000000000004" in first


def test_the_book_has_its_chapters() -> None:
    listed = re.findall(r"notebooks/(\w+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    assert listed == [path.stem for path in CHAPTERS]

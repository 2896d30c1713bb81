"""Plants changes in the stored outputs of small notebooks, and in code that they call, and runs nbval.

Each planted change must turn its notebook red. The notebook as it was, and one that differs in the last
digits, must stay green.
"""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]

WORLD = """
def share() -> float:
    return 0.4125 * 1.0
"""

CELLS = [
    ("imports", "import pandas as pd\nimport world\nfrom IPython.display import HTML", []),
    ("sentence", "print('users: 10000, share 0.61250')", []),
    ("pair", "(12, 0.25)", []),
    ("table", "pd.DataFrame({'stage': ['fetch', 'filter'], 'kept': [500, 480], 'rate': [0.125, 0.96]})", []),
    ("markup", "HTML('<p>coverage <b>0.4375</b> of 17012</p>')", []),
    ("loose", "print('loss 0.5000')", ["rtol=5e-3"]),
    ("model", "print('found 1000 of 2000')", ["trained"]),
    ("timed", "import time\nt = time.perf_counter()\nprint(f'{1e3 * (time.perf_counter() - t):.4f} ms')", []),
    ("code", "print(f'reciprocity {world.share():.4f}')", []),
    ("noise", "import sys\nprint('37%', file=sys.stderr)\n1 + 1;", []),
]


def _planted(cell_id: str, old: str, new: str) -> Callable[[NotebookNode], None]:
    """A change of the stored output of one cell, wherever it holds `old`."""

    def change(notebook: NotebookNode) -> None:
        [cell] = [cell for cell in notebook.cells if cell.id == cell_id]
        changed = 0
        for output in cell.outputs:
            holder, keys = (
                (output, ["text"]) if output.output_type == "stream" else (output.data, list(output.data))
            )
            for key in keys:
                changed += old in holder[key]
                holder[key] = holder[key].replace(old, new)
        assert changed, f"nothing to change in {cell_id}"

    return change


def _no_output(notebook: NotebookNode) -> None:
    [cell] = [cell for cell in notebook.cells if cell.id == "sentence"]
    cell.outputs = []


def _one_more_output(notebook: NotebookNode) -> None:
    [cell] = [cell for cell in notebook.cells if cell.id == "pair"]
    cell.outputs.append(cell.outputs[0])


RED = {
    "float_in_text": _planted("sentence", "0.61250", "0.61312"),
    "count_in_text": _planted("sentence", "10000", "10001"),
    "word": _planted("sentence", "users", "people"),
    "sign": _planted("sentence", "0.61250", "-0.61250"),
    "count_in_pair": _planted("pair", "12", "13"),
    "float_for_count": _planted("pair", "12,", "12.0,"),
    "count_for_float": _planted("pair", "0.25", "1"),
    "float_in_table": _planted("table", "0.125", "0.126"),
    "count_in_table": _planted("table", "480", "481"),
    "word_in_table": _planted("table", "filter", "select"),
    "float_in_markup": _planted("markup", "0.4375", "0.4385"),
    "count_in_markup": _planted("markup", "17012", "17013"),
    "beyond_the_tag": _planted("loose", "0.5000", "0.5030"),
    "beyond_trained": _planted("model", "1000", "1030"),
    "unit_of_time": _planted("timed", "ms", "seconds"),
    "output_missing": _no_output,
    "output_twice": _one_more_output,
}
GREEN = {
    "clean": lambda _: None,
    "last_digits": _planted("sentence", "0.61250", "0.61250003"),
    "last_digits_in_table": _planted("table", "0.125", "0.12500001"),
    "within_the_tag": _planted("loose", "0.5000", "0.5020"),
    "within_trained": _planted("model", "1000", "1010"),
    "measured_time": _planted("timed", " ms", "7 ms"),
}


def _executed(folder: Path) -> NotebookNode:
    from execute_notebooks import canonical, run

    notebook = nbformat.v4.new_notebook()
    for cell_id, source, tags in CELLS:
        cell = nbformat.v4.new_code_cell(source, id=cell_id)
        cell.metadata["tags"] = tags
        notebook.cells.append(cell)
    return canonical(run(notebook, folder))


def _nbval(folder: Path) -> dict[str, bool]:
    """Run nbval over a folder of notebooks as `make nbval` does; whether each notebook stayed green."""
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", str(folder), "--nbval", "--nbval-current-env", "-q"]
    command += ["-p", "conftest", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["-c", str(ROOT / "pyproject.toml"), f"--rootdir={folder}", f"--junitxml={report}"]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "scripts"), str(folder)])
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert report.exists(), done.stdout + done.stderr
    green: dict[str, bool] = {}
    for case in ET.parse(report).iter("testcase"):
        name = (case.get("classname") or "").replace(".ipynb", "").rpartition(".")[2]
        failed = case.find("failure") is not None or case.find("error") is not None
        green[name] = green.get(name, True) and not failed
    return green


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    """Which of the notebooks with planted changes stayed green."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "world.py").write_text(WORLD, encoding="utf-8")
    reference = _executed(folder)
    for name, change in (RED | GREEN).items():
        notebook = nbformat.from_dict(reference)
        notebook = nbformat.reads(nbformat.writes(notebook), as_version=4)
        change(notebook)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return _nbval(folder)


@pytest.fixture(scope="module")
def verdict_on_changed_code(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    folder = tmp_path_factory.mktemp("code")
    (folder / "world.py").write_text(WORLD, encoding="utf-8")
    nbformat.write(_executed(folder), folder / "chapter.ipynb")
    (folder / "world.py").write_text(WORLD.replace("1.0", "0.8"), encoding="utf-8")
    return _nbval(folder)


pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", RED)
def test_a_planted_change_is_red(name: str, verdicts: dict[str, bool]) -> None:
    assert not verdicts[name]


@pytest.mark.parametrize("name", GREEN)
def test_what_may_differ_is_green(name: str, verdicts: dict[str, bool]) -> None:
    assert verdicts[name]


def test_a_change_in_the_code_is_red(verdict_on_changed_code: dict[str, bool]) -> None:
    assert verdict_on_changed_code == {"chapter": False}

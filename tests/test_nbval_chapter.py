"""Plants a change in the code behind a real chapter: reciprocity a fifth lower, in the same world.

The chapter must turn red in the cells that show it, and nowhere else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = "02_a_synthetic_twitter"

pytestmark = [pytest.mark.course, pytest.mark.slow]


def _copy(folder: Path) -> None:
    """The code, the notebooks and what they read, without data."""
    for name in ("prep", "mimic", "notebooks", "book", "scripts", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)


def _verdicts(folder: Path) -> dict[str, bool]:
    """Run nbval over the chapter in a copy of the project; whether each of its cells stayed green."""
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", f"notebooks/{CHAPTER}.ipynb", "--nbval"]
    command += ["--nbval-current-env", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    environment = {name: value for name, value in os.environ.items() if name != "MIMIC_HOME"}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder), str(folder / "scripts")])
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert report.exists(), done.stdout + done.stderr
    cells = ET.parse(report).iter("testcase")
    return {
        str(cell.get("name")): cell.find("failure") is None and cell.find("error") is None for cell in cells
    }


def test_reciprocity_off_by_a_fifth_turns_its_cells_red(tmp_path: Path) -> None:
    _copy(tmp_path)
    measure = tmp_path / "prep" / "measure_graph.py"
    source = measure.read_text(encoding="utf-8")
    changed = source.replace('"G9": back,', '"G9": 0.8 * back,')
    assert changed != source
    measure.write_text(changed, encoding="utf-8")
    verdicts = _verdicts(tmp_path)
    red = [name for name, green in verdicts.items() if not green]
    assert red
    assert len(red) <= len(verdicts) / 3, f"more than what shows reciprocity: {red}"

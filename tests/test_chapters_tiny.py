"""Every chapter runs on a tiny world, in another folder, as the README promises."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from execute_notebooks import run

CHAPTERS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_runs_on_a_tiny_world(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMIC_PRESET", "tiny")
    monkeypatch.setenv("MIMIC_HOME", str(tmp_path))
    ran = run(nbformat.read(path, as_version=4), path.parent)
    assert (tmp_path / "data" / "tiny-7").is_dir()
    assert not [out for cell in ran.cells for out in cell.get("outputs", []) if out.output_type == "error"]

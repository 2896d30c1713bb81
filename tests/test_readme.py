"""What the README promises: its Python runs, its commands and files exist."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_filter_of_the_readme_works(monkeypatch: pytest.MonkeyPatch) -> None:
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    module = types.ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", module)  # a dataclass looks its module up by name
    scope: dict[str, Any] = vars(module)
    exec(compile(code.replace('"course"', '"tiny"'), "README.md", "exec"), scope)
    table = scope["feed"].trace.table()
    assert (table["name"] == "NoLinks").sum() == 1
    shown = scope["data"].tweet_rows(scope["feed"].tweet_ids)
    assert len(shown)
    assert not scope["data"].tweets["has_link"][shown].any()


def test_every_command_of_the_readme_is_a_target() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^  ([a-z-]+) ", listed, re.MULTILINE))
    promised = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", README))
    assert {"book", "test", "lab"} <= promised <= targets


def test_every_file_of_the_readme_exists() -> None:
    named = re.findall(r"`((?:[\w.]+/)*[\w.-]+(?:\.md|\.py|/)|LICENSE[\w-]*)`|\]\(([^)#:]+)\)", README)
    missing = [name for pair in named for name in pair if name and not (ROOT / name).exists()]
    assert set(missing) <= {"data/"}  # generated

"""What the README promises: its Python runs, its commands and files exist."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mimic import CandidatePipeline, MimicError, for_you
from mimic.course import product_at

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Runs a block of Python in one scope for all, on the tiny world."""
    module = types.ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", module)  # a dataclass looks its module up by name

    def run(code: str) -> dict[str, Any]:
        exec(compile(code.replace('"course"', '"tiny"'), "README.md", "exec"), vars(module))
        return vars(module)

    return run


def test_the_parts_of_the_readme_work(run: Callable[[str], dict[str, Any]]) -> None:
    a_filter, a_source_and_a_scorer = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    scope = run(a_filter)
    table = scope["feed"].trace.table()
    assert (table["name"] == "NoLinks").sum() == 1
    shown = scope["data"].tweet_rows(scope["feed"].tweet_ids)
    assert len(shown)
    assert not scope["data"].tweets["has_link"][shown].any()

    scope = run(a_source_and_a_scorer)
    candidates, data, product = scope["feed"].candidates, scope["data"], scope["product"]
    found, fits = candidates.found_by("most_liked"), candidates["fate"] != "over budget"
    assert found.sum() == 30
    assert fits[found].all()  # it stands first, so nothing of it is over budget
    likes = data.counts("like")[data.since("tweets") :]
    assert data.counts("like")[candidates.rows[found]].min() >= np.sort(likes)[-30]
    factor = candidates["media.score"] / candidates["heuristic.score"]
    scored = np.isfinite(factor)
    has_media = data.tweets["has_media"][candidates.rows[scored]]
    assert {True, False} <= set(has_media.tolist())
    np.testing.assert_allclose(factor[scored], np.where(has_media, 1.0, 0.5), rtol=1e-6)

    # What it says of the order and of wrapping.
    others = product_at(data, chapter=1).sources[:1]  # some that do not find all of its tweets
    behind = for_you(data, sources=[*others, product.sources[0]], budget=20)
    last = behind.run(scope["feed"].query)
    late = last.candidates.found_by("most_liked") & (last.candidates["fate"] != "over budget")
    alone = np.array([names == "most_liked" for names in last.candidates.sources])
    assert alone.any()
    assert not (late & alone).any()
    wrapped = CandidatePipeline(source=product.sources[0].source)
    assert replace(for_you(data), sources=(wrapped,), backfill=()).run(scope["feed"].query).tweet_ids.size
    with pytest.raises(MimicError, match="wrap it"):
        replace(product, sources=(wrapped.source,))


def test_every_command_of_the_readme_is_a_target() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^  ([a-z-]+) ", listed, re.MULTILINE))
    promised = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", README))
    assert {"book", "test", "lab"} <= promised <= targets


def test_every_file_of_the_readme_exists() -> None:
    named = re.findall(r"`((?:[\w.]+/)*[\w.-]+(?:\.md|\.py|/)|LICENSE[\w-]*)`|\]\(([^)#:]+)\)", README)
    missing = [name for pair in named for name in pair if name and not (ROOT / name).exists()]
    assert set(missing) <= {"data/"}  # generated

"""The recommender cannot reach the truth: it lives in a room of its own, and nobody misses it."""

from __future__ import annotations

import ast
import filecmp
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mimic
from mimic import DataLoader, Query, for_you
from mimic.schema import TABLES

HOUR = 3_600_000


@pytest.fixture(scope="module")
def robbed(tiny, tmp_path_factory):
    """The small world without its truth."""
    out = tmp_path_factory.mktemp("robbed") / "tiny-7"
    return Path(shutil.copytree(tiny, out, ignore=shutil.ignore_patterns("truth", "cache")))


@pytest.fixture(scope="module")
def both(tiny, robbed, tmp_path_factory):
    """The world with its truth, as a copy that may grow a cache, and without."""
    whole = tmp_path_factory.mktemp("whole") / "tiny-7"
    shutil.copytree(tiny, whole, ignore=shutil.ignore_patterns("cache"))
    return DataLoader.open(whole), DataLoader.open(robbed)


def modules():
    """All of the recommender; teaching aids may play with words."""
    root = Path(mimic.__file__).parent
    return [path for path in root.rglob("*.py") if "course" not in path.relative_to(root).parts]


def test_no_module_of_the_recommender_imports_prep_or_names_the_truth():
    assert len(modules()) > 20
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert not any(name.name.split(".")[0] == "prep" for name in node.names), path
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] != "prep", path
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value.strip("/") != "truth", path


def test_a_whole_request_leaves_prep_alone(robbed):
    code = (
        "import sys; from mimic import DataLoader, Query, for_you\n"
        f"data = DataLoader.open({str(robbed)!r})\n"
        "assert len(for_you(data).run(Query(user_id=42)).tweet_ids)\n"
        "sys.exit(any(name.split('.')[0] == 'prep' for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_tables_hold_no_hidden_column(tiny):
    hidden = {"quality", "bait", "scene", "taste", "tie", "proof", "worth", "clarity", "event"}
    for name, schema in TABLES.items():
        assert not hidden & set(schema.names), name
    manifest = json.loads((tiny / "manifest.json").read_text())
    assert not any("truth" in name for name in manifest["files"])


def test_without_the_truth_every_table_is_the_same(both):
    one, other = (next((data.path / "cache").glob("columns-*")) for data in both)
    assert one.name == other.name, "the key of what is cached knows nothing of the truth"
    names = sorted({path.name for path in [*one.iterdir(), *other.iterdir()]} - {"stamp.json"})
    assert len(names) > 40
    assert filecmp.cmpfiles(one, other, names, shallow=False)[0] == names


@pytest.mark.parametrize("hours", [0, 29])
def test_without_the_truth_every_feed_is_the_same(both, hours):
    whole, robbed = (data.as_of(data.now + hours * HOUR) for data in both)
    users = whole.users["user_id"][whole.users["created_at"] < whole.now]
    one, other = for_you(whole), for_you(robbed)
    for user in {42, *users[::12].tolist()}:
        first, second = one.run(Query(user_id=user)), other.run(Query(user_id=user))
        assert first.tweet_ids.tolist() == second.tweet_ids.tolist()
        table = first.candidates.table()
        assert table.equals(second.candidates.table())
    assert len(table)

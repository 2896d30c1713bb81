"""Caches: keys that change with what made them, folders that are whole or absent."""

from __future__ import annotations

import json
import os
import threading
import time

import numpy as np
import pytest

from mimic import columns, csr
from mimic.artifacts import artifact_key, ensure_artifact, write_whole
from mimic.errors import StaleArtifact


def test_keys_change_with_everything_that_is_behind_them():
    keys = [
        artifact_key("checksum", 1),
        artifact_key("checksum", 2),
        artifact_key("checksum1"),
        artifact_key("checksum", "1"),
        artifact_key("checksum", 1, modules=[csr]),
        artifact_key("checksum", 1, modules=[columns]),
        artifact_key("checksum", 1, libraries=["numpy"]),
    ]
    assert len(set(keys)) == len(keys)
    assert artifact_key("checksum", 1, modules=[csr]) == artifact_key("checksum", 1, modules=[csr])
    assert all(len(key) == 16 for key in keys)


def test_a_folder_is_whole_or_absent(tmp_path):
    target = tmp_path / "cache" / "thing-1"

    def half(folder):
        (folder / "a").write_text("a")
        assert not target.exists()
        raise RuntimeError("the power is out")

    with pytest.raises(RuntimeError, match="power"):
        write_whole(target, half)
    assert list((tmp_path / "cache").iterdir()) == []
    write_whole(target, lambda folder: (folder / "a").write_text("a"))
    assert (target / "a").read_text() == "a"


def test_the_first_of_two_writers_wins(tmp_path):
    target = tmp_path / "thing-1"

    def slow(folder):
        write_whole(target, lambda other: (other / "a").write_text("fast"))
        (folder / "a").write_text("slow")

    write_whole(target, slow)
    assert (target / "a").read_text() == "fast"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_run_left_is_removed_when_nobody_can_still_be_at_it(tmp_path):
    for name, age in (("old", 90_000), ("new", 60)):
        (tmp_path / f".writing-{name}").mkdir()
        os.utime(tmp_path / f".writing-{name}", times=(time.time() - age,) * 2)
    write_whole(tmp_path / "thing-1", lambda folder: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".writing-new", "thing-1"]


def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_whole(tmp_path / "file" / "thing", lambda folder: None)


# --- named arrays -------------------------------------------------------------------------------


def arrays():
    return {"weights": np.arange(6, dtype=np.float32).reshape(2, 3), "place": np.array([3, 1])}


def ensured(cache, key="0123456789abcdef", build=arrays):
    return ensure_artifact(cache, "tower", key, build, why="a test")


def test_an_artifact_comes_back_as_it_was_built_and_is_built_once(tmp_path):
    built = []

    def build():
        built.append(1)
        return arrays()

    first, second = ensured(tmp_path, build=build), ensured(tmp_path, build=build)
    assert built == [1]
    for one in (first, second):
        assert one["weights"].dtype == np.float32
        assert one["weights"].tolist() == [[0, 1, 2], [3, 4, 5]]
        assert one["place"].tolist() == [3, 1]
        with pytest.raises(ValueError, match="read-only"):
            one["place"][0] = 9


def test_arrays_that_are_views_are_kept_whole(tmp_path):
    table = np.arange(12.0).reshape(3, 4)
    kept = ensured(tmp_path, build=lambda: {"turned": table.T, "some": table[:, ::2]})
    assert np.array_equal(kept["turned"], table.T)
    assert np.array_equal(kept["some"], table[:, ::2])


def test_two_that_need_the_same_at_once_build_it_once(tmp_path):
    built, found = [], []

    def build():
        built.append(1)
        threading.Event().wait(0.2)
        return arrays()

    threads = [
        threading.Thread(target=lambda: found.append(ensured(tmp_path, build=build))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == [1]
    assert [one["place"].tolist() for one in found] == [[3, 1]] * 3


def test_a_build_that_fails_leaves_nothing_and_can_be_repeated(tmp_path):
    def fails():
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="memory"):
        ensured(tmp_path, build=fails)
    assert ensured(tmp_path)["place"].tolist() == [3, 1]


def edited(folder):
    path = folder / "arrays.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut(folder):
    path = folder / "arrays.safetensors"
    path.write_bytes(path.read_bytes()[:-4])


def foreign(folder):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"key": "f" * 16}))


def other_schema(folder):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": "mimic-artifact-0"}))


@pytest.mark.parametrize(
    "harm",
    [
        edited,
        cut,
        foreign,
        other_schema,
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / "arrays.safetensors").unlink(),
    ],
)
def test_what_was_harmed_or_is_of_something_else_is_refused_with_the_remedy(tmp_path, harm):
    ensured(tmp_path)
    harm(tmp_path / "tower-0123456789abcdef")
    with pytest.raises(StaleArtifact, match="delete the folder and run again"):
        ensured(tmp_path)

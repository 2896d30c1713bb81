"""Caches: keys that change with what made them, folders that are whole or absent."""

from __future__ import annotations

import pytest

from mimic import columns, csr
from mimic.artifacts import artifact_key, write_whole


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


def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_whole(tmp_path / "file" / "thing", lambda folder: None)

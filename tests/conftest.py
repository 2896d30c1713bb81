"""Generated worlds that many tests share: one small, made anew for each run, and that of the book."""

from __future__ import annotations

import pytest

from prep import ensure_dataset
from prep.generate_dataset import generate_dataset


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The folder of a small world, seed 7. Tests that change something take a copy."""
    return generate_dataset("tiny", 7, tmp_path_factory.mktemp("world") / "tiny-7", progress=False)


@pytest.fixture(scope="session")
def course():
    """The folder of the book's world, generated where it is missing."""
    return ensure_dataset("course")

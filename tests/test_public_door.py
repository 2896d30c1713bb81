"""The door: what it shows, that all of it is documented, and what does not come in with it."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from dataclasses import fields, is_dataclass
from types import ModuleType

import pytest

import mimic

FRAMEWORK = [
    name
    for _, name, _ in pkgutil.walk_packages(mimic.__path__, "mimic.")
    if not name.startswith(("mimic.course", "mimic.show", "mimic.plots", "mimic.__main__"))
]


def test_all_is_what_can_be_seen_sorted():
    seen = [
        name
        for name, value in vars(mimic).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]
    assert sorted(mimic.__all__) == sorted(seen)
    assert len(set(mimic.__all__)) == len(mimic.__all__)


@pytest.mark.parametrize(
    "name", ["DataLoader", "Query", "for_you", "MimicError", "UnknownUser", "BadDataset", "StaleArtifact"]
)
def test_the_promised_names_are_there(name):
    assert name in mimic.__all__


def test_errors_are_one_family():
    errors = [
        value for value in vars(mimic).values() if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert all(issubclass(error, mimic.MimicError) for error in errors)
    assert issubclass(mimic.MimicError, ValueError)


@pytest.mark.parametrize("name", FRAMEWORK)
def test_every_module_tells_its_story_and_lists_its_names(name):
    module = importlib.import_module(name)
    assert module.__doc__, name
    if name in ("mimic.models", "mimic.retrieval", "mimic.schema"):
        return
    assert module.__all__, name
    for public in module.__all__:
        value = getattr(module, public)
        if isinstance(value, type):
            assert value.__doc__, f"{name}.{public}"
            for method, function in vars(value).items():
                if callable(function) and not method.startswith("_"):
                    assert function.__doc__, f"{name}.{public}.{method}"
        elif callable(value):
            assert value.__doc__, f"{name}.{public}"


def test_components_are_frozen_and_keyword_only(tmp_path):
    from mimic import candidates, features, filtering, scoring

    for module in (candidates, features, filtering, scoring):
        for public in module.__all__:
            value = getattr(module, public)
            if isinstance(value, type) and value is not features.Feature:
                assert is_dataclass(value), public
                assert value.__dataclass_params__.frozen, public
                assert all(field.kw_only for field in fields(value)), public


def test_the_door_lets_in_neither_the_truth_nor_what_is_heavy():
    unwanted = ["prep", "torch", "matplotlib", "seaborn", "IPython", "mimic.course"]
    code = f"import sys, mimic, mimic.__main__; print([m for m in {unwanted} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

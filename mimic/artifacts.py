"""What is computed once and kept: keys that change when anything behind them does, whole writes.

An artefact lives in `<data set>/cache/<name>-<key>/`. The key is a hash of everything that made
it: the data set's checksum, the keys of the artefacts it was built from, the configuration, the
source of the modules involved, the versions of the libraries. Nothing is ever overwritten: a changed
line of code is a new key, so a new folder.

A trained model and an index are both a set of named arrays, kept as safetensors beside a manifest
with their digest. Nothing is pickled, so a cached file cannot run code.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mimic.errors import StaleArtifact
from mimic.integrity import file_digest

__all__ = ["Artifact", "artifact_key", "ensure_artifact", "write_whole"]

_TEMPORARY = ".writing-"
_ABANDONED_SECONDS: Final = 86_400
_FORMAT: Final = "mimic-artifact-1"
_ARRAYS, _MANIFEST = "arrays.safetensors", "manifest.json"


@dataclass(frozen=True, kw_only=True, eq=False)
class Artifact:
    """A trained model or an index: named arrays that cannot be written to."""

    name: str
    key: str
    """16 hexadecimal digits; a part of the key of whatever is built from it."""
    arrays: Mapping[str, NDArray[Any]]

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]


def artifact_key(*parts: object, modules: Iterable[ModuleType] = (), libraries: Iterable[str] = ()) -> str:
    """Hash everything that made an artefact into 16 hexadecimal digits.

    `parts` are hashed by their `repr`, so pass plain values: strings, numbers, tuples of these.
    `modules` count with their source text and `libraries` with their installed version.
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(repr(part).encode() + b"\0")
    for module in modules:
        digest.update(inspect.getsource(module).encode() + b"\0")
    for library in libraries:
        digest.update(f"{library} {version(library)}".encode() + b"\0")
    return digest.hexdigest()


def write_whole(folder: Path, write: Callable[[Path], None]) -> None:
    """Fill `folder` by `write`, so that others see either all of it or nothing.

    `write` gets a temporary folder beside the final one, which is renamed at the end. When two
    processes build the same artefact at once, the first to finish wins and the second one's copy,
    which is the same, is thrown away. What a run that was killed has left is removed a day later.
    Raises OSError when the disk cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f"{_TEMPORARY}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=folder.parent))
    try:
        write(temporary)
        temporary.chmod(0o755)  # mkdtemp makes folders that only their owner can read
        with suppress(OSError):  # the folder is there already: another process was faster
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if not folder.is_dir():
        raise OSError(f"{folder} could not be put in place")


def ensure_artifact(
    cache: Path, name: str, key: str, build: Callable[[], Mapping[str, NDArray[Any]]], *, why: str
) -> Artifact:
    """Load an artefact, built first where it is missing.

    Two processes that need the same one at once build it once: the second waits.

    Args:
        cache: the data set's `cache` folder.
        name: a short name, such as "simclusters".
        key: from `artifact_key`, of everything that decides the arrays.
        build: computes the arrays; a progress bar goes to standard error.
        why: what it is for, told to whoever waits, such as "communities of producers".

    Raises:
        StaleArtifact: the folder is there and does not hold this artefact, whole and unharmed.
        OSError: the cache cannot be written.
    """
    folder = cache / f"{name}-{key}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".{name}-{key}.lock"):
            if not folder.is_dir():
                print(f"building {name} ({why}), once", file=sys.stderr)
                arrays = {part: np.ascontiguousarray(values) for part, values in build().items()}
                write_whole(folder, lambda target: _write(target, name, key, arrays))
    return _load(folder, name, key)


def _write(folder: Path, name: str, key: str, arrays: dict[str, NDArray[Any]]) -> None:
    save_file(arrays, folder / _ARRAYS)
    manifest = {"format": _FORMAT, "name": name, "key": key, "blake2b": file_digest(folder / _ARRAYS)}
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _load(folder: Path, name: str, key: str) -> Artifact:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        made_for = [manifest.get(part) for part in ("format", "name", "key")]
        if made_for != [_FORMAT, name, key]:
            raise _stale(folder, f"it was made for {made_for}, and {[_FORMAT, name, key]} is needed")
        if manifest.get("blake2b") != file_digest(folder / _ARRAYS):
            raise _stale(folder, f"{_ARRAYS} is not what was written")
        arrays = load_file(folder / _ARRAYS)
    except (OSError, ValueError, SafetensorError) as error:
        if isinstance(error, StaleArtifact):
            raise
        raise _stale(folder, f"it cannot be read ({error})") from error
    for values in arrays.values():
        values.flags.writeable = False
    return Artifact(name=name, key=key, arrays=arrays)


def _stale(folder: Path, reason: str) -> StaleArtifact:
    return StaleArtifact(f"{folder}: {reason}; delete the folder and run again to have it built anew")

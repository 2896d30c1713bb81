"""What is computed once and kept: keys that change when anything behind them does, whole writes.

An artefact lives in `<data set>/cache/<name>-<key>/`. The key is a hash of everything that made
it: the data set's checksum, the configuration, the source of the modules involved, the versions
of the libraries. Nothing is ever overwritten: a changed line of code is a new key, so a new folder.
"""

from __future__ import annotations

import hashlib
import inspect
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

__all__ = ["artifact_key", "write_whole"]

_TEMPORARY = ".writing-"


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
    which is the same, is thrown away. Raises OSError when the disk cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
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

"""One data set on disk, opened: verified once, turned into columns once, mapped ever after.

    first open    verify all files, build the columns, write them to cache/columns-<key>/
    later opens   compare sizes, times and manifest with the stamp in that folder: milliseconds
    after a copy  the times differ, so all files are verified again; the columns stay

The columns are memory-mapped, so opening reads nothing: the operating system brings in the pages
that a request touches, and several processes share them. Where the cache cannot be written (a
read-only disk), the columns are built in memory at each open, and a warning says so.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from mimic import columns, csr, schema
from mimic.artifacts import artifact_key, write_whole
from mimic.columns import Array, build_columns
from mimic.csr import CSR
from mimic.errors import StaleArtifact
from mimic.integrity import Manifest, file_digest, stamp, verify_files

__all__ = ["Store", "open_store"]

_STAMP: Final = "stamp.json"

_MADE_BY: Final = (columns, csr, schema, sys.modules[__name__])
"""Modules whose source decides what is in the cache."""


class Store:
    """All columns of a data set by name, such as `tweets.author`, each opened when first asked for.

    Everything here includes the future; `mimic.DataLoader` is what cuts it off.
    """

    def __init__(self, manifest: Manifest, *, cache: Path, loaded: dict[str, Any]) -> None:
        self.manifest = manifest
        self._cache = cache
        self._loaded = loaded

    def array(self, name: str) -> Array:
        """A whole column of numbers, read-only. Raises StaleArtifact when its file is gone or harmed."""
        if name not in self._loaded:
            path = self._file(f"{name}.npy")
            try:
                mapped = np.load(path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError, EOFError) as error:
                raise self._harmed(path, error) from error
            # A plain view of the map: numpy's memmap class would make each later slice slower.
            self._loaded[name] = np.asarray(mapped)
        values: Array = self._loaded[name]
        return values

    def texts(self, name: str) -> pa.Array[Any]:
        """A whole column of text as an Arrow array. Raises StaleArtifact when its file is gone or harmed."""
        if name not in self._loaded:
            path = self._file(f"{name}.arrow")
            try:
                mapped = pa.memory_map(str(path))
                self._loaded[name] = pa.ipc.open_file(mapped).get_batch(0).column(0)
            except (OSError, pa.ArrowException) as error:
                raise self._harmed(path, error) from error
        values: pa.Array[Any] = self._loaded[name]
        return values

    def groups(self, name: str) -> CSR:
        """A grouping such as `tweets.by_author`: row numbers in order of time for each key."""
        return CSR(self.array(f"{name}.starts"), self.array(f"{name}.values"))

    def _harmed(self, path: Path, error: Exception) -> StaleArtifact:
        return StaleArtifact(
            f"{path} cannot be read ({error}); delete {self._cache} and run again to have it built anew"
        )

    def _file(self, name: str) -> Path:
        path = self._cache / name
        if not path.is_file():
            raise StaleArtifact(
                f"no column {path.stem!r}; if it should exist, delete {self._cache} to have it built again"
            )
        return path


def open_store(folder: Path, manifest: Manifest) -> Store:
    """Open the data set in `folder`, which has the given manifest, building what is missing.

    Raises BadDataset with one clear line when the folder is not a whole, unharmed data set.
    """
    key = artifact_key(manifest.checksum, modules=_MADE_BY, libraries=("numpy", "pyarrow"))
    cache = folder / "cache" / f"columns-{key}"
    seen = {"manifest": file_digest(folder / schema.MANIFEST), "files": stamp(folder, manifest)}
    trusted = _read_stamp(cache) == seen
    if not trusted:
        verify_files(folder, manifest)
    if not cache.is_dir():
        return _build(folder, manifest, cache, seen)
    if not trusted:
        with suppress(OSError):  # a read-only cache is verified again next time, which costs only time
            _write_stamp(cache, seen)
    return Store(manifest, cache=cache, loaded={})


def _build(folder: Path, manifest: Manifest, cache: Path, seen: dict[str, Any]) -> Store:
    built = build_columns(folder)

    def write(target: Path) -> None:
        for name, values in built.items():
            if isinstance(values, np.ndarray):
                np.save(target / f"{name}.npy", values, allow_pickle=False)
            else:
                batch = pa.record_batch([values], names=["text"])
                with (
                    pa.OSFile(str(target / f"{name}.arrow"), "wb") as file,
                    pa.ipc.new_file(file, batch.schema) as writer,
                ):
                    writer.write_batch(batch)
        _write_stamp(target, seen)

    try:
        write_whole(cache, write)
    except OSError as error:
        warnings.warn(f"{cache} cannot be written ({error}); columns stay in memory", stacklevel=4)
        for values in built.values():
            if isinstance(values, np.ndarray):
                values.flags.writeable = False
        return Store(manifest, cache=cache, loaded=dict(built))
    return Store(manifest, cache=cache, loaded={})


def _read_stamp(cache: Path) -> Any:
    try:
        return json.loads((cache / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write_stamp(cache: Path, seen: dict[str, Any]) -> None:
    temporary = cache / f"{_STAMP}.{os.getpid()}"
    temporary.write_text(json.dumps(seen), encoding="utf-8")
    temporary.replace(cache / _STAMP)

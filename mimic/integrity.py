"""Is this folder a whole, unharmed data set? Asked before anything else reads it.

The manifest is written last and lists each file's size and digest, so a run that was killed, a
truncated copy, two swapped files and a flipped bit all show. Digests of 200 MB take a moment;
`stamp` is the quick question that later opens ask: are sizes and times still the same?
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from mimic.errors import BadDataset
from mimic.schema import MANIFEST, SCHEMA_VERSION, TABLES

__all__ = [
    "Manifest",
    "dataset_checksum",
    "file_digest",
    "manifest_digest",
    "read_manifest",
    "stamp",
    "verify_files",
]

_PRESETS: Final = ("tiny", "course", "million")
_FORMAT: Final = "mimic-dataset"
_DIGEST_BYTES: Final = 16
_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a data set says about itself. Times are ms UTC."""

    preset: str
    """Name of the preset, such as "course"."""
    seed: int
    """Seed of the world."""
    start: int
    """First moment of the window."""
    now: int
    """The moment at which the product stands by default."""
    end: int
    """First moment after the window."""
    rows: Mapping[str, int]
    """Rows of each table."""
    files: Mapping[str, Mapping[str, Any]]
    """Of each public file its "bytes" and its "blake2b" digest."""
    checksum: str
    """One digest over all public files."""
    calibration: tuple[Mapping[str, Any], ...] = ()
    """Rows of the calibration table: what was aimed at and what was measured."""


def file_digest(path: Path) -> str:
    """BLAKE2b of a whole file, 32 hexadecimal digits. Raises BadDataset when it cannot be read."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise BadDataset(f"{path} cannot be read ({error.strerror})") from error
    return digest.hexdigest()


def dataset_checksum(files: Mapping[str, Mapping[str, Any]]) -> str:
    """One digest for the whole data set: over the files' hexadecimal digests in order of name."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for name in sorted(files):
        digest.update(files[name]["blake2b"].encode())
    return digest.hexdigest()


def manifest_digest(content: Mapping[str, Any]) -> str:
    """Digest of a manifest over everything in it but its own field `digest`, 32 hexadecimal digits."""
    rest = {name: value for name, value in content.items() if name != "digest"}
    text = json.dumps(rest, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Read `manifest.json`; raises BadDataset when it is missing, broken or of another version."""
    path = folder / MANIFEST
    if not path.is_file():
        raise BadDataset(f"no data set in {folder}; make one with: {_command(folder)}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadDataset(f"{path} cannot be read ({error}); {_again(folder)}") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise BadDataset(f'{path} is not the manifest of a data set: expected "format": "{_FORMAT}"')
    if content.get("schema_version") != SCHEMA_VERSION:
        raise BadDataset(
            f"{folder} has schema version {content.get('schema_version')}, this Mimic reads version "
            f"{SCHEMA_VERSION}; {_again(folder)}"
        )
    if content.get("digest") != manifest_digest(content):
        raise BadDataset(f"{path} is not what was written; {_again(folder)}")
    return _parse(path, content)


def _again(folder: Path) -> str:
    """What to do about a data set that is not whole."""
    return f"generate the data set again: {_command(folder)}"


def _command(folder: Path) -> str:
    """The command that makes the data set of a folder.

    Preset and seed are told by the folder's name, such as tiny-7, else by its manifest, else by nobody.
    """
    named = re.fullmatch(r"([a-z]+)-([0-9]+)", folder.name)
    preset, seed = named.groups() if named else _told_by_manifest(folder)
    if preset not in _PRESETS:
        preset, seed = "…", "…"
    out = shlex.quote(str(folder))
    return f"python -m prep.generate_dataset --preset {preset} --seed {seed} --out {out}"


def _told_by_manifest(folder: Path) -> tuple[str, str]:
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return str(content["preset"]), str(int(content["seed"]))
    except (OSError, ValueError, KeyError, TypeError):
        return "", ""


def _parse(path: Path, content: dict[str, Any]) -> Manifest:
    try:
        manifest = Manifest(
            preset=str(content["preset"]),
            seed=int(content["seed"]),
            start=int(content["start"]),
            now=int(content["now"]),
            end=int(content["end"]),
            rows={table: int(content["rows"][table]) for table in TABLES},
            files={
                name: {"bytes": int(file["bytes"]), "blake2b": str(file["blake2b"])}
                for name, file in content["files"].items()
            },
            checksum=str(content["checksum"]),
            calibration=tuple(content.get("calibration", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadDataset(f"{path} lacks or garbles a field ({error!r}); {_again(path.parent)}") from error
    missing = [f"{table}.parquet" for table in TABLES if f"{table}.parquet" not in manifest.files]
    if missing:
        raise BadDataset(f"{path} does not list {missing[0]}; {_again(path.parent)}")
    return manifest


def stamp(folder: Path, manifest: Manifest) -> dict[str, list[int]]:
    """Size in bytes and modification time in ns of each public file, in milliseconds of work.

    Raises BadDataset when a file is missing or has not the size that the manifest gives.
    """
    found: dict[str, list[int]] = {}
    for name in sorted(manifest.files):
        try:
            status = (folder / name).stat()
        except OSError as error:
            raise BadDataset(f"{folder / name} is missing; {_again(folder)}") from error
        expected = manifest.files[name]["bytes"]
        if status.st_size != expected:
            raise BadDataset(f"{folder / name} has {status.st_size} bytes, not {expected}; {_again(folder)}")
        found[name] = [status.st_size, status.st_mtime_ns]
    return found


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Check every public file in full: size, digest, schema and number of rows.

    Raises BadDataset with the first fault found. What the tables say is checked where they are
    turned into columns (`mimic.columns`), once for each content.
    """
    stamp(folder, manifest)
    for name in sorted(manifest.files):
        if file_digest(folder / name) != manifest.files[name]["blake2b"]:
            raise BadDataset(f"{folder / name} is not what the manifest lists; {_again(folder)}")
    if dataset_checksum(manifest.files) != manifest.checksum:
        raise BadDataset(f"the checksum in {folder / MANIFEST} does not fit its files; {_again(folder)}")
    for table, schema in TABLES.items():
        _verify_schema(folder / f"{table}.parquet", schema, manifest.rows[table])


def _verify_schema(path: Path, expected: pa.Schema, rows: int) -> None:
    try:
        metadata = pq.read_metadata(path)
        found = pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise BadDataset(f"{path} is not a Parquet file ({error}); {_again(path.parent)}") from error
    if found.names != expected.names:
        raise BadDataset(f"{path} has columns {found.names}, expected {expected.names}")
    for name in expected.names:
        if found.field(name).type != expected.field(name).type:
            raise BadDataset(
                f"{path}: {name} is {found.field(name).type}, expected {expected.field(name).type}"
            )
    if metadata.num_rows != rows:
        raise BadDataset(f"{path} has {metadata.num_rows} rows, the manifest says {rows}")

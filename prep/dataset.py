"""Data sets on disk: where they live, how they are written whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mimic.errors import BadDataset
from mimic.integrity import dataset_checksum, file_digest
from mimic.schema import MANIFEST, SCHEMA_VERSION, TABLES
from prep.build import build
from prep.calibration import calibrate
from prep.parameters import END, NOW, START, PrepError
from prep.world import World, make_world

FORMAT = "mimic-dataset"
"""What the manifest of a data set calls itself."""
CONTENTS = frozenset({f"{name}.parquet" for name in TABLES} | {MANIFEST, "truth", "cache"})
"""Everything that a data set's folder may hold; what is derived from it goes into `cache`."""


def ensure_dataset(preset: str = "course", seed: int = 7, root: str | os.PathLike[str] | None = None) -> Path:
    """The folder of a data set, generated first where it is missing or older than `prep`.

    Args:
        preset: "tiny", "course" or "million"; the environment variable MIMIC_PRESET overrides it.
        seed: the world's seed, from 0.
        root: where `data/` lies; by default $MIMIC_HOME, else the checkout, else a cache folder.

    Returns:
        The data set's folder, for `DataLoader.open` and `Oracle.open`.

    Raises:
        PrepError: unknown preset, negative seed, or a folder that cannot be written.
    """
    asked, preset = preset, os.environ.get("MIMIC_PRESET") or preset
    if asked != preset:
        print(f"MIMIC_PRESET={preset}: the numbers in the text are for {asked!r}", file=sys.stderr)
    world = make_world(preset, seed)
    out = (home() if root is None else Path(root)).absolute() / "data" / f"{preset}-{seed}"
    if not is_current(out, world):
        write_dataset(world, out, progress=True)
    return out


def home() -> Path:
    """Where data sets live: $MIMIC_HOME, else the checkout, else a cache folder of the user."""
    if os.environ.get("MIMIC_HOME"):
        return Path(os.environ["MIMIC_HOME"])
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").exists():
        return checkout
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mimic"


def source_hash() -> str:
    """A hash of everything in the code that decides the bytes of a data set."""
    digest = hashlib.blake2b(digest_size=16)
    sources = [p for p in _tree(files("prep")) if p.name.endswith((".py", ".json"))]
    for source in sorted(sources, key=str):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    digest.update(files("mimic").joinpath("schema.py").read_bytes())
    return digest.hexdigest()


def _tree(folder: Traversable) -> Iterable[Traversable]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _tree(entry)
        else:
            yield entry


def is_current(out: Path, world: World, *, thorough: bool = False) -> bool:
    """Whether a folder holds this very world, made by this very `prep`, whole.

    Args:
        out: the folder, which need not exist.
        world: the world that it should hold.
        thorough: read every file and compare its digest; otherwise sizes are compared.
    """
    manifest, hidden = _manifest(out), _manifest(out / "truth")
    return (
        manifest.get("format") == FORMAT
        and manifest.get("schema_version") == SCHEMA_VERSION
        and manifest.get("prep") == hidden.get("prep") == source_hash()
        and manifest.get("seed") == world.seed
        and manifest.get("parameters", {}).get("preset") == dataclasses.asdict(world.preset)
        and _unharmed(out, manifest, thorough=thorough)
        and _unharmed(out / "truth", hidden, thorough=thorough)
    )


def _manifest(folder: Path) -> dict[str, Any]:
    """A folder's manifest, empty where there is none that can be read."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _unharmed(folder: Path, manifest: dict[str, Any], *, thorough: bool) -> bool:
    """Whether the files of a manifest are there, of the size (and content) that it lists."""
    try:
        return all(
            (folder / name).stat().st_size == entry["bytes"]
            and (not thorough or file_digest(folder / name) == entry["blake2b"])
            for name, entry in manifest["files"].items()
        )
    except (OSError, BadDataset, KeyError):
        return False


def write_dataset(world: World, out: Path, *, progress: bool = False) -> Path:
    """Generate a world into a folder, which appears whole or not at all.

    What the folder held of an older data set, its cache included, is gone afterwards. Where another
    process has put the same world there in the meantime, that one stays.

    Args:
        world: sizes, seed, parameters.
        out: the folder: new, empty, or a data set.
        progress: show bars on standard error.

    Returns:
        The folder as an absolute path.

    Raises:
        PrepError: the folder exists and is not a data set, or cannot be written.
    """
    out = out.resolve()
    _refuse_others(out)
    draft = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _sweep(out)
        draft.mkdir()
        _write(world, draft, progress=progress)
        if not is_current(out, world, thorough=True):
            _move(draft, out)
    except OSError as error:
        reason = error.strerror or error
        raise PrepError(f"cannot write to {out.parent}: {reason}; choose another folder") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return out


def _refuse_others(out: Path) -> None:
    """Raise where a folder holds what might be dear to somebody: it is about to be replaced."""
    if not out.exists() or _manifest(out).get("format") == FORMAT:
        return
    if not out.is_dir() or not {entry.name for entry in out.iterdir()} <= CONTENTS:
        raise PrepError(f"{out} exists and is not a data set: choose another folder with --out")


def _sweep(out: Path) -> None:
    """Remove what runs that were killed have left: drafts, and data sets on their way out."""
    for left in out.parent.glob(f"{glob.escape(out.name)}.tmp-*"):
        owner = left.name.removeprefix(f"{out.name}.tmp-").removesuffix("-old")
        if owner.isdigit() and (int(owner) == os.getpid() or not _alive(int(owner))):
            shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it lives, and belongs to somebody else
        return True
    return True


def _move(draft: Path, out: Path) -> None:
    """Put the draft in place of what was there; another process may be doing the same."""
    old = draft.with_name(f"{draft.name}-old")
    with contextlib.suppress(FileNotFoundError):
        out.replace(old)
    try:
        draft.replace(out)
    except OSError:
        if not _manifest(out):
            raise
    shutil.rmtree(old, ignore_errors=True)


def _write(world: World, folder: Path, *, progress: bool) -> None:
    """Build a world and write all of its files, the manifest last."""
    source = source_hash()
    built = build(world, progress=progress)
    (folder / "truth").mkdir()
    public = _write_tables({name: built.public[name] for name in TABLES}, folder)
    hidden = _write_tables(built.truth, folder / "truth")
    hidden["world.json"] = _write_json(built.truth_values, folder / "truth" / "world.json")
    _write_json({"format": "mimic-truth", "prep": source, "files": hidden}, folder / "truth" / MANIFEST)
    manifest = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "preset": world.preset.name,
        "seed": world.seed,
        "start": START,
        "now": NOW,
        "end": END,
        "rows": {name: built.public[name].num_rows for name in TABLES},
        "files": public,
        "checksum": dataset_checksum(public),
        "prep": source,
        "parameters": world.parameters(),
        "calibration": calibrate(built.public, built.truth, world),
    }
    _write_json(manifest, folder / MANIFEST)


def _write_tables(tables: dict[str, pa.Table], folder: Path) -> dict[str, dict[str, Any]]:
    """Write tables; returns what the manifest says of their files."""
    entries = {}
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        columns: Any = _dictionaries(table)
        pq.write_table(table, path, compression="zstd", compression_level=1, use_dictionary=columns)
        entries[path.name] = _entry(path)
    return entries


def _entry(path: Path) -> dict[str, Any]:
    """What the manifest says of a file."""
    return {"bytes": path.stat().st_size, "blake2b": file_digest(path)}


def _dictionaries(table: pa.Table) -> list[str]:
    """Columns that repeat themselves; trying it on the others only costs time."""
    return [f.name for f in table.schema if pa.types.is_dictionary(f.type) or f.name in ("user_id", "lang")]


def _write_json(content: object, path: Path) -> dict[str, Any]:
    """Write a document; returns what the manifest says of it."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
    return _entry(path)

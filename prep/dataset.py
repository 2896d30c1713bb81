"""Data sets on disk: where they live, how they are written whole or not at all."""

from __future__ import annotations

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

from mimic.integrity import dataset_checksum
from mimic.schema import SCHEMA_VERSION, TABLES
from prep.build import build
from prep.calibration import calibrate
from prep.folders import (
    FORMAT,
    TRUTH_FORMAT,
    entry_of,
    flaw,
    manifest_of,
    move,
    refuse_others,
    sweep,
    write_json,
    write_manifest,
)
from prep.parameters import END, NOW, START, PrepError
from prep.world import World, make_world


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


def is_current(out: Path, world: World) -> bool:
    """Whether a folder holds this very world, made by this very `prep`, whole: every file is read."""
    public, hidden = manifest_of(out), manifest_of(out / "truth")
    return (
        public.get("schema_version") == SCHEMA_VERSION
        and public.get("prep") == hidden.get("prep") == source_hash()
        and public.get("seed") == world.seed
        and public.get("parameters") == json.loads(json.dumps(world.parameters()))
        and not flaw(out)
    )


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
    try:
        out = out.expanduser().resolve()
    except (OSError, RuntimeError) as error:  # a loop of links, an unknown user's home
        raise PrepError(f"cannot write to {out}: {error}; choose another folder") from error
    refuse_others(out)
    draft = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        sweep(out)
        draft.mkdir()
        _write(world, draft, progress=progress)
        if not is_current(out, world):
            move(draft, out)
    except OSError as error:
        reason = error.strerror or error
        raise PrepError(f"cannot write to {out.parent}: {reason}; choose another folder") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return out


def _write(world: World, folder: Path, *, progress: bool) -> None:
    """Build a world and write all of its files, the manifest last."""
    source = source_hash()
    built = build(world, progress=progress)
    (folder / "truth").mkdir()
    public = _write_tables({name: built.public[name] for name in TABLES}, folder)
    hidden = _write_tables(built.truth, folder / "truth")
    write_json(built.truth_values, folder / "truth" / "world.json")
    hidden["world.json"] = entry_of(folder / "truth" / "world.json")
    checksum = dataset_checksum(public)
    sealed = {"format": TRUTH_FORMAT, "prep": source, "checksum": checksum, "files": hidden}
    write_manifest(sealed, folder / "truth")
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
        "checksum": checksum,
        "prep": source,
        "parameters": world.parameters(),
        "calibration": calibrate(built.public, built.truth, world),
    }
    write_manifest(manifest, folder)


def _write_tables(tables: dict[str, pa.Table], folder: Path) -> dict[str, dict[str, Any]]:
    """Write tables; returns what the manifest says of their files."""
    entries = {}
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        columns: Any = _dictionaries(table)
        pq.write_table(table, path, compression="zstd", compression_level=1, use_dictionary=columns)
        entries[path.name] = entry_of(path)
    return entries


def _dictionaries(table: pa.Table) -> list[str]:
    """Columns that repeat themselves; trying it on the others only costs time."""
    return [f.name for f in table.schema if pa.types.is_dictionary(f.type) or f.name in ("user_id", "lang")]

"""A data set's folder: what belongs into it, whether it is whole, and making room for another."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import re
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from mimic.errors import BadDataset
from mimic.integrity import file_digest, manifest_digest
from mimic.schema import MANIFEST, TABLES
from prep.parameters import PrepError

FORMAT: Final = "mimic-dataset"
"""What the manifest of a data set calls itself."""
TRUTH_FORMAT: Final = "mimic-truth"
"""What the manifest of the folder `truth/` calls itself."""
TRUTH: Final = ("users.parquet", "tweets.parquet", "follows.parquet", "impressions.parquet", "world.json")
"""The files of `truth/` beside its manifest."""
_CACHED: Final = re.compile(r"\.?[a-z_]+-[0-9a-f]{16}(\.lock)?|\.writing-\w+")
"""What `mimic` calls the folders in `cache`: finished, locked, and being written."""


def manifest_of(folder: Path) -> dict[str, Any]:
    """A folder's manifest; empty where there is none that can be read."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(content: object, path: Path) -> None:
    """Write a document that any reader of JSON accepts."""
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_manifest(content: dict[str, Any], folder: Path) -> None:
    """Write a folder's manifest, sealed with a digest of its own; it comes last."""
    write_json({**content, "digest": manifest_digest(content)}, folder / MANIFEST)


def entry_of(path: Path) -> dict[str, Any]:
    """What the manifest says of a file."""
    return {"bytes": path.stat().st_size, "blake2b": file_digest(path)}


def flaw(folder: Path) -> str:
    """What is wrong with a data set and its truth, in words; "" where both are whole and belong together."""
    public, hidden = manifest_of(folder), manifest_of(folder / "truth")
    for place, manifest, name in ((folder, public, FORMAT), (folder / "truth", hidden, TRUTH_FORMAT)):
        if manifest.get("format") != name or manifest.get("digest") != manifest_digest(manifest):
            return f"{place / MANIFEST} is missing or is not what was written"
        try:
            for file, entry in manifest["files"].items():
                if entry_of(place / file) != entry:
                    return f"{place / file} is not what was written"
        except (OSError, BadDataset, KeyError, AttributeError):
            return f"{place} lacks a file"
    if hidden.get("checksum") != public["checksum"]:
        return f"{folder / 'truth'} is the truth of another world"
    return ""


def remedy(folder: Path) -> str:
    """The command that makes a data set again, by what is left of its manifest."""
    public = manifest_of(folder)
    name, seed = public.get("preset", "PRESET"), public.get("seed", "SEED")
    size = f"--preset {name}"
    if str(name).startswith("custom"):
        preset = public.get("parameters", {}).get("preset", {})
        size = f"--users {preset.get('users', 'USERS')} --tweets {preset.get('tweets', 'TWEETS')}"
    return f"python -m prep.generate_dataset {size} --seed {seed} --out {shlex.quote(str(folder))}"


# --- making room --------------------------------------------------------------------------------


def refuse_others(out: Path) -> None:
    """Raise where a folder holds what might be dear to somebody: it is about to be replaced.

    A harmed data set may be replaced: what its manifest lists, or what has our schema, is ours.

    Raises:
        PrepError: the folder is no folder, or holds anything that no data set holds.
    """
    try:
        if not out.exists():
            return
    except OSError as error:  # such as a name that is too long
        raise PrepError(f"cannot write to {out}: {error.strerror}; choose another folder") from error
    if not out.is_dir():
        raise PrepError(f"{out} is not a folder: choose another with --out")
    if out.is_mount() or out in (Path.cwd(), *Path.cwd().parents):
        raise PrepError(f"{out} is a mount point or in use, it cannot be replaced: name a new folder in it")
    manifest = manifest_of(out)
    ours = manifest.get("format") == FORMAT or any(_is_table(out / f"{name}.parquet") for name in TABLES)
    strange = sorted(str(path.relative_to(out)) for path in _strangers(out, manifest))
    if strange or (not ours and any(out.iterdir())):
        what = f"holds {strange[0]!r}, which is no part of a data set" if strange else "is not a data set"
        raise PrepError(f"{out} exists and {what}: choose another folder with --out, or empty this one")


def _strangers(out: Path, manifest: dict[str, Any]) -> Iterable[Path]:
    """Whatever in a folder no data set holds."""
    listed = manifest.get("files")
    listed = listed if isinstance(listed, dict) and manifest.get("format") == FORMAT else {}
    tables = {f"{name}.parquet" for name in TABLES}
    for path in out.iterdir():
        if path.name == "truth" and path.is_dir():
            yield from (inner for inner in path.iterdir() if inner.name not in {*TRUTH, MANIFEST})
        elif path.name == "cache" and path.is_dir():
            yield from (inner for inner in path.iterdir() if not _CACHED.fullmatch(inner.name))
        elif path.name != MANIFEST and not (path.name in tables and (path.name in listed or _is_table(path))):
            yield path


def _is_table(path: Path) -> bool:
    """Whether a file is one of our tables, by its schema."""
    try:
        found, ours = pq.read_schema(path), TABLES[path.stem]
    except (OSError, pa.ArrowException):
        return False
    return found.equals(ours) and [f.metadata for f in found] == [f.metadata for f in ours]


def sweep(out: Path) -> None:
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


def move(draft: Path, out: Path) -> None:
    """Put the draft in place of what was there; another process may be doing the same."""
    old = draft.with_name(f"{draft.name}-old")
    with contextlib.suppress(FileNotFoundError):
        out.replace(old)
    try:
        draft.replace(out)
    except OSError:
        if not manifest_of(out):
            raise
    shutil.rmtree(old, ignore_errors=True)

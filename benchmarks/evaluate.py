"""Every quality figure of the book in one file: `python benchmarks/evaluate.py [--seeds 7 11]`.

Runs each measurement in a process of its own, on each seed's data set, and gathers what they published into
`results/quality.json`. Can be interrupted: a measurement is not repeated while its code, the package's code
and the data set are what they were.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Final

from run_all import run
from samples import result_path

from mimic import DataLoader
from prep import ensure_dataset

HERE: Final = Path(__file__).resolve().parent
MEASUREMENTS: Final[dict[str, int | None]] = {
    "stages": 1_000,
    "stand_ins": 1_000,
    "real_graph": None,
    "in_network": 400,
    "communities": 400,
    "twhin": None,
    "two_tower": 400,
    "graph_jet": 400,
    "five_hundred": 400,
}
"""Script and the users that it asks, None where it draws none."""


def code_key() -> str:
    """A hash of the source of all measurements and of everything that they could import."""
    digest = hashlib.blake2b(digest_size=8)
    folders = (HERE, HERE.parent / "mimic", HERE.parent / "prep")
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def measured(script: str, data: DataLoader, out: Path, code: str) -> dict[str, Any] | None:
    """What a script publishes of a data set, run where that is not known yet; None where it failed."""
    users = MEASUREMENTS[script]
    found = result_path(out, script, data.manifest)
    marker = out / f".{found.stem}.key"
    key = f"{data.manifest.checksum} {users} {code}"
    if not (found.is_file() and marker.is_file() and marker.read_text(encoding="utf-8") == key):
        print(f"{script} on {data.path.name}", file=sys.stderr)
        if not run(script, data.path, out, *(["--users", str(users)] if users else [])):
            return None
        marker.write_text(key, encoding="utf-8")
    document: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
    return document


def main() -> int:
    """Measure what is missing and write the file; 1 when a measurement failed."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--preset", default="course")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7])
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    code, quality = code_key(), {}
    for seed in options.seeds:
        data = DataLoader.open(ensure_dataset(options.preset, seed=seed))
        for script in MEASUREMENTS:
            quality[f"{data.path.name}: {script}"] = measured(script, data, options.out, code)
    failed = [name for name, document in quality.items() if document is None]
    quality = {name: document for name, document in quality.items() if document is not None}
    target = options.out / "quality.json"
    temporary = target.with_suffix(".writing")
    temporary.write_text(json.dumps(quality, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(target)
    print(f"{target}: {len(quality)} measurements")
    for name in failed:
        print(f"failed: {name}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())

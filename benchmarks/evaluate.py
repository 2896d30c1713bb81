"""Every quality figure of the book in one file: `python benchmarks/evaluate.py [--seeds 7 11]`.

Runs each measurement in a process of its own, on each seed's data set, and gathers what they published into
`results/quality.json`. Can be interrupted: a measurement is not repeated while its code, the package's code
and the data set are what they were.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

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


def code_key(script: str) -> str:
    """A hash of a measurement's source and of everything that it could import."""
    digest = hashlib.blake2b(digest_size=8)
    sources = [
        *HERE.glob("*.py"),
        *(HERE.parent / "mimic").rglob("*.py"),
        *(HERE.parent / "prep").rglob("*.py"),
    ]
    for path in [HERE / f"{script}.py", *sorted(sources)]:
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def measured(script: str, users: int | None, data: DataLoader, out: Path) -> dict[str, Any]:
    """What a script publishes of a data set, run where that is not known yet."""
    m = data.manifest
    found = out / f"{script}-{m.preset}-{m.seed}.json"
    marker = out / f".{found.stem}.key"
    key = f"{m.checksum} {users} {code_key(script)}"
    if not (found.is_file() and marker.is_file() and marker.read_text(encoding="utf-8") == key):
        print(f"{script} on {data.path.name}", file=sys.stderr)
        command = [sys.executable, str(HERE / f"{script}.py"), "--data", str(data.path), "--out", str(out)]
        command += ["--users", str(users)] if users else []
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
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
    quality: dict[str, Any] = {}
    failed: list[str] = []
    for seed in options.seeds:
        data = DataLoader.open(ensure_dataset(options.preset, seed=seed))
        for script, users in MEASUREMENTS.items():
            try:
                quality[f"{data.path.name}: {script}"] = measured(script, users, data, options.out)
            except subprocess.CalledProcessError as error:
                failed.append(f"{script} on {data.path.name} (exit code {error.returncode})")
    target = options.out / "quality.json"
    temporary = target.with_suffix(".writing")
    temporary.write_text(json.dumps(quality, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(target)
    print(f"{target}: {len(quality)} measurements")
    for name in failed:
        print(f"failed: {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Run every benchmark that has no result yet: `python benchmarks/run_all.py --data DIR [SCRIPT ...]`.

One after the other, each on one thread. A result counts as long as it is of the data set with this very
checksum; `--again` takes no notice of it. What was trained is kept in the data set's cache, so a run that was
interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from samples import RESULTS, result_path

from mimic.integrity import Manifest, read_manifest

HERE: Final = Path(__file__).parent
SCRIPTS: Final = (
    "bench_feed",
    "real_graph",
    "in_network",
    "communities",
    "twhin",
    "ann",
    "two_tower",
    "peers",
    "stages",
    "stand_ins",
)
"""Quick ones first."""
RESULT_OF: Final = {"bench_feed": "feed"}
"""The name of the result where it is not that of the script."""


def is_done(path: Path, manifest: Manifest) -> bool:
    """Whether a result is there and about this data set."""
    if not path.is_file():
        return False
    document = json.loads(path.read_text(encoding="utf-8"))
    return bool(document["data"]["checksum"] == manifest.checksum)


def run(script: str, data: Path, out: Path, *more: str) -> bool:
    """Run one script, with more arguments where it takes any; whether it succeeded."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, str(HERE / f"{script}.py"), "--data", str(data), "--out", str(out), *more]
    return subprocess.run(command, check=False, env={**os.environ, **one_thread}).returncode == 0


def main() -> int:
    """Run what is missing; 1 when something failed."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", help=f"some of {', '.join(SCRIPTS)}")
    parser.add_argument("--data", type=Path, required=True, help="folder of a data set")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder")
    parser.add_argument("--again", action="store_true", help="also what has a result")
    asked = parser.parse_args()
    if unknown := set(asked.scripts) - set(SCRIPTS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(SCRIPTS)}")
    manifest, failed = read_manifest(asked.data), []
    for script in asked.scripts or SCRIPTS:
        result = result_path(asked.out, RESULT_OF.get(script, script), manifest)
        if not asked.again and is_done(result, manifest):
            print(f"{script}: done, {result}", file=sys.stderr)
            continue
        print(f"{script}: running", file=sys.stderr)
        if not run(script, asked.data, asked.out):
            failed.append(script)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())

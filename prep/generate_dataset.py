"""Generate a data set: `python -m prep.generate_dataset --preset course --seed 7 --out DIR`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from prep.dataset import home, is_current, write_dataset
from prep.parameters import PrepError
from prep.presets import PRESETS
from prep.world import make_world


def generate_dataset(
    preset: str = "course",
    seed: int = 7,
    out: Path | None = None,
    *,
    users: int | None = None,
    tweets: int | None = None,
    progress: bool = True,
) -> Path:
    """Generate a world into a folder and return the folder; where it is there, unharmed, nothing is done.

    Args:
        preset: "tiny", "course" or "million".
        seed: from 0.
        out: the folder; `data/<preset>-<seed>` under `prep.dataset.home()` when None.
        users: accounts, instead of the preset's.
        tweets: about how many tweets, instead of the preset's.
        progress: show bars on standard error.

    Raises:
        PrepError: an argument is out of range, or the folder cannot be written.
    """
    world = make_world(preset, seed, users=users, tweets=tweets)
    folder = out if out is not None else home() / "data" / f"{world.preset.name}-{seed}"
    if not is_current(folder, world):
        write_dataset(world, folder, progress=progress)
    return folder


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, where argparse would print the usage as well."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} (python -m prep.generate_dataset --help says more)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = _Parser(prog="python -m prep.generate_dataset", description="Generate a data set.")
    parser.add_argument("--preset", default="course", help=f"one of {', '.join(PRESETS)} (default course)")
    parser.add_argument("--seed", type=int, default=7, help="a whole number from 0 (default 7)")
    parser.add_argument("--out", type=Path, help="the folder to write (default data/<preset>-<seed>)")
    parser.add_argument("--users", type=int, help="accounts, instead of the preset's")
    parser.add_argument("--tweets", type=int, help="about how many tweets, instead of the preset's")
    chosen = parser.parse_args(arguments)
    try:
        folder = generate_dataset(
            chosen.preset, chosen.seed, chosen.out, users=chosen.users, tweets=chosen.tweets
        )
    except PrepError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

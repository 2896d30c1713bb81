"""Mimic in a terminal: `python -m mimic feed|trace|why|train --data DIR …`.

Exit code 0 on success, 2 with one line on standard error for bad input. With `--json` standard output
holds one document, {"query": …, "rows": […]}, and nothing else.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from mimic.batch import Query
from mimic.data_loader import DataLoader
from mimic.errors import MimicError
from mimic.fits import train
from mimic.product import for_you


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, where argparse would print the usage as well."""

    def error(self, message: str) -> NoReturn:
        """Exit with code 2 and a hint at --help."""
        self.exit(2, f"error: {message} (python -m mimic --help says more)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m mimic", description="A «For You» feed in small.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="feed|trace|why|train")
    for name, purpose in (
        ("feed", "show a user's feed"),
        ("trace", "show what each component did to a request"),
        ("why", "tell what became of one tweet in a user's feed"),
    ):
        command = commands.add_parser(name, help=purpose, description=purpose)
        command.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the data set")
        command.add_argument("--user", type=int, required=True, metavar="ID", help="whose feed")
        command.add_argument("--at", type=int, metavar="MS", help="moment, ms UTC (default: now)")
        command.add_argument("--size", type=int, default=20, help="tweets wanted, 1 to 100 (default 20)")
        command.add_argument("--json", action="store_true", help="print one JSON document")
        if name == "why":
            command.add_argument("--tweet", type=int, required=True, metavar="ID", help="which tweet")
    train = commands.add_parser("train", help="build what is cached", description="build what is cached")
    train.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the data set")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # tweets are written in six scripts, whatever the console
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        data = DataLoader.open(options.data)
        if options.command == "train":
            for ready in train(data):
                print(f"{data.path}: {ready} is ready", flush=True)
            return 0
        _answer(data, options)
        sys.stdout.flush()  # so that a reader who has gone is noticed here
    except BrokenPipeError:
        # `| head` has seen enough. What is still in the buffer goes nowhere when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except MimicError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _answer(data: DataLoader, options: argparse.Namespace) -> None:
    query = Query(user_id=options.user, size=options.size)
    snapshot = data if options.at is None else data.as_of(options.at)
    snapshot.user_row(query.user_id)  # whoever mistyped an id shall not wait for models to be trained
    if options.command == "why":
        snapshot.tweet_row(options.tweet)
    feed = for_you(snapshot).run(query)
    asked: dict[str, Any] = {"user_id": query.user_id, "size": query.size, "at": snapshot.now}
    if options.command == "why":
        shown: Any = feed.why(options.tweet)
        asked["tweet_id"] = options.tweet
    else:
        shown = feed if options.command == "feed" else feed.trace
    for warning in feed.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(_document(asked, shown.table()) if options.json else shown)


def _document(asked: dict[str, Any], table: pd.DataFrame) -> str:
    rows = [{name: _plain(value) for name, value in row.items()} for row in table.to_dict("records")]
    return json.dumps({"query": asked, "rows": rows}, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    """A value that JSON knows: NaN and infinities, which it does not, become null."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value


if __name__ == "__main__":
    sys.exit(main())

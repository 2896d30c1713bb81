"""Make the bet of the first page: twelve tweets for Mara, and what everybody would choose.

    python scripts/make_bet.py                       on the data set of the book, made where it is missing
    python scripts/make_bet.py --data DIR --out FILE

Writes `book/_static/bet.html`, which `book/index.md` includes. The tweets are chosen by rule
(`mimic.course.bet`); the oracle says what each is worth and which ones do not belong on a first page.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mimic import DataLoader, MimicError, Query
from mimic.course import product_at
from mimic.course.bet import bet_html, choose_tweets, make_bet
from prep import Oracle, PrepError, ensure_dataset

OUT: Final = Path(__file__).resolve().parent.parent / "book" / "_static" / "bet.html"
MARA: Final = 42
_BEST: Final = 300
"""Tweets of the truth to choose from."""


def fragment(data: DataLoader, oracle: Oracle, user_id: int) -> str:
    """The HTML of the bet for one person."""
    feed = product_at(data, chapter=1).run(Query(user_id=user_id))
    best = oracle.best(user_id, data.now, _BEST)
    tweets = choose_tweets(feed, best, _unfit(data))
    return bet_html(make_bet(feed, tweets, oracle.value(user_id, tweets, data.now)))


def _unfit(data: DataLoader) -> NDArray[np.int64]:
    """Ids of tweets that are truly toxic or not safe for work."""
    hidden: Any = pq.read_table(data.path / "truth" / "tweets.parquet", columns=["nsfw", "toxic"])
    flagged = np.asarray(hidden["nsfw"]) | np.asarray(hidden["toxic"])
    ids: NDArray[np.int64] = data.tweets["tweet_id"][flagged[: len(data.tweets)]]
    return ids


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Make the bet of the first page.")
    parser.add_argument("--data", type=Path, help="folder of the data set (default: the book's)")
    parser.add_argument(
        "--out", type=Path, default=OUT, help="file to write (default: book/_static/bet.html)"
    )
    options = parser.parse_args(arguments)
    try:
        data = DataLoader.open(options.data or ensure_dataset("course"))
        text = fragment(data, Oracle.open(data.path), MARA)
    except (MimicError, PrepError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    partial = options.out.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(options.out)
    print(f"written: {options.out} ({len(text) / 1024:.0f} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())

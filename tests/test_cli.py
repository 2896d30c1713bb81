"""The command line: exit codes, one line for what is wrong, one document for machines."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from worlds import MARA, NOW, START, village

from mimic import DataLoader, Query, for_you
from mimic.__main__ import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return village(tmp_path_factory.mktemp("data") / "village")


def run(capsys, *arguments):
    try:
        code = main([str(a) for a in arguments])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


def test_feed_trace_and_why_in_words(capsys, folder):
    run(capsys, "train", "--data", folder)
    code, out, err = run(capsys, "feed", "--data", folder, "--user", MARA)
    assert (code, err) == (0, "")  # with every model there, nothing is said on standard error
    assert "a bell that works" in out
    assert len(out.splitlines()) == 6
    code, out, _ = run(capsys, "trace", "--data", folder, "--user", MARA)
    assert code == 0
    assert "ContentBalanceFilter" in out
    code, out, _ = run(capsys, "why", "--data", folder, "--user", MARA, "--tweet", 107)
    assert code == 0
    assert "it has a word that you muted" in out


def test_json_is_one_document_with_the_rows_of_the_table(capsys, folder):
    feed = for_you(DataLoader.open(folder)).run(Query(user_id=MARA, size=3))
    code, out, err = run(capsys, "feed", "--data", folder, "--user", MARA, "--size", 3, "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert document["query"] == {"user_id": MARA, "size": 3, "at": NOW}
    assert [row["tweet_id"] for row in document["rows"]] == feed.tweet_ids.tolist()
    assert list(document["rows"][0]) == list(feed.table().columns)

    _, out, _ = run(capsys, "trace", "--data", folder, "--user", MARA, "--json")
    rows = json.loads(out)["rows"]
    assert list(rows[0]) == ["stage", "name", "in", "out", "removed", "ms"]
    assert rows[-1]["out"] == 5

    _, out, _ = run(capsys, "why", "--data", folder, "--user", MARA, "--tweet", 103, "--json")
    document = json.loads(out)
    assert document["query"]["tweet_id"] == 103
    assert document["rows"][-1] == {
        "about": "fate",
        "name": "feed first by order",
        "what": "shown at place 5",
    }


def test_missing_numbers_are_null(capsys, folder, monkeypatch):
    from mimic import scoring

    nothing = lambda self, query, candidates: {"score": candidates["age_hours"] * float("nan")}  # noqa: E731
    monkeypatch.setattr(scoring.HeuristicScorer, "score", nothing)
    code, out, _ = run(capsys, "feed", "--data", folder, "--user", MARA, "--json")
    assert code == 0
    assert {row["score"] for row in json.loads(out)["rows"]} == {None}


def test_another_moment(capsys, folder):
    at = NOW - 24 * 3_600_000
    _, out, _ = run(capsys, "feed", "--data", folder, "--user", MARA, "--at", at, "--json")
    document = json.loads(out)
    assert document["query"]["at"] == at
    assert all(row["created_at"] < at for row in document["rows"])


def test_train_builds_both_fits_and_says_so(capsys, folder):
    code, out, _ = run(capsys, "train", "--data", folder)
    assert code == 0
    assert out.count("late fit is ready") == 4
    assert "early fit: no response to learn from yet" in out  # the village is younger than twelve days


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: feed|trace|why|train"),
        (["fed"], "invalid choice: 'fed'"),
        (["feed", "--user", "42"], "required: --data"),
        (["feed", "--data", "{}", "--user", "mara"], "invalid int value: 'mara'"),
        (["feed", "--data", "{}", "--user", "5"], "no user 5"),
        (["feed", "--data", "{}", "--user", "1" + "0" * 30], "no user|not an id"),
        (["feed", "--data", "{}", "--user", "42", "--size", "0"], "size must be 1 … 100, got 0"),
        (["feed", "--data", "{}", "--user", "42", "--at", str(START - 1)], "asked for"),
        (["feed", "--data", "{}/nowhere", "--user", "42"], "prep.generate_dataset"),
        (["why", "--data", "{}", "--user", "42"], "required: --tweet"),
        (["why", "--data", "{}", "--user", "42", "--tweet", "112"], "no tweet 112"),
        (["train", "--data", "{}/nowhere"], "no data set in"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(capsys, folder, arguments, message):
    code, out, err = run(capsys, *[argument.format(folder) for argument in arguments])
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("error: ")
    assert any(part in err for part in message.split("|")) or message in err


def test_a_failed_source_is_a_warning_beside_the_feed(capsys, folder, monkeypatch):
    monkeypatch.setattr("mimic.retrieval.uteg.Uteg.best", lambda *_: 1 / 0)
    code, out, err = run(capsys, "feed", "--data", folder, "--user", MARA, "--json")
    assert code == 0
    assert json.loads(out)["rows"]
    assert err == "warning: source graph failed: ZeroDivisionError: division by zero\n"


def test_a_reader_that_has_seen_enough_is_no_error(folder):
    command = [sys.executable, "-m", "mimic", "feed", "--data", str(folder), "--user", "42", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    with process.stderr as err:
        assert err.read() == b""
    assert process.wait() == 0


def test_as_a_program(folder, tmp_path):
    command = [sys.executable, "-m", "mimic", "feed", "--data", str(folder), "--user", "42", "--json"]
    good = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (good.returncode, good.stderr) == (0, "")
    assert len(json.loads(good.stdout)["rows"]) == 5
    command[4] = str(tmp_path)
    bad = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert len(bad.stderr.splitlines()) == 1

"""Data sets on disk: the same bytes everywhere, whole or not at all, and one clear line for bad input."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cpu_features import dispatched

from mimic.integrity import read_manifest, verify_files
from mimic.schema import TABLES
from prep import PrepError, dataset, ensure_dataset
from prep.build import build
from prep.folders import sweep
from prep.generate_dataset import generate_dataset, main
from prep.world import make_world

FILES = sorted(
    [f"{name}.parquet" for name in TABLES]
    + [f"truth/{name}.parquet" for name in ("users", "tweets", "follows", "impressions")]
    + ["truth/world.json", "truth/manifest.json"]
)


def command(*arguments):
    return [sys.executable, "-m", "prep.generate_dataset", "--preset", "tiny", *map(str, arguments)]


def environment(**changes):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MIMIC_", "NPY_"))}
    return {**clean, "PYTHONPATH": str(Path(dataset.__file__).parent.parent), **changes}


CACHE = shutil.ignore_patterns("cache")
"""What a reader keeps beside the tables is not part of a data set."""


def contents(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def same_bytes(one, other):
    return filecmp.cmpfiles(one, other, FILES, shallow=False)[0] == FILES


# --- the same bytes -----------------------------------------------------------------------------


def test_a_data_set_holds_these_files_and_is_accepted(tiny):
    held = [name for name in contents(tiny) if not name.startswith("cache/")]  # the reader's, not ours
    assert held == sorted([*FILES, "manifest.json"])
    verify_files(tiny, read_manifest(tiny))
    hidden = json.loads((tiny / "truth" / "manifest.json").read_text())
    assert sorted(hidden["files"]) == sorted(
        p.name for p in (tiny / "truth").iterdir() if p.stem != "manifest"
    )


def test_the_same_seed_gives_the_same_bytes_again(tiny, tmp_path):
    again = dataset.write_dataset(make_world("tiny", 7), tmp_path / "again")
    assert same_bytes(tiny, again)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_same_seed_gives_the_same_bytes_on_an_older_processor(tiny, tmp_path, threads):
    older = environment(
        NPY_DISABLE_CPU_FEATURES=" ".join(dispatched()),
        OPENBLAS_CORETYPE="Nehalem",
        PYTHONHASHSEED=threads,
        TZ="Asia/Tokyo",
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads),
    )
    out = tmp_path / "older"
    subprocess.run(command("--seed", 7, "--out", out), check=True, env=older, capture_output=True)
    assert same_bytes(tiny, out)
    one, other = (json.loads((folder / "manifest.json").read_text()) for folder in (tiny, out))
    measured = [[row.pop("measured") for row in manifest["calibration"]] for manifest in (one, other)]
    assert one == other
    assert np.allclose(*np.array(measured, float), rtol=1e-5, equal_nan=True)


def test_another_seed_gives_another_world(tiny, tmp_path):
    other = dataset.write_dataset(make_world("tiny", 8), tmp_path / "other")
    shared = filecmp.cmpfiles(tiny, other, FILES, shallow=False)[0]
    assert shared == ["topics.parquet"]


@pytest.mark.slow
@pytest.mark.course
def test_the_world_of_the_book_has_the_same_bytes_on_an_older_processor(course, tmp_path):
    older = environment(NPY_DISABLE_CPU_FEATURES=" ".join(dispatched()), OMP_NUM_THREADS="2")
    out = tmp_path / "older"
    arguments = [sys.executable, "-m", "prep.generate_dataset", "--preset", "course", "--out", str(out)]
    subprocess.run(arguments, check=True, env=older, capture_output=True)
    assert same_bytes(course, out)


def test_a_world_of_another_size_keeps_the_proportions(tmp_path):
    world = make_world("tiny", 1, users=300, tweets=4_000)
    built = build(world)
    assert built.public["users"].num_rows == 300
    assert built.public["tweets"].num_rows == pytest.approx(4_000, rel=0.05)
    assert world.preset.impressions == 20_000
    assert world.preset.name.startswith("custom-")
    assert make_world("tiny", 1, users=300).preset.tweets == 6_000


# --- whole or not at all ------------------------------------------------------------------------


def test_a_run_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dataset.pq, "write_table", fail)
    with pytest.raises(PrepError, match="No space left on device"):
        dataset.write_dataset(make_world("tiny", 7), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_killed_half_way_is_forgotten_by_the_next(tiny, tmp_path):
    out = tmp_path / "out"
    run = subprocess.Popen(
        command("--seed", 7, "--out", out),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    draft = tmp_path / f"out.tmp-{run.pid}"
    patience = time.monotonic() + 60
    while not draft.exists() and time.monotonic() < patience:
        time.sleep(0.02)
    time.sleep(0.3)
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    assert [p.name for p in tmp_path.iterdir()] == [draft.name]
    generate_dataset("tiny", 7, out, progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert same_bytes(tiny, out)


def test_leftovers_are_swept_when_nobody_owns_them(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = {
        f"out.tmp-{gone.pid}": True,
        f"out.tmp-{gone.pid}-old": True,
        f"out.tmp-{os.getpid()}": True,
        f"out.tmp-{os.getppid()}": False,
        f"output.tmp-{gone.pid}": False,
        "out.tmp-notes": False,
    }
    for name in names:
        (tmp_path / name).mkdir()
    sweep(tmp_path / "out")
    assert {name: not (tmp_path / name).exists() for name in names} == names


def test_two_processes_at_once_leave_one_valid_data_set(tiny, tmp_path):
    out = tmp_path / "out"
    runs = [
        subprocess.Popen(
            command("--seed", 7, "--out", out),
            env=environment(OMP_NUM_THREADS="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    printed = [run.communicate()[0].strip() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert printed == [str(out)] * 2
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    verify_files(out, read_manifest(out))
    assert same_bytes(tiny, out)


def test_who_comes_second_leaves_the_first_alone(tiny, tmp_path, monkeypatch):
    out = tmp_path / "out"

    def build_slowly(world, *, progress):
        shutil.copytree(tiny, out, ignore=CACHE)
        return build(world)

    monkeypatch.setattr(dataset, "build", build_slowly)
    dataset.write_dataset(make_world("tiny", 7), out)
    assert (out / "users.parquet").stat().st_mtime_ns == (tiny / "users.parquet").stat().st_mtime_ns
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


# --- old, harmed, somebody else's ---------------------------------------------------------------


@pytest.fixture
def copy(tiny, tmp_path):
    return Path(shutil.copytree(tiny, tmp_path / "data" / "tiny-7", ignore=CACHE))


def test_a_whole_data_set_of_this_very_world_is_current(copy):
    assert dataset.is_current(copy, make_world("tiny", 7))
    assert not dataset.is_current(copy, make_world("tiny", 8))
    assert not dataset.is_current(copy, make_world("tiny", 7, users=501))
    assert not dataset.is_current(copy / "nowhere", make_world("tiny", 7))


def change_manifest(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    "harm",
    {
        "made by another prep": lambda f: change_manifest(f, prep="0" * 32),
        "of another schema": lambda f: change_manifest(f, schema_version=0),
        "a manifest that is a list": lambda f: (f / "manifest.json").write_text("[]"),
        "half a manifest": lambda f: (f / "manifest.json").write_text('{"format": "mimic-'),
        "no manifest": lambda f: (f / "manifest.json").unlink(),
        "no truth": lambda f: shutil.rmtree(f / "truth"),
        "a table less": lambda f: (f / "tweets.parquet").unlink(),
        "a hidden table less": lambda f: (f / "truth" / "tweets.parquet").unlink(),
        "cut short": lambda f: os.truncate(f / "tweets.parquet", 1000),
        "another moment": lambda f: change_manifest(f, now=1),
        "another calibration": lambda f: change_manifest(f, calibration=[]),
        "a manifest without files": lambda f: change_manifest(f, files=None),
        "another number of rows": lambda f: change_manifest(f, rows={}),
        "one bit": lambda f: flip(f / "tweets.parquet"),
        "one hidden bit": lambda f: flip(f / "truth" / "users.parquet"),
    }.values(),
)
def test_a_data_set_that_is_old_or_harmed_is_made_again(copy, tiny, monkeypatch, harm):
    harm(copy)
    assert not dataset.is_current(copy, make_world("tiny", 7))
    monkeypatch.setattr(
        dataset,
        "_write",
        lambda world, draft, *, progress: shutil.copytree(tiny, draft, dirs_exist_ok=True, ignore=CACHE),
    )
    assert generate_dataset("tiny", 7, copy, progress=False) == copy
    assert dataset.is_current(copy, make_world("tiny", 7))
    assert [p.name for p in copy.parent.iterdir()] == [copy.name]


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def test_what_was_derived_from_an_older_data_set_goes_with_it(copy, tiny, monkeypatch):
    (copy / "cache").mkdir()
    change_manifest(copy, prep="older")
    monkeypatch.setattr(
        dataset,
        "_write",
        lambda world, draft, *, progress: shutil.copytree(tiny, draft, dirs_exist_ok=True, ignore=CACHE),
    )
    generate_dataset("tiny", 7, copy, progress=False)
    assert not (copy / "cache").exists()


def test_nothing_is_done_where_nothing_has_to_be(copy, monkeypatch):
    monkeypatch.setattr(dataset, "build", None)
    assert generate_dataset("tiny", 7, copy, progress=False) == copy


@pytest.mark.parametrize(
    "dear", ["notes.txt", "cache/thesis.txt", "truth/love.txt", "old/users.parquet", "letters.parquet"]
)
def test_what_is_no_part_of_a_data_set_is_never_lost(copy, dear):
    (copy / dear).parent.mkdir(exist_ok=True)
    (copy / dear).write_text("mine")
    before = contents(copy)
    with pytest.raises(PrepError, match=f"holds '{dear.split('/')[0]}.*no part of a data set"):
        generate_dataset("tiny", 8, copy, progress=False)
    assert contents(copy) == before


@pytest.mark.parametrize("alone", ["users.parquet", "manifest.json"])
def test_a_file_of_a_name_that_we_use_is_somebody_elses(tmp_path, alone):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / alone).write_text("mine")
    with pytest.raises(PrepError, match="choose another folder"):
        generate_dataset("tiny", 8, tmp_path / "theirs", progress=False)
    assert (tmp_path / "theirs" / alone).read_text() == "mine"


def test_the_folder_where_one_stands_is_not_replaced(copy, monkeypatch):
    monkeypatch.chdir(copy)
    with pytest.raises(PrepError, match="in use"):
        generate_dataset("tiny", 8, Path(), progress=False)
    assert dataset.is_current(copy, make_world("tiny", 7))


# --- where they live ----------------------------------------------------------------------------


@pytest.fixture
def made(monkeypatch):
    """What `ensure_dataset` asks to be generated, without generating it."""
    asked = []
    monkeypatch.delenv("MIMIC_PRESET", raising=False)
    monkeypatch.delenv("MIMIC_HOME", raising=False)
    monkeypatch.setattr(dataset, "write_dataset", lambda world, out, *, progress: asked.append((world, out)))
    return asked


def test_data_sets_live_where_the_environment_says(made, monkeypatch, tmp_path):
    monkeypatch.setenv("MIMIC_HOME", str(tmp_path / "home"))
    assert ensure_dataset("tiny") == tmp_path / "home" / "data" / "tiny-7"
    assert ensure_dataset("tiny", 3, tmp_path / "root") == tmp_path / "root" / "data" / "tiny-3"
    assert [(world.preset.name, world.seed, out.name) for world, out in made] == [
        ("tiny", 7, "tiny-7"),
        ("tiny", 3, "tiny-3"),
    ]


def test_without_a_word_they_live_in_the_checkout_or_else_in_a_cache(made, monkeypatch, tmp_path):
    checkout = Path(dataset.__file__).parent.parent
    assert dataset.home() == checkout
    monkeypatch.setenv("MIMIC_HOME", "")
    assert dataset.home() == checkout
    monkeypatch.setattr(dataset, "__file__", str(tmp_path / "site-packages" / "prep" / "dataset.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert dataset.home() == tmp_path / "cache" / "mimic"
    assert not (tmp_path / "cache").exists()


def test_another_preset_can_be_forced_and_says_so(made, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MIMIC_PRESET", "tiny")
    assert ensure_dataset("course", root=tmp_path).name == "tiny-7"
    assert capsys.readouterr().err == "MIMIC_PRESET=tiny: the numbers in the text are for 'course'\n"
    ensure_dataset("tiny", root=tmp_path)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("MIMIC_PRESET", "huge")
    with pytest.raises(PrepError, match="unknown preset 'huge'"):
        ensure_dataset("course", root=tmp_path)


def test_a_data_set_that_is_there_is_not_made_again(made, copy):
    assert ensure_dataset("tiny", root=copy.parent.parent) == copy
    assert made == []


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "huge"], "unknown preset 'huge': use one of tiny, course, million"),
        (["--seed", "-1"], "seed must be a whole number from 0, got -1"),
        (["--seed", "seven"], "argument --seed: invalid int value: 'seven'"),
        (["--seed", "1.5"], "argument --seed: invalid int value: '1.5'"),
        (["--seed"], "argument --seed: expected one argument"),
        (["--users", "10"], "a world has 200 to 1,000,000 users, got 10"),
        (["--users", "10000000"], "a world has 200 to 1,000,000 users, got 10000000"),
        (["--tweets", "-5"], "a world of 500 users has 5000 to 50000000 tweets, got -5"),
        (["--speed", "11"], "unrecognized arguments: --speed 11"),
        (["--tweets", str(10**30)], "a world of 500 users has 5000 to 50000000 tweets"),
        (["--out", "{}/file"], "is not a folder"),
        (["--out", "{}/file/below"], "cannot write to"),
        (["--out", "{}/file/" + "x" * 300], "cannot write to"),
        (["--out", "{}/notes"], "exists and holds 'diary.txt', which is no part of a data set"),
        (["--out", "{}/page"], "exists and holds 'more.txt', which is no part of a data set"),
    ],
)
def test_bad_input_is_refused_in_one_line(tmp_path, capsys, arguments, message):
    (tmp_path / "file").write_text("mine")
    for name, file in (("notes", "diary.txt"), ("page", "manifest.json")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text('{"name": "mine"}')
        (tmp_path / name / "more.txt").write_text("mine")
    before = contents(tmp_path)
    arguments = [argument.format(tmp_path) for argument in arguments]
    if "--out" not in arguments:
        arguments += ["--out", str(tmp_path / "out")]
    try:
        code = main(["--preset", "tiny", *arguments])
    except SystemExit as leaving:
        code = leaving.code
    printed = capsys.readouterr()
    assert code == 2
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert contents(tmp_path) == before
    assert not (tmp_path / "out").exists()


def test_the_command_exits_with_2_and_prints_the_folder_otherwise(tmp_path):
    refused = subprocess.run(
        command("--seed", "-3"), env=environment(), capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert refused.stderr == "error: seed must be a whole number from 0, got -3\n"
    out = tmp_path / "deep" / "down"
    made = subprocess.run(
        command("--seed", 1, "--users", 200, "--tweets", 2000, "--out", out),
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout == f"{out}\n"
    assert read_manifest(out).rows["users"] == 200


def test_the_hash_covers_sources_and_parameters_but_no_prose(monkeypatch, tmp_path):
    (tmp_path / "text").mkdir()
    for name in ("a.py", "text/b.json", "schema.py", "README.md"):
        (tmp_path / name).write_text("1")
    monkeypatch.setattr(dataset, "files", lambda package: tmp_path)
    hashes = [dataset.source_hash()]
    for name in ("README.md", "a.py", "text/b.json", "schema.py"):
        (tmp_path / name).write_text("2")
        hashes.append(dataset.source_hash())
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 4

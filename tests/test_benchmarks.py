"""The benchmarks run, say which data set they are about, and leave out what is done.

Their figures are not tested here, and what compares with a library that is in the bench environment only is
run where that library is.
"""

import importlib
import json
import math
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimic.integrity import read_manifest

FOLDER = Path(__file__).parents[1] / "benchmarks"
QUICK = ("ann", "real_graph")
SLOW = ("twhin", "two_tower", "in_network", "communities")


def run(script, data, out, *more):
    command = [sys.executable, FOLDER / f"{script}.py", "--data", data, "--out", out, *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def module(monkeypatch):
    """Imports a module of the folder, and forgets it and what it imported from there."""
    monkeypatch.syspath_prepend(FOLDER)
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if (FOLDER / f"{name}.py").is_file():
            del sys.modules[name]


def checked(out, name, data):
    """The tables of a result, which is about this data set and holds finite numbers only."""
    manifest = read_manifest(data)
    text = (out / f"{name}-{manifest.preset}-{manifest.seed}.json").read_text(encoding="utf-8")
    document = json.loads(text)
    assert document["data"] == {"preset": "tiny", "seed": 7, "checksum": manifest.checksum}
    figures = [
        number
        for table in document["tables"].values()
        for row in table.values()
        for figure in row.values()
        for number in figure.values()
    ]
    assert figures
    assert all(map(math.isfinite, figures))
    return document["tables"]


@pytest.mark.parametrize("script", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_a_script_writes_figures_and_what_they_are_about(script, tiny, tmp_path):
    users = [] if script in ("ann", "real_graph", "twhin") else ["--users", "20"]
    done = run(script, tiny, tmp_path, *users)
    assert done.returncode == 0, done.stderr
    checked(tmp_path, script, tiny)


@pytest.mark.slow
def test_peers_run_where_the_library_is_and_say_what_is_missing_elsewhere(tiny, tmp_path):
    done = run("peers", tiny, tmp_path, "--users", "20")
    if find_spec("implicit") is None:
        assert done.returncode == 2
        assert "make bench" in done.stderr
        pytest.skip("the library implicit is in the bench environment only: its figures are not tested here")
    assert done.returncode == 0, done.stderr
    assert "recall ÷ that of the best peer" in checked(tmp_path, "peers", tiny)


def test_a_result_counts_as_long_as_it_is_about_the_same_data(tiny, tmp_path, module):
    run_all, samples = module("run_all"), module("samples")
    manifest = read_manifest(tiny)
    path = samples.result_path(tmp_path, "ann", manifest)
    assert not run_all.is_done(path, manifest)
    assert samples.write(tmp_path, manifest, "ann", {"tables": {}}) == path
    assert run_all.is_done(path, manifest)
    path.write_text(
        path.read_text(encoding="utf-8").replace(manifest.checksum, "of another"), encoding="utf-8"
    )
    assert not run_all.is_done(path, manifest)


def test_run_all_skips_what_is_done_and_tells_of_what_failed(tiny, tmp_path, module, monkeypatch, capsys):
    run_all, samples = module("run_all"), module("samples")
    samples.write(tmp_path, read_manifest(tiny), "ann", {"tables": {}})
    ran = []
    monkeypatch.setattr(run_all, "run", lambda script, data, out: ran.append(script) or script != "twhin")
    arguments = ["run_all", "--data", str(tiny), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", [*arguments, "ann", "twhin", "real_graph"])
    assert run_all.main() == 1
    assert ran == ["twhin", "real_graph"]
    assert "failed: twhin" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", [*arguments, "--again", "ann"])
    assert run_all.main() == 0
    assert ran[-1] == "ann"


def test_every_script_of_run_all_is_there(module):
    assert all((FOLDER / f"{script}.py").is_file() for script in module("run_all").SCRIPTS)


def test_tuning_counts_what_the_test_would_find(module):
    """Its short way to the ranks of the answers agrees with cutting the best two hundred, ties included."""
    tuning, two_tower = module("peer_tuning"), module("two_tower")

    @settings(deadline=None, max_examples=30)
    @given(st.integers(0, 2**32 - 1))
    def agrees(seed):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 900))
        products, known = rng.integers(0, 40, n) / 8, rng.random(n) < 0.7
        answers = np.sort(rng.choice(n, min(n, 30), replace=False))
        case = tuning.Case(
            user=0,
            rows=np.arange(n),
            inside=rng.random(n) < 0.3,
            stale=np.round(rng.random(n), 1),
            answers=answers,
        )
        hits, asked = tuning._hits(case, products, known, 1.5)
        assert asked.tolist() == [len(answers), np.sum(~case.inside[answers])]
        for a, aging in enumerate(tuning.AGINGS):
            for u, unknown in enumerate(tuning.UNKNOWN):
                said = tuning.score(products, known, case.stale, tuning.Serving(aging, unknown, 1.5))
                everything = np.isin(answers, two_tower.best(said, tuning.LIMIT))
                strange = np.isin(answers, two_tower.best(said, tuning.LIMIT, ~case.inside))
                assert hits[:, a, u].tolist() == [everything.sum(), strange.sum()]

    agrees()


def test_tweets_without_factors_come_last_the_freshest_first_or_count_as_nothing(module):
    tuning = module("peer_tuning")
    products, known = np.array([-2.0, 9.0, 1.0, 9.0]), np.array([True, False, True, False])
    stale = np.array([0.0, 1.0, 2.0, 3.0])
    last = tuning.score(products, known, stale, tuning.Serving(1.0, "last", 1.0))
    assert np.argsort(-last).tolist() == [2, 0, 1, 3]
    zero = tuning.score(products, known, stale, tuning.Serving(0.5, "zero", 2.0))
    assert zero.tolist() == [-2.0, -1.0, -1.0, -3.0]


def test_peers_see_nothing_after_their_snapshot_and_strangers_are_strangers(tiny, module):
    """The matrix that is factorised, counted anew from the log."""
    from mimic import DataLoader
    from mimic.schema import ENGAGEMENTS, RESPONSES

    models = module("peer_models")
    late = DataLoader.open(tiny)
    data = late.as_of(late.now - 86_400_000)
    log, author = late.interactions, late.tweets["author"]
    engaged = np.isin(log["kind"], [RESPONSES.index(kind) for kind in ENGAGEMENTS]) & (log["at"] < data.now)
    both = models.matrix(data, models.PeerConfig(model="ALS", items="tweet"))
    assert both.sum() == engaged.sum()
    assert both.shape == (len(data.users), len(data.tweets))
    config = models.PeerConfig(model="ALS", items="author", positives="strangers")
    strangers = models.matrix(data, config).toarray()
    expected = np.zeros_like(strangers)
    followed = {user: set(data.following.of(user).tolist()) for user in range(len(data.users))}
    for user, tweet in zip(log["user"][engaged].tolist(), log["tweet"][engaged].tolist(), strict=True):
        expected[user, author[tweet]] += author[tweet] not in followed[user]
    assert np.array_equal(strangers, expected)

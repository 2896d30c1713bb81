"""The store: known answers in the village, a future that cannot be seen, and data that is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from worlds import (
    BEN,
    BREAD,
    CHLOE,
    CYCLING,
    DAN,
    END,
    EVE,
    GUS,
    HANA,
    HOUR,
    MARA,
    NOW,
    START,
    first_product,
    random_world,
    seal,
    village,
    village_tables,
    write_dataset,
    write_manifest,
)

from mimic import (
    BadDataset,
    DataLoader,
    MimicError,
    Query,
    StaleArtifact,
    UnknownTweet,
    UnknownUser,
    integrity,
)
from mimic import data_loader as module
from mimic import store as store_module
from mimic.columns import NONE, TIME
from mimic.schema import LANGUAGES, MANIFEST, RESPONSES, TABLES


@pytest.fixture(autouse=True)
def _nothing_is_open():
    """Each test opens its folders afresh, as a new process would."""
    module._shared_store.cache_clear()
    module._snapshot.cache_clear()


@pytest.fixture
def data(tmp_path):
    return DataLoader.open(village(tmp_path / "village"))


@pytest.fixture(scope="module")
def random_folder(tmp_path_factory):
    return random_world(
        tmp_path_factory.mktemp("data") / "random", users=60, tweets=900, follows=700, impressions=4000
    )


def ids(data, rows):
    return data.users["user_id"][rows].tolist()


# Known answers


def test_rows_and_ids_go_both_ways(data):
    rows = data.user_rows([HANA, MARA, HANA])
    assert ids(data, rows) == [HANA, MARA, HANA]
    assert data.tweets["tweet_id"][data.tweet_row(105)] == 105
    assert np.all(np.diff(data.users["user_id"]) > 0)


@pytest.mark.parametrize("unknown", [0, 8, 10**30, -1])
def test_unknown_users_are_named(data, unknown):
    with pytest.raises(UnknownUser, match=str(unknown)):
        data.user_rows([MARA, unknown] if unknown < 10**20 else unknown)


@pytest.mark.parametrize("wrong", [42.9, 42.0, "42", True, None, [42, 7.5], [np.nan], [[42], [7, 3]]])
def test_only_whole_numbers_are_ids(data, wrong):
    assert data.user_row(np.int32(MARA)) == data.user_row(MARA)  # remembered, and 42.0 == 42
    with pytest.raises(UnknownUser, match="is not an id: a whole number") as caught:
        data.user_rows(wrong)
    assert "\n" not in str(caught.value)
    with pytest.raises(UnknownTweet, match="is not an id"):
        data.tweet_rows(wrong)
    if not isinstance(wrong, list):
        with pytest.raises(UnknownUser, match="is not an id"):
            data.user_row(wrong)
        with pytest.raises(UnknownTweet, match="is not an id"):
            data.tweet_row(wrong)


def test_ids_may_come_in_any_whole_type(data):
    rows = data.user_rows([MARA, BEN]).tolist()
    for ids_ in (np.array([MARA, BEN], np.uint64), np.array([MARA, BEN], object), pd.Series([MARA, BEN])):
        assert data.user_rows(ids_).tolist() == rows
    assert data.user_rows([]).tolist() == data.tweet_rows(np.array([])).tolist() == []
    with pytest.raises(UnknownUser, match="64 bits"):
        data.user_rows(np.array([2**63 + 1], np.uint64))


def test_an_account_made_later_is_unknown(tmp_path):
    tables = village_tables()
    tables["users"]["created_at"][-1] = NOW + 1
    tables["users"]["created_at"][-2] = NOW
    early = DataLoader.open(write_dataset(tmp_path / "v", tables))
    for user in (HANA, GUS):
        with pytest.raises(UnknownUser):
            early.user_row(user)
    assert early.as_of(NOW + 2).user_row(HANA) >= 0


def test_a_tweet_of_the_future_is_unknown(data):
    with pytest.raises(UnknownTweet, match="112"):
        data.tweet_row(112)
    assert data.as_of(NOW + 3 * HOUR).tweet_row(112) == 11


def test_follows_in_the_order_of_following(data):
    mara = data.user_row(MARA)
    assert ids(data, data.following.of(mara)) == [BEN, CHLOE]
    assert ids(data, data.followers.of(data.user_row(CHLOE))) == [MARA, HANA]
    assert ids(data, data.followers.of(data.user_row(HANA))) == []
    assert ids(data, data.as_of(NOW + 2 * HOUR).following.of(mara)) == [BEN, CHLOE, HANA]


def test_blocks_and_mutes(data):
    mara = data.user_row(MARA)
    assert ids(data, data.blocking.of(mara)) == [DAN]
    assert ids(data, data.blocked_by.of(data.user_row(DAN))) == [MARA]
    assert ids(data, data.muting.of(mara)) == [EVE]
    assert data.muted_words(mara) == ["sourDough"]
    earlier = data.as_of(NOW - 2 * HOUR)
    assert earlier.muted_words(mara) == []
    assert len(earlier.blocking.of(mara)) == 0
    assert ids(data, earlier.muting.of(mara)) == [EVE]


def test_history_seen_and_written(data):
    mara, tweets = data.user_row(MARA), data.tweets["tweet_id"]
    assert tweets[data.interactions["tweet"][data.history(mara)]].tolist() == [102, 105]
    assert tweets[data.seen(mara)].tolist() == [102, 105]
    assert tweets[data.seen(mara, hours=12)].tolist() == [105]
    assert tweets[data.written(data.user_row(BEN))].tolist() == [102, 111]
    assert data.interests(mara).tolist() == [CYCLING]


def test_counts(data):
    at = {tweet: data.tweet_row(tweet) for tweet in (102, 103, 107, 109)}
    assert data.counts("like")[at[102]] == 1
    assert [data.counts(kind)[at[103]] for kind in ("like", "quote", "retweet", "impression")] == [1, 1, 1, 2]
    assert data.counts("like")[at[109]] == 0
    assert data.counts("like").dtype == np.int64
    later = data.as_of(NOW + 2 * HOUR)
    assert [later.counts("like")[at[tweet]] for tweet in (107, 109)] == [1, 1]
    with pytest.raises(MimicError, match="no response 'love'"):
        data.counts("love")


def test_replies_are_counted_from_the_tweets(tmp_path):
    tables = village_tables()
    tables["tweets"]["reply_to"] = [None] * 9 + [103, 103, 103]
    data = DataLoader.open(write_dataset(tmp_path / "v", tables))
    assert data.reply_counts()[data.tweet_row(103)] == 2  # the third is not written yet
    assert data.tweets["reply_to"][0] == NONE


def test_a_response_is_known_when_it_happens_not_when_its_tweet_is_shown(data):
    """Hana sees 109 an hour before now and likes it an hour after: the table's boolean would tell."""
    shown = np.flatnonzero(data.impressions["user"] == data.user_row(HANA))
    assert len(shown) == 1
    assert not data.responded("like")[shown[0]]
    assert data.as_of(NOW + 2 * HOUR).responded("like")[shown[0]]
    assert data.responded("like").sum() == 3
    with pytest.raises(StaleArtifact, match=r"no column 'impressions\.like'"):
        data.impressions["like"]


def test_window_is_closed_on_the_left_and_open_on_the_right(data):
    at = data.tweets["created_at"][data.tweet_row(105)]
    assert len(data.as_of(at).tweets) == 4
    assert len(data.as_of(at + 1).tweets) == 5
    assert data.as_of(at + 48 * HOUR).since("tweets") == 4
    assert data.as_of(at + 48 * HOUR + 1).since("tweets") == 5


def test_words(data):
    rows = data.tweet_rows([107, 101])
    assert data.text(rows) == ["my SOURDOUGH is alive", "an old ride"]
    profiles = data.profiles(data.user_rows([GUS, MARA]))
    assert profiles["handle"].tolist() == ["gus", "mara"]
    assert profiles["lang"].tolist() == ["en", "en"]
    assert LANGUAGES[data.tweets["lang"][data.tweet_row(111)]] == "ja"
    assert data.topics.texts("name", np.array([BREAD])).to_pylist() == ["bread"]
    assert "11 tweets" in repr(data)


def test_columns_cannot_be_written(data):
    for column in (data.users["created_at"], data.tweets["author"], data.interactions["at"]):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


# One instance, many moments


def test_one_instance_a_folder_and_a_moment(tmp_path):
    folder = village(tmp_path / "v")
    data = DataLoader.open(folder)
    assert DataLoader.open(str(folder)) is data
    assert data.as_of(NOW) is data
    assert data.as_of(NOW - 1) is data.as_of(NOW - 1) is not data


@pytest.mark.parametrize("moment", [START - 1, END + 1, 0])
def test_moments_outside_the_window_are_refused(data, moment):
    with pytest.raises(MimicError, match=str(moment)) as caught:
        data.as_of(moment)
    assert "2023-03-01 00:00 to 2023-03-31 00:00 UTC" in str(caught.value)
    assert len(data.as_of(START).tweets) == 0
    assert len(data.as_of(END).tweets) == 12


def truncate(source: Path, target: Path, moment: int) -> Path:
    """A data set that ends at a moment: what had been on disk then."""
    target.mkdir()
    for name in TABLES:
        table = pq.read_table(source / f"{name}.parquet")
        if name in TIME:
            table = table.filter(pc.less(table[TIME[name]], moment))
        pq.write_table(table, target / f"{name}.parquet")
    write_manifest(target, preset="random", now=moment)
    return target


@pytest.mark.parametrize("days", [3, 14, 27])
def test_a_snapshot_equals_a_data_set_that_ends_there(random_folder, tmp_path, days):
    moment = START + days * 24 * HOUR + 12345
    there = DataLoader.open(random_folder).as_of(moment)
    alone = DataLoader.open(truncate(random_folder, tmp_path / "truncated", moment))
    for table in TABLES:
        mine, theirs = getattr(there, table), getattr(alone, table)
        stored = [name.split(".")[1] for name in _columns_of(alone, table)]
        assert len(mine) == len(theirs)
        assert stored
        for column in stored:
            np.testing.assert_array_equal(mine[column], theirs[column], err_msg=f"{table}.{column}")
    for csr in ("following", "followers", "blocking", "blocked_by", "muting"):
        np.testing.assert_array_equal(getattr(there, csr).starts, getattr(alone, csr).starts)
        np.testing.assert_array_equal(getattr(there, csr).values, getattr(alone, csr).values)
    for kind in RESPONSES:
        np.testing.assert_array_equal(there.counts(kind), alone.counts(kind))
        np.testing.assert_array_equal(there.responded(kind), alone.responded(kind))
    np.testing.assert_array_equal(there.counts("impression"), alone.counts("impression"))
    np.testing.assert_array_equal(there.reply_counts(), alone.reply_counts())
    for row in range(len(there.users)):
        assert there.history(row).tolist() == alone.history(row).tolist()
        assert there.seen(row).tolist() == alone.seen(row).tolist()
        assert there.written(row).tolist() == alone.written(row).tolist()
        assert there.muted_words(row) == alone.muted_words(row)
    products = first_product(there, strict=True), first_product(alone, strict=True)
    for user in there.users["user_id"][:20].tolist():
        mine, theirs = (product.run(Query(user_id=user)) for product in products)
        assert mine.candidates.table().equals(theirs.candidates.table())
        assert mine.table().equals(theirs.table())


def _columns_of(data, table):
    """Per-row numeric columns of a table in the cache."""
    files = (next((data.path / "cache").glob("columns-*"))).glob(f"{table}.*.npy")
    return [file.name for file in files if ".by_" not in file.name and ".interests." not in file.name]


def test_the_truth_makes_no_difference(random_folder, tmp_path):
    folder = shutil.copytree(random_folder, tmp_path / "with", ignore=shutil.ignore_patterns("cache"))
    query = Query(user_id=42)
    without = first_product(DataLoader.open(folder)).run(query).table()
    (folder / "truth").mkdir()
    (folder / "truth" / "users.parquet").write_bytes(b"not even Parquet")
    module._shared_store.cache_clear()
    module._snapshot.cache_clear()
    shutil.rmtree(folder / "cache")
    assert first_product(DataLoader.open(folder)).run(query).table().equals(without)


# Opening


def test_later_opens_verify_and_build_nothing(tmp_path, monkeypatch):
    folder = village(tmp_path / "v")
    DataLoader.open(folder)
    _forget()
    monkeypatch.setattr(store_module, "verify_files", _refuse_to_run)
    monkeypatch.setattr(store_module, "build_columns", _refuse_to_run)
    assert len(DataLoader.open(folder).tweets) == 11


def test_a_touched_file_is_verified_again_and_the_columns_stay(tmp_path, monkeypatch):
    folder = village(tmp_path / "v")
    DataLoader.open(folder)
    os.utime(folder / "tweets.parquet", (1, 1))
    monkeypatch.setattr(store_module, "build_columns", _refuse_to_run)
    assert len(DataLoader.open(folder).tweets) == 11
    monkeypatch.setattr(store_module, "verify_files", _refuse_to_run)  # the new stamp is trusted
    _forget()
    assert len(DataLoader.open(folder).tweets) == 11


def test_a_data_set_made_again_is_opened_again(tmp_path):
    folder = village(tmp_path / "v")
    old = DataLoader.open(folder)
    tables = village_tables()
    tables["tweets"]["text"] = ["new"] * 12
    write_dataset(folder, tables)
    new = DataLoader.open(folder)
    assert old.text(np.array([0])) == ["an old ride"]
    assert new.text(np.array([0])) == ["new"]


def test_where_the_cache_cannot_be_written_columns_stay_in_memory(tmp_path):
    folder = village(tmp_path / "v")
    (folder / "cache").write_text("in the way")
    with pytest.warns(UserWarning, match="cannot be written"):
        data = DataLoader.open(folder)
    assert ids(data, data.following.of(data.user_row(MARA))) == [BEN, CHLOE]
    assert data.text(np.array([0])) == ["an old ride"]
    with pytest.raises(ValueError, match="read-only"):
        data.tweets["created_at"][0] = 1


def test_a_damaged_cache_is_named(tmp_path):
    folder = village(tmp_path / "v")
    data = DataLoader.open(folder)
    next((folder / "cache").glob("columns-*/tweets.topic.npy")).unlink()
    with pytest.raises(StaleArtifact, match="delete"):
        data.tweets["topic"]


@pytest.mark.parametrize("column", ["tweets.topic.npy", "tweets.text.arrow"])
@pytest.mark.parametrize("left", [0, 40])
def test_a_cut_cache_is_named(tmp_path, column, left):
    folder = village(tmp_path / "v")
    data = DataLoader.open(folder)
    path = next((folder / "cache").glob(f"columns-*/{column}"))
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(StaleArtifact, match="delete"):
        data.tweets["topic"], data.text(np.array([0]))


def test_two_processes_open_a_new_data_set_at_once(tmp_path):
    folder = random_world(tmp_path / "r", users=200, tweets=5000, follows=2000, impressions=20000)
    code = f"from mimic import DataLoader; print(len(DataLoader.open({str(folder)!r}).tweets['topic']))"
    runs = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", code], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    answers = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert answers[0] == answers[1] != b""
    assert len(list((folder / "cache").iterdir())) == 1


def _forget():
    module._shared_store.cache_clear()
    module._snapshot.cache_clear()


def _refuse_to_run(*_):
    raise AssertionError("this should not have been called")


# Refusing


def refuses(folder: Path, message: str, *, verify: bool = False) -> None:
    with pytest.raises(BadDataset, match=message) as caught:
        DataLoader.open(folder, verify=verify)
    assert "\n" not in str(caught.value)
    assert not list(folder.glob("cache/.*"))


def test_a_missing_data_set_says_how_to_make_one(tmp_path):
    refuses(tmp_path / "nowhere", r"python -m prep\.generate_dataset --preset … --seed … --out .*nowhere$")
    assert not (tmp_path / "nowhere").exists()
    refuses(tmp_path / "tiny-11", "--preset tiny --seed 11 --out .*tiny-11$")
    refuses(tmp_path / "my own" / "backup-2", "--preset … --seed … --out '.*my own/backup-2'$")


def test_a_harmed_data_set_says_how_to_make_it_again(tmp_path):
    folder = village(tmp_path / "mine")
    write_manifest(folder, preset="million", seed=3, checksum="0" * 32)
    command = "generate the data set again: python -m prep.generate_dataset --preset million --seed 3 --out"
    refuses(folder, command)
    _remove(folder)
    refuses(folder, command)
    (folder / MANIFEST).write_text("{")
    refuses(folder, "generate the data set again: .* --preset … --seed … --out")


def test_the_advised_presets_are_those_of_prep():
    from prep.presets import PRESETS

    assert set(integrity._PRESETS) == set(PRESETS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "not the manifest"),
        ('{"format": "other"}', "not the manifest"),
        ('{"format": "mimic-dataset", "schema_version": 99}', "schema version 99"),
        ('{"format": "mimic-dataset", "schema_version": 1}', "is not what was written"),
    ],
)
def test_a_broken_manifest(tmp_path, content, message):
    folder = village(tmp_path / "v")
    (folder / MANIFEST).write_text(content)
    refuses(folder, message)


def test_a_sealed_manifest_that_lacks_a_field(tmp_path):
    folder = village(tmp_path / "v")
    seal({"format": "mimic-dataset", "schema_version": 1}, folder)
    refuses(folder, "lacks or garbles")


@pytest.mark.parametrize("field", ["now", "calibration", "seed", "preset"])
def test_a_manifest_that_was_edited(tmp_path, field):
    folder = village(tmp_path / "v")
    content = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(content | {field: content["end"] - 1}))
    refuses(folder, "manifest.json is not what was written")


def test_a_manifest_with_another_checksum_or_other_rows(tmp_path):
    folder = village(tmp_path / "v")
    write_manifest(folder, checksum="0" * 32)
    refuses(folder, "checksum")
    rows = json.loads((folder / MANIFEST).read_text())["rows"]
    write_manifest(folder, rows=rows | {"tweets": 13})
    refuses(folder, "12 rows, the manifest says 13")


def _truncate(folder):
    path = folder / "tweets.parquet"
    path.write_bytes(path.read_bytes()[:-10])


def _swap(folder):
    a, b, c = folder / "blocks.parquet", folder / "mutes.parquet", folder / "c"
    a.rename(c), b.rename(a), c.rename(b)


def _flip(folder):
    path = folder / "interactions.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _remove(folder):
    (folder / "topics.parquet").unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncate, "bytes, not"),
        (_swap, "blocks"),
        (_flip, "interactions"),
        (_remove, "topics.parquet is missing"),
    ],
)
@pytest.mark.parametrize("opened_before", [False, True])
def test_damaged_files(tmp_path, damage, message, opened_before):
    folder = village(tmp_path / "v")
    if opened_before:
        DataLoader.open(folder)
    damage(folder)
    refuses(folder, message)


def test_a_flipped_bit_behind_an_old_time_is_found_by_verify(tmp_path):
    folder = village(tmp_path / "v")
    DataLoader.open(folder, verify=True)
    path = folder / "interactions.parquet"
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    _flip(folder)
    os.utime(path, ns=times)
    DataLoader.open(folder)
    refuses(folder, "interactions.parquet is not what the manifest lists", verify=True)


def test_another_schema(tmp_path):
    folder = village(tmp_path / "v")
    table = pq.read_table(folder / "blocks.parquet")
    pq.write_table(table.rename_columns(["user_id", "blocked", "at"]), folder / "blocks.parquet")
    write_manifest(folder)
    refuses(folder, "has columns")
    pq.write_table(
        table.set_column(2, "at", table["at"].cast(pa.int32(), safe=False)), folder / "blocks.parquet"
    )
    write_manifest(folder)
    refuses(folder, "at is int32, expected int64")
    (folder / "blocks.parquet").write_text("no table")
    write_manifest_for_garbage(folder)
    refuses(folder, "not a Parquet file")


def write_manifest_for_garbage(folder):
    from mimic.integrity import dataset_checksum, file_digest

    content = json.loads((folder / MANIFEST).read_text())
    path = folder / "blocks.parquet"
    content["files"]["blocks.parquet"] = {"bytes": path.stat().st_size, "blake2b": file_digest(path)}
    content["checksum"] = dataset_checksum(content["files"])
    seal(content, folder)


def _set(table, column, row, value):
    def change(tables):
        values = list(tables[table].get(column, []))
        values[row] = value
        tables[table][column] = values

    return change


def _column(table, column, values):
    return lambda tables: tables[table].update({column: values})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("users", "user_id", 0, BEN), "user_id is not unique"),
        (_set("impressions", "tweet_id", 0, 112), "shown_at is before the tweet was written"),
        (_set("interactions", "tweet_id", 0, 112), "at is before the tweet was written"),
        (_column("users", "followers_count", [0, 0, -3, 0, 0, 0, 0, 0]), "followers_count is negative: -3"),
        (_column("users", "interests", [[99]] + [[]] * 7), "interests names an unknown topic: 99"),
        (_set("follows", "followed_id", 1, 1234), "followed_id names an unknown user_id: 1234"),
        (_set("tweets", "author_id", 3, 1234), "author_id names an unknown user_id: 1234"),
        (_set("tweets", "tweet_id", 3, 101), "tweet_id does not increase"),
        (_set("tweets", "tweet_id", 11, 1 << 53), "tweet_id is not in"),
        (_set("tweets", "created_at", 3, NOW), "tweets.parquet: rows are not sorted by created_at"),
        (_set("tweets", "topic_id", 3, 50), "topic_id names an unknown topic_id: 50"),
        (_set("tweets", "lang", 3, "xx"), "lang has the unknown value 'xx'"),
        (_column("tweets", "reply_to", [None] * 11 + [7]), "reply_to names an unknown tweet_id: 7"),
        (_set("impressions", "shown_at", 0, NOW), "impressions.parquet: rows are not sorted by shown_at"),
        (_column("impressions", "propensity", [0.5] * 7 + [float("nan")]), "propensity is not a number"),
        (_column("impressions", "propensity", [0.5] * 7 + [0.0]), "propensity is no probability"),
        (_column("impressions", "dwell_ms", [1] * 7 + [-1]), "dwell_ms is negative"),
        (_set("interactions", "kind", 0, "love"), "kind has the unknown value 'love'"),
        (_set("interactions", "at", 0, NOW), "interactions.parquet: rows are not sorted by at"),
        (_set("interactions", "tweet_id", 0, 5), "tweet_id names an unknown tweet_id: 5"),
        (_set("moderation", "tweet_id", 0, 5), "tweet_id names an unknown tweet_id: 5"),
    ],
)
def test_contradictions_are_named(tmp_path, change, message):
    tables = village_tables()
    change(tables)
    refuses(write_dataset(tmp_path / "v", tables), message)
    assert not list((tmp_path / "v").glob("cache/*"))


def test_empty_values_are_refused(tmp_path):
    folder = village(tmp_path / "v")
    schema = TABLES["blocks"]
    loose = pa.schema([field.with_nullable(True) for field in schema])
    arrays = [pa.array([MARA]), pa.array([None], pa.int64()), pa.array([NOW])]
    pq.write_table(pa.Table.from_arrays(arrays, schema=loose), folder / "blocks.parquet")
    write_manifest(folder)
    refuses(folder, "blocked_id has empty values")

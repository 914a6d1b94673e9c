import json
import signal
import subprocess
import sys

import pytest
from factories import NOW, change
from sqlalchemy import text

from authsvc.db.engine import Database
from authsvc.keys.store import Folder


@pytest.fixture
def filled(terminal, database_url, tmp_path):
    Folder(tmp_path / "certs").ensure_secret()
    database = Database(database_url)
    for name in ("alice", "bob"):
        actor = {"kind": "user", "source": "corp", "name": name, "id": name}
        grant = {"id": 1, "on": f"team/{name}", "registry": None}
        change(database, "base", actor=actor, after={"grant": grant}, reason=name)
    database.dispose()
    return terminal


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--who", "corp:alice"], ["alice"]),
        (["--who", "bob"], ["bob"]),
        (["--what", "team/bob"], ["bob"]),
        (["--what", "team", "--event", "admin"], ["alice", "bob"]),
        (["--until", "2020-01-01T00:00:00Z"], []),
        (["--registry", "none"], []),
        (["--address", "192.0.2.1"], []),
        (["--decision", "x"], []),
    ],
    ids=" ".join,
)
def test_options_choose_records_of_a_list_and_of_an_export(filled, options, expected):
    assert [each["reason"] for each in filled.done("audit", "list", *options)] == expected
    lines = filled("audit", "export", *options).out.splitlines()
    assert [json.loads(line)["reason"] for line in lines] == expected


@pytest.mark.parametrize(
    "options",
    [["--who", "a:"], ["--what", "/"], ["--address", "x"], ["--until", "x"], ["--proof", "/x/y"]],
    ids=" ".join,
)
def test_what_does_not_parse_is_2(filled, options):
    assert filled("audit", "export", *options).code == 2


def test_an_export_of_what_was_changed_is_1_and_names_the_record(filled, database_url):
    database = Database(database_url)
    with database.write() as session:
        session.execute(text("UPDATE changes SET hash = prev WHERE seq = 2"))
    database.dispose()
    said = filled("audit", "export")
    assert said.code == 1
    assert len(said.out.splitlines()) == 1
    assert "changes-2" in said.err


def test_the_proof_beside_an_export_is_the_last_checkpoint_and_the_keys(filled, tmp_path):
    """AU-12"""
    file = tmp_path / "proof.json"
    assert filled("audit", "export", "--proof", str(file)).code == 0
    assert json.loads(file.read_text()) == {"checkpoint": None, "keys": []}


@pytest.fixture
def following(terminal, tmp_path):
    """`audit list --follow`, and its lines."""
    Folder(tmp_path / "certs").ensure_secret()
    process = subprocess.Popen(
        [sys.executable, "-m", "authsvc.cli", "--config", str(terminal.config), "--json",
         "audit", "list", "--follow"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield process
    process.kill()
    process.communicate()


def test_following_prints_what_comes_and_ends_well_when_interrupted(following, database_url):
    database = Database(database_url)
    for number in range(3):
        change(database, "base", reason=str(number), time=NOW.timestamp())
        assert json.loads(following.stdout.readline())["reason"] == str(number)
    database.dispose()
    following.send_signal(signal.SIGINT)
    assert following.wait(30) == 0
    assert following.stderr.read() == ""


def test_following_ends_well_when_nobody_reads_any_more(following, database_url):
    database = Database(database_url)
    change(database, "base")
    following.stdout.readline()
    following.stdout.close()
    change(database, "base")
    database.dispose()
    assert following.wait(30) == 0
    following.stdout = None

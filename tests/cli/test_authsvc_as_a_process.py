"""The command as a user runs it."""

import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def authsvc(tmp_path):
    def call(*words, stdin="", cwd=tmp_path, **more):
        return subprocess.run(
            [sys.executable, "-m", "authsvc.cli", *words],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=cwd,
            check=False,
            env={**os.environ, **more},
        )

    return call


def test_from_nothing_to_a_grant(authsvc, tmp_path):
    made = json.loads(authsvc("init", "--json").stdout)
    assert made["created"] is True
    added = authsvc("--json", "user", "add", "alice", "--password-stdin", stdin="fifteen letters")
    assert json.loads(added.stdout)["name"] == "alice"
    grant = ["grant", "add", "--to", "user:alice", "--role", "writer", "--on", "team"]
    assert authsvc(*grant).returncode == 0
    assert "user:local:alice" in authsvc("grant", "list").stdout
    refused = authsvc("user", "remove", "admin")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("authsvc: this would leave no administrator")
    records = authsvc("audit", "export").stdout.splitlines()
    assert [json.loads(line)["event"] for line in records] == ["key", *["admin"] * 4]
    assert (tmp_path / "data" / "authsvc.db").stat().st_mode & 0o077 == 0


def test_settings_that_are_wrong_are_exit_2_with_every_fault(authsvc, tmp_path):
    (tmp_path / "authsvc.toml").write_text('isuer = "x"\n[token]\nttl = 1\n')
    said = authsvc("user", "list")
    assert said.returncode == 2
    assert "isuer" in said.stderr
    assert "ttl" in said.stderr


def test_help_imports_nothing_heavy(authsvc):
    code = (
        "import sys; from authsvc.cli.exits import run; from authsvc.cli.root import app;"
        "run(app, ['--help']); run(app, ['grant', 'add', '--help']);"
        "heavy = {'sqlalchemy', 'cryptography', 'alembic', 'rich', 'uvicorn', 'argon2',"
        " 'fastapi', 'starlette', 'anyio', 'yaml'};"
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "heavy: []"


def test_a_reader_that_leaves_is_no_error(authsvc, tmp_path):
    authsvc("init")
    process = subprocess.Popen(
        [sys.executable, "-m", "authsvc.cli", "audit", "export"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(30), error) == (0, b"")


def test_what_root_makes_belongs_to_the_owner_of_the_folder(authsvc, tmp_path):
    owner = 65534 if os.geteuid() == 0 else os.geteuid()
    for name in ("data", "certs"):
        (tmp_path / name).mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(tmp_path / name, owner, owner)
    assert authsvc("init", "--example").returncode == 0
    assert authsvc("keys", "rotate").returncode == 0
    files = [each for name in ("data", "certs") for each in (tmp_path / name).rglob("*")]
    assert len(files) >= 6
    assert {each.stat().st_uid for each in files} == {owner}

"""Bytes that are no text on the line, and a full disk behind standard output: one telling line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BYTES = "\udcff"  # how Python hands over a byte on the command line that is not UTF-8


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["audit", "list", "--who", BYTES], id="who"),
        pytest.param(["audit", "export", "--who", BYTES], id="who of an export"),
        pytest.param(["audit", "list", "--decision", BYTES], id="decision"),
        pytest.param(["explain", "--decision", BYTES], id="decision explained"),
        pytest.param(["group", "show", BYTES], id="group"),
        pytest.param(["group", "member", "add", BYTES, "bob"], id="group of a member"),
        pytest.param(["role", "show", f"role-{BYTES}"], id="role"),
        pytest.param(["namespace", "show", BYTES], id="namespace"),
        pytest.param(["registry", "show", BYTES], id="registry"),
        pytest.param(["registry", "config", BYTES], id="registry's configuration"),
        pytest.param(["keys", "bundle", "--registry", BYTES], id="registry of a bundle"),
    ],
)
def test_a_word_that_is_no_text_is_wrong_usage(terminal, words):
    terminal.done("init")
    said = terminal(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"authsvc: '{words_shown(words)}' is not UTF-8: write it as text\n"


def words_shown(words):
    """The word that is no text, as a terminal may see it."""
    return next(word for word in words if BYTES in word).replace(BYTES, "\\xdcff")


@pytest.fixture(params=["", "1"], ids=["buffered", "unbuffered"])
def authsvc(request, tmp_path):
    """The command, initialised, with its output to a pipe, or to a disk that is full."""

    def call(*words, full=False):
        with Path("/dev/full").open("wb") as disk:
            return subprocess.run(
                [sys.executable, "-m", "authsvc.cli", *words],
                stdout=disk if full else subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
                check=False,
                env=os.environ | {"PYTHONUNBUFFERED": request.param},
            )

    assert call("init").returncode == 0
    return call


def test_a_secret_that_a_full_disk_swallowed_is_told_of_and_the_change_is_made(authsvc):
    said = authsvc("robot", "add", "ci", "--namespace", "a", "--role", "writer", full=True)
    assert said.returncode == 3
    last = said.stderr.splitlines()[-1]
    assert last.startswith("authsvc: what was to be written is not whole (No space left on device)")
    assert [robot["name"] for robot in json.loads(authsvc("robot", "list", "--json").stdout)] == [
        "ci"
    ]


def test_an_export_to_a_full_disk_is_not_done(authsvc):
    said = authsvc("audit", "export", full=True)
    assert (said.returncode, said.stderr.count("\n")) == (3, 1)
    assert "No space left on device" in said.stderr

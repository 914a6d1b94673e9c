"""The command line in this process, over a database of each engine, in a folder of its own."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from authsvc.cli.exits import run
from authsvc.cli.root import app


@dataclass
class Said:
    """What a command line printed and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Terminal:
    """`authsvc …` over one settings file."""

    config: Path
    captured: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> Said:
        self.captured.readouterr()
        code = run(app, ["--config", str(self.config), *words])
        out, err = self.captured.readouterr()
        return Said(code, out, err)

    def done(self, *words: str) -> Any:
        said = self(*words, "--json")
        assert said.code == 0, said.err
        return said.json


def settings_file(folder: Path, url: str) -> Path:
    file = folder / "authsvc.toml"
    file.write_text(
        f'database_url = "{url}"\n'
        '[[sources]]\ntype = "htpasswd"\nname = "file"\npath = "htpasswd"\n'
    )
    return file


@pytest.fixture
def terminal(database_url, tmp_path, capsys) -> Terminal:
    """Over a migrated database with nothing in it."""
    return Terminal(settings_file(tmp_path, database_url), capsys)


@pytest.fixture
def fresh(empty_url, tmp_path, capsys) -> Terminal:
    """Over a database without tables."""
    return Terminal(settings_file(tmp_path, empty_url), capsys)


@pytest.fixture
def password(tmp_path) -> str:
    """A file with a good password."""
    file = tmp_path / "password"
    file.write_text("a password of some length\n")
    return str(file)

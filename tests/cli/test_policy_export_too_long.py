"""An export that is too long for one policy file says so, and what the page advises works."""

import json
import re
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "policy-files.md"
GRANTS = 16_500  # with reasons of 1,000 characters: more than 16 MiB
WHY = "w" * 1000


@pytest.fixture
def long(terminal, tmp_path):
    """The command line over more than a file may hold, and a folder to work in."""
    terminal.done("registry", "add", "reg.test:5000")
    for part in ("a", "b"):
        grants = [
            {"subject": "everyone", "role": "reader", "on": f"{part}/{n}", "reason": WHY}
            for n in range(GRANTS // 2)
        ]
        groups = [{"name": f"{part}-{n}", "members": ["file:x", "file:y"]} for n in range(50)]
        file = tmp_path / f"{part}.json"
        file.write_text(json.dumps({"groups": groups, "grants": grants}))
        terminal.done("policy", "apply", str(file))
    return terminal


def split(text, folder):
    """What the page says to do with an export, without the command that makes it."""
    script = re.search(r"```sh\n(mkdir parts\n.*?)```", PAGE.read_text(), re.DOTALL)[1]
    run = script.replace("authsvc policy export |", "cat |")
    subprocess.run(["sh", "-e", "-c", run], input=text, text=True, cwd=folder, check=True)
    return folder / "parts"


def test_it_says_so_and_split_into_a_folder_it_plans_nothing(long, tmp_path):
    said = long("policy", "export")
    assert said.code == 0
    assert re.fullmatch(
        r"this is 16\.\d MiB, and a policy file has at most 16 MiB: .* 64 MiB together .*\n",
        said.err,
    )
    whole = tmp_path / "whole.yaml"
    whole.write_text(said.out)
    assert long("policy", "plan", str(whole)).code == 2
    parts = split(said.out, tmp_path)
    assert len(list(parts.iterdir())) > 2
    assert long("policy", "plan", str(parts), "--prune", "--exit-code").code == 0


def test_as_json_too(long):
    said = long("policy", "export", "--json")
    assert said.err.startswith("this is ")
    assert len(json.loads(said.out)["grants"]) == GRANTS


def test_what_fits_is_printed_and_nothing_else_is_said(terminal):
    terminal.done("registry", "add", "reg.test:5000")
    said = terminal("policy", "export")
    assert (said.code, said.err) == (0, "")

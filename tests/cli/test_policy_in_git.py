"""The workflow of docs/policy-in-git.md, run as it is written, against a real installation."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "policy-in-git.md").read_text()
COMPANY = ROOT / "policies" / "company"
EXAMPLE = ROOT / "policies" / "example.yaml"
PEOPLE = ("pia", "lea", "paul", "conny")
_BLOCK = re.compile(r"^```(\w+)(?: exit=(\d))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Step:
    """A block of commands, how it ends, and lines that it prints among others."""

    commands: str
    code: int
    prints: list[str]


def steps():
    found = []
    for language, code, text in _BLOCK.findall(PAGE):
        if language == "sh":
            found.append(Step(text, int(code or 0), []))
        elif language == "text":
            found[-1].prints.extend(text.splitlines())
    return found


def blocks(language):
    return [text for found, _, text in _BLOCK.findall(PAGE) if found == language]


@pytest.fixture
def company(terminal, password):
    """An installation with the company and its people, as policies/README.md makes it."""
    terminal.done("init", "--service", "registry.example.com")
    for name in PEOPLE:
        terminal.done("user", "add", name, "--password-file", password)
    terminal.done("policy", "apply", str(COMPANY))
    return terminal


@pytest.fixture
def shell(company, tmp_path):
    """Runs commands in an empty folder of somebody who knows git and where the settings are."""
    folder = tmp_path / "rights"
    folder.mkdir()
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(tmp_path),
        "AUTHSVC_CONFIG": str(company.config),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": f"{what}@example.com".lower()
           for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }  # fmt: skip

    def run(commands):
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands], cwd=folder, env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    return run


def test_the_company_passes_its_own_tests_and_lint(company):
    assert company("policy", "test", str(COMPANY)).code == 0
    assert company("policy", "test", str(COMPANY), "--stored").code == 0
    assert company("policy", "test", str(COMPANY), "--alone").code == 0
    assert company.done("policy", "lint", str(COMPANY)) == []
    assert company.done("policy", "lint", str(COMPANY), "--alone") == []
    assert company("policy", "plan", str(COMPANY), "--exit-code").code == 0


def test_the_example_passes_its_own_tests_and_lint(terminal):
    terminal.done("init", "--example")
    assert terminal("policy", "test", str(EXAMPLE)).out == "5 passed, 0 failed\n"
    assert terminal("policy", "test", str(EXAMPLE), "--alone").code == 0
    assert terminal.done("policy", "lint", str(EXAMPLE), "--alone") == []
    assert terminal("policy", "plan", str(EXAMPLE), "--exit-code").code == 0


def test_the_page_does_what_it_says(shell):
    for step in steps():
        done = shell(step.commands)
        said = done.stdout + done.stderr
        assert done.returncode == step.code, (step.commands, said)
        missing = [line for line in step.prints if line not in said]
        assert missing == [], (step.commands, said)
    log = shell("git log --format=%s").stdout.splitlines()
    assert log[0] == "Merge pipelines-push"
    assert shell("git status --porcelain --untracked-files=no").stdout == ""


def test_pipelines_run_what_the_page_ran():
    ran = "\n".join(step.commands for step in steps())
    pipelines = blocks("yaml")
    assert len(pipelines) == 2
    for pipeline in pipelines:
        yaml.safe_load(pipeline)
        commands = re.findall(r"(authsvc policy \S.*|ci/check)", pipeline)
        assert len(commands) >= 3
        for command in commands:
            assert command.removesuffix("]").strip() in ran


def test_of_very_many_faults_a_hundred_are_printed_and_then_their_number(terminal, tmp_path):
    file = tmp_path / "p.yaml"
    entries = "".join(f"  - {{subject: everyone, role: reader, on: T{n}}}\n" for n in range(5_000))
    file.write_text("grants:\n" + entries)
    said = terminal("policy", "apply", str(file))
    lines = said.err.splitlines()
    assert (said.code, said.out, len(lines)) == (2, "", 101)
    assert lines[0].startswith(f"{file}:2:43: this is no path")
    assert lines[-1] == "authsvc: 5000 faults in the policy; nothing was changed"

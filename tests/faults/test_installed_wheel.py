"""An installed wheel works where there is no checkout: what it needs travels in it."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from real.people import ONE, READER, introduce
from real.process import ROOT
from real.service import Service
from real.wire import ask_token, claims


@pytest.fixture
def installed(rt, folder) -> Path:
    """The `authsvc` command of a wheel in an environment of its own, outside the checkout."""
    folder.mkdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    [wheel] = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    # The dependencies come from this environment, by a path file: the path files in there, the
    # one that leads to the checkout among them, are not followed.
    site = next((folder / "venv").glob("lib/python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    run(
        sys.executable, "-m", "pip", "--python", folder / "venv/bin/python",
        "install", "-q", "--no-deps", "--no-index", "--ignore-installed", wheel,
    )  # fmt: skip
    return folder / "venv/bin/authsvc"


def test_an_installed_wheel_works_outside_a_checkout(installed, rt):
    package = run(
        installed.with_name("python"), "-c", "import authsvc; print(authsvc.__file__)", cwd=rt
    )
    assert str(installed.parents[1]) in package

    service = Service(rt / "from-wheel", program=installed)
    introduce(service)
    service.start()
    try:
        answer = ask_token(
            f"{service.url}/token", ONE, "repository:team/app:pull,push", account=READER
        )
    finally:
        service.stop()
    assert claims(str(answer.json()["token"]))["access"] == [
        {"type": "repository", "name": "team/app", "actions": ["pull"]}
    ]


def test_the_example_policy_travels_in_the_wheel(installed, rt):
    service = Service(rt / "with-example", program=installed)
    service.cli("init", "--example")
    assert "public" in service.cli("namespace", "list")


def run(*argv, cwd=None) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        argv, cwd=cwd, env=clean, check=True, capture_output=True, text=True, timeout=120
    ).stdout

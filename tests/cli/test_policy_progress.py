"""How far `policy apply` has come is shown to who looks on, and nobody else."""

import json
import os
import pty
import subprocess
import sys

import pytest

GRANTS = 5_000
STEPS = ("reading", "comparing and writing")


@pytest.fixture
def started(terminal, tmp_path):
    """Starts `policy apply` of a large file as a process of its own; `stderr` is where it says."""
    terminal.done("registry", "add", "reg.test:5000")
    large = {
        "grants": [
            {"subject": f"user:file:p{n}", "role": "writer", "on": f"team/a{n}"}
            for n in range(GRANTS)
        ]
    }
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(large))

    def start(stderr):
        words = ["--config", str(terminal.config), "policy", "apply", str(file)]
        return subprocess.Popen(
            [sys.executable, "-m", "authsvc.cli", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True,
            cwd=tmp_path, env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        )  # fmt: skip

    return start


def shown(screen):
    """All that comes to a terminal until the last program lets go of it."""
    said = b""
    while True:
        try:
            said += os.read(screen, 65536)
        except OSError:  # nobody writes any more
            return said.decode()


def test_a_bar_is_on_a_terminal_while_a_large_file_is_applied(started):
    screen, terminal = pty.openpty()
    process = started(terminal)
    os.close(terminal)
    said = shown(screen)
    out, _ = process.communicate()
    os.close(screen)
    assert (process.returncode, out) == (
        0, f"added: {GRANTS} grants; 0 as they should be already\n",
    )  # fmt: skip
    assert all(step in said for step in STEPS)
    assert "━" in said
    assert said.rstrip().endswith("\x1b[2K")  # and goes when all is done


def test_where_stderr_is_no_terminal_there_is_no_bar(started):
    process = started(subprocess.PIPE)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert out == f"added: {GRANTS} grants; 0 as they should be already\n"

"""Python in processes of their own, for what only shows between processes."""

import subprocess
import sys

from db_fixtures import die_with_parent


def start(source: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", source, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call, no locks
    )


def finish(*processes: subprocess.Popen) -> list[str]:
    """What they printed; fails when one of them failed."""
    outputs = []
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        outputs.append(output)
    return outputs

"""Completion, as bash asks for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
eval "$(authsvc --show-completion bash)"
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
[ {fresh} = yes ] && {{ COMP_WORDS+=(""); COMP_CWORD=$((COMP_CWORD + 1)); }}
_authsvc_completion authsvc
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(line: str, tmp_path: Path) -> list[str]:
    script = ASK.format(words=line, fresh="yes" if line.endswith(" ") else "no")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    said = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60,
        env={"PATH": path, "HOME": str(tmp_path)},
    )  # fmt: skip
    return said.stdout.split()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param("authsvc expl", ["explain"], id="a command"),
        pytest.param("authsvc group mem", ["member"], id="a group of commands"),
        pytest.param("authsvc group member ", ["add", "remove"], id="a command of it"),
        pytest.param("authsvc grant add --exp", ["--expires"], id="an option"),
        pytest.param("authsvc --config x.toml who-", ["who-can"], id="after options"),
        pytest.param("authsvc registry add --key-header lib", ["libtrust"], id="a choice"),
    ],
)
def test_bash_is_told_what_may_follow(line, found, tmp_path):
    assert completed(line, tmp_path) == found
    assert not list(tmp_path.iterdir())

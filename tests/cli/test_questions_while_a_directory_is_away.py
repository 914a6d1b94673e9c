"""A question about a person whose directory does not answer: one line, and what to do next."""

import pytest
from real.process import free_port

from authsvc import logs
from authsvc.cli.exits import UNREACHABLE

ASKED = ("explain", "user:corp:lana", "repository:team/app:pull")


@pytest.fixture
def away(terminal):
    """A command line whose directory is away."""
    with terminal.config.open("a") as file:
        file.write(
            '[[sources]]\ntype = "ldap"\nname = "corp"\nuser_base = "dc=x"\n'
            f'urls = ["ldap://127.0.0.1:{free_port()}"]\n'
        )
    terminal.done("registry", "add", "reg.test")
    return terminal


def test_the_error_is_one_line_that_says_what_to_do_next(away, capsys):
    said = away(*ASKED)
    assert (said.code, said.out) == (UNREACHABLE, "")
    (line,) = said.err.splitlines()
    assert line.startswith("authsvc: no server of source corp answers: see to sources.corp.urls")
    assert "--debug" in line
    logs.get("tests").error("heard again afterwards")
    assert "heard again afterwards" in capsys.readouterr().err


def test_with_debug_the_log_says_why(away):
    said = away(*ASKED, "--debug")
    assert said.code == UNREACHABLE
    assert '"event":"directory server not usable"' in said.err

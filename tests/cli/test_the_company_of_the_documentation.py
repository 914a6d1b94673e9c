"""The company of docs/access.md: its commands run as written, and its sentences are true."""

import shlex
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
PEOPLE = ("lea", "conny", "pat", "flo")
OFFICE = ("--ip", "10.20.1.2")
SENTENCES = [
    ("anonymous", "pull", "public/hello", (), True),
    ("anonymous", "push", "public/hello", (), False),
    ("user:flo", "push", "public/hello", (), True),
    ("user:pat", "pull,push", "payments/api", (), True),
    ("user:pat", "delete", "payments/api", (), False),
    ("user:pat", "pull", "payments/attic/api", (), False),
    ("user:pat", "pull", "platform/base/debian", (), True),
    ("user:conny", "pull", "platform/api", (), True),
    ("anonymous", "pull", "platform/api", (), False),
    ("user:flo", "delete", "platform/api", (), True),
    ("user:flo", "pull", "payments/api", (), False),
    ("user:lea", "pull,push,delete", "payments/attic/api", (), True),
    ("user:conny", "push", "payments/tools/cli", OFFICE, True),
    ("user:conny", "push", "payments/tools/cli", ("--ip", "192.0.2.1"), False),
    ("user:conny", "push", "payments/api", OFFICE, False),
]


def commands():
    """The words of each command in the block under the heading."""
    text = PAGE.read_text().split("## A company, worked through", 1)[1]
    block = text.split("```", 2)[1]
    return [shlex.split(line)[1:] for line in block.strip().splitlines()]


@pytest.fixture
def company(terminal, password):
    terminal.done("registry", "add", "localhost:5000")
    for name in PEOPLE:
        terminal.done("user", "add", name, "--password-file", password)
    for words in commands():
        terminal.done(*words)
    terminal.done("group", "member", "add", "payments-devs", "pat")
    terminal.done("group", "member", "add", "platform-devs", "flo")
    return terminal


def test_every_sentence_about_the_company_is_true(company):
    for subject, actions, name, more, allowed in SENTENCES:
        said = company("explain", subject, f"repository:{name}:{actions}", *more)
        assert said.code == (0 if allowed else 1), (subject, actions, name, said.out, said.err)


def test_the_reason_that_the_page_names_is_given(company):
    words = ("explain", "user:conny", "repository:payments/tools/cli:push", "--ip", "192.0.2.1")
    assert "outside_networks" in company(*words).out
    assert "denied" in company("explain", "user:pat", "repository:payments/attic/x:pull").out

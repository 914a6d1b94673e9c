"""The attack table of docs/security.md: each row is closed by tests that there are."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))
ROWS = [
    line for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| road |"))
]  # fmt: skip


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_the_table_names_is_there(file, name):
    tree = ast.parse((TESTS / file).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert name in {node.name for node in tree.body if isinstance(node, functions)}


def test_every_row_is_closed_by_a_test_or_says_why_not():
    assert len(ROWS) > 50
    for row in ROWS:
        closing = row.strip("| ").split("|")[-1]
        assert re.search(r"\.py::test_", closing) or "by design" in closing, row

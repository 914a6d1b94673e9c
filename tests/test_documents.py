"""What the outside can see is written down: a test fails when a name is missing in the docs."""

import ast
import re
from pathlib import Path

import pytest

import authsvc.metrics
from authsvc.access.model import Reason
from authsvc.audit.records import MEMBERS, Event, Outcome
from authsvc.web.errors import TABLE

ROOT = Path(__file__).parent.parent
DOCS = "\n".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))


def metrics():
    text = Path(authsvc.metrics.__file__).read_text()
    return re.findall(r'"(authsvc_[a-z_]+)"', text)


@pytest.mark.parametrize(
    "name",
    [
        *metrics(), *MEMBERS, *Event, *Outcome, *Reason,
        # In one order: test runs that share their tests must agree about them.
        *sorted({wire.code for wire in TABLE.values()} | {wire.error for wire in TABLE.values()}),
    ],
)  # fmt: skip
def test_metrics_record_members_reasons_and_error_codes_are_documented(name):
    assert f"`{name}`" in DOCS


def test_every_package_says_what_it_owns():
    for package in (ROOT / "authsvc").rglob("__init__.py"):
        text = ast.get_docstring(ast.parse(package.read_text()))
        assert text, package


def test_links_between_pages_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "certs" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_every_directive_of_the_makefile_is_named_in_the_readme_or_by_help():
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"help", "run", "demo", "test", "check", "bench", "migrate", "soak"} <= set(targets)

"""The JSON Schema of policy documents takes what the parser takes, and says what editors show.

With `AUTHSVC_WRITE_TABLES=1` in the environment the published file is written.
"""

import json
import os
import re
from pathlib import Path

import jsonschema_rs
import pytest

from authsvc.changes.faults import Faults
from authsvc.changes.policy import placed
from authsvc.changes.policy.document import MEMBERS, parse
from authsvc.changes.policy.lint_rules import RULES
from authsvc.changes.policy.schema import schema
from authsvc.errors import Invalid

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "policies" / "policy.schema.json"
DOCUMENTS = [
    *sorted((ROOT / "policies").rglob("*.yaml")),
    *(ROOT / "tests" / "scenarios").glob("homes.yaml"),
]
PAGE = (ROOT / "docs" / "policy-files.md").read_text()
WRITING = bool(os.environ.get("AUTHSVC_WRITE_TABLES"))
VALIDATOR = jsonschema_rs.Draft202012Validator(schema())

GRANT = {"subject": "group:devs", "role": "writer", "on": "team"}
REGISTRY = {"name": "registry.example.com"}


def value(data):
    """A document as a JSON value, read as the parser reads it."""
    faults = Faults()
    node = placed.read("p.yaml", data, faults)
    faults.refuse()
    return placed.plain(node)


def test_the_published_schema_is_the_one_that_the_specs_make():
    text = json.dumps(schema(), indent=2) + "\n"
    if WRITING:
        PUBLISHED.write_text(text)
    assert PUBLISHED.read_text() == text


def test_it_is_a_schema_of_its_dialect():
    jsonschema_rs.meta.validate(schema())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_document_in_the_tree_is_valid(path):
    held = value(path.read_bytes())
    assert [error.message for error in VALIDATOR.iter_errors(held)] == []


def test_every_member_is_described():
    made = schema()
    assert set(made["properties"]) == set(MEMBERS)
    for part in (made, *made["$defs"].values()):
        assert part["description"]
        assert part["additionalProperties"] is False
        assert all(held["description"] for held in part["properties"].values())


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(None, id="nothing"),
        pytest.param({"grants": None}, id="a list of nothing"),
        pytest.param({"grants": [{"subject": "user:x", "role": "admin"}]}, id="admin, no place"),
        pytest.param({"grants": [{**GRANT, "role": "auditor", "on": "**"}]}, id="auditor"),
        pytest.param({"grants": [{**GRANT, "expires_at": "2030-01-31t12:00:00.5+02:00"}]},
                     id="end"),
        pytest.param({"grants": [{**GRANT, "cidrs": ["2001:db8::/32", "10.0.0.0/8"]}]}, id="nets"),
        pytest.param({"grants": [{**GRANT, "subject": "group:corp:Zoë Ångström"}]}, id="letters"),
        pytest.param({"groups": [{"name": "a b", "members": ["x", "corp:y", "group:z"]}]},
                     id="group"),
        pytest.param({"registries": [{**REGISTRY, "ttl": None}]}, id="ttl"),
        pytest.param({"tests": ["Zoë Q can pull reg.test:5000/a/b on r:1 from ::1"]}, id="test"),
        pytest.param({"tests": ["user:corp:x cannot delete,push a on b"]}, id="test of a source"),
    ],
)  # fmt: skip
def test_what_the_parser_takes_is_valid(document):
    parse([("p.json", json.dumps(document).encode())])
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


@pytest.mark.parametrize(
    "document",
    [
        pytest.param([], id="list"),
        pytest.param({"grant": []}, id="unknown member"),
        pytest.param({"Grants": []}, id="member in another spelling"),
        pytest.param({"grants": {}}, id="object for a list"),
        pytest.param({"grants": ["x"]}, id="text for an entry"),
        pytest.param({"grants": [{**GRANT, "rol": "x"}]}, id="unknown member of an entry"),
        pytest.param({"grants": [{"role": "writer", "on": "team"}]}, id="no subject"),
        pytest.param({"grants": [{"subject": "everyone", "on": "team"}]}, id="no role"),
        pytest.param({"grants": [{"subject": "everyone", "role": "writer"}]}, id="no place"),
        pytest.param({"grants": [{**GRANT, "on": None}]}, id="place of nothing"),
        pytest.param({"grants": [{**GRANT, "on": True}]}, id="boolean for a text"),
        pytest.param({"grants": [{**GRANT, "on": "Team"}]}, id="letters of a place"),
        pytest.param({"grants": [{**GRANT, "on": "team/"}]}, id="slash at the end"),
        pytest.param({"grants": [{**GRANT, "role": "admin"}]}, id="admin somewhere"),
        pytest.param({"grants": [{**GRANT, "role": "admin", "on": None, "registry": "r"}]},
                     id="admin at a registry"),
        pytest.param({"grants": [{**GRANT, "role": "Writer"}]}, id="role in another spelling"),
        pytest.param({"grants": [{**GRANT, "subject": "devs"}]}, id="no subject's form"),
        pytest.param({"grants": [{**GRANT, "subject": "Group:devs"}]}, id="kind spelt otherwise"),
        pytest.param({"grants": [{**GRANT, "effect": "Deny"}]}, id="effect in another spelling"),
        pytest.param({"grants": [{**GRANT, "expires_at": 20300101}]}, id="number for a time"),
        pytest.param({"grants": [{**GRANT, "expires_at": "2030-01-01"}]}, id="date alone"),
        pytest.param({"grants": [{**GRANT, "expires_at": "2030-01-01T00:00:00"}]}, id="no zone"),
        pytest.param({"grants": [{**GRANT, "expires_at": "30d"}]}, id="length for a time"),
        pytest.param({"grants": [{**GRANT, "cidrs": "10.0.0.0/8"}]}, id="text for a list"),
        pytest.param({"grants": [{**GRANT, "cidrs": ["office"]}]}, id="no network"),
        pytest.param({"grants": [{**GRANT, "cidrs": ["10.0.0.0/8"] * 65}]}, id="many networks"),
        pytest.param({"grants": [{**GRANT, "reason": "x" * 1001}]}, id="long reason"),
        pytest.param({"namespaces": [{"name": "a//b"}]}, id="no path"),
        pytest.param({"namespaces": [{"name": "a", "visibility": "open"}]}, id="visibility"),
        pytest.param({"registries": [{**REGISTRY, "enabled": "yes"}]}, id="text for a boolean"),
        pytest.param({"registries": [{**REGISTRY, "ttl": 59}]}, id="short life"),
        pytest.param({"registries": [{**REGISTRY, "ttl": 60.5}]}, id="fraction"),
        pytest.param({"registries": [{**REGISTRY, "ttl": "300"}]}, id="text for a number"),
        pytest.param({"registries": [{"name": "a b"}]}, id="blank in a name"),
        pytest.param({"roles": [{"name": "a"}]}, id="role without what it allows"),
        pytest.param({"roles": [{"name": "a", "allow": []}]}, id="role that allows nothing"),
        pytest.param({"roles": [{"name": "a", "allow": ["repository:*"]}]}, id="star"),
        pytest.param({"groups": [{"name": "a:b"}]}, id="colon in a name"),
        pytest.param({"groups": [{"name": "a", "members": ["b:c:d:e"]}]}, id="no member"),
        pytest.param({"tests": [["a can pull b"]]}, id="list for a test"),
        pytest.param({"tests": ["a may pull b"]}, id="no verb"),
        pytest.param({"tests": ["a can fetch b"]}, id="no action"),
        pytest.param({"tests": ["a can pull team/*"]}, id="no concrete name"),
        pytest.param({"tests": ["group:a can pull b"]}, id="group that asks"),
        pytest.param({"tests": ["a can pull b from home"]}, id="no address"),
    ],
)  # fmt: skip
def test_a_single_fault_is_refused_by_schema_and_parser_alike(document):
    assert not VALIDATOR.is_valid(document)
    with pytest.raises(Invalid):
        parse([("p.json", json.dumps(document).encode())])


def test_the_reference_names_every_member_and_every_rule_of_lint():
    sections = {text.partition("\n")[0]: text for text in PAGE.split("\n## ")}
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", sections["The document"], re.MULTILINE))
    assert list(rows) == list(MEMBERS)
    for kind, held in schema()["properties"].items():
        name = re.search(r"\w+Spec", str(held))
        members = schema()["$defs"][name[0]]["properties"] if name else ()
        assert [member for member in members if f"`{member}`" not in rows[kind]] == []
    words = re.findall(r"^\| `(\w+)` \|", sections["Lint"], re.MULTILINE)
    assert words == ["unknown", *RULES]


def test_the_example_of_the_reference_is_one():
    (example,) = re.findall(r"^```yaml\n(.*?grants.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    document = parse([("p.yaml", example.encode())])
    assert len(document.tests) == 3

"""Policy files (contract section 8): what is taken, and every fault with its place."""

import pytest

from authsvc.changes.policy.document import parse
from authsvc.errors import Invalid


def faults(text, name="p.yaml"):
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(Invalid) as caught:
        parse([(name, data)])
    return list(caught.value.faults)


def test_a_document_has_four_lists_and_defaults():
    document = parse(
        [
            (
                "p.yaml",
                b"""
registries:
  - {name: "localhost:5000", ttl: 300}
namespaces:
  - name: team
groups:
  - {name: devs, members: [alice, "file:zoe", "group:ops"]}
  - name: ops
grants:
  - subject: group:devs
    role: writer
    on: team
    cidrs: [10.0.0.0/8]
    expires_at: 2030-01-01T00:00:00Z
  - {subject: everyone, role: catalog-reader}
""",
            )
        ]
    )
    assert document.registries[0].spec.ttl == 300
    assert document.namespaces[0].spec.visibility == "private"
    assert document.groups[0].spec.members == ("user:local:alice", "user:file:zoe", "group:ops")
    assert document.grants[0].place == "p.yaml:10:5"
    assert [each.spec.on for each in document.grants] == ["team", "**"]


def test_json_is_yaml_and_an_empty_file_is_an_empty_document():
    one = parse([("p.json", b'{"namespaces": [{"name": "team"}]}'), ("empty.yaml", b"# nothing\n")])
    assert [each.spec.name for each in one.namespaces] == ["team"]
    assert parse([("p.yaml", b"grants:\n")]).grants == ()


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        pytest.param("grant: []", "p.yaml:1:1", "did you mean 'grants'", id="member of a document"),
        pytest.param(
            "grants:\n  - {subject: everyone, rol: reader, role: reader, on: x}",
            "p.yaml:2:25",
            "did you mean 'role'",
            id="member of an entry",
        ),
        pytest.param(
            "namespaces:\n  - name: team\n    visibility: open", "p.yaml:3:17", "'private'",
            id="value",
        ),
        pytest.param(
            "grants:\n  - {subject: everyone, role: reader, on: x, cidrs: [10.0.0.0/8, ten]}",
            "p.yaml:2:66",
            "no network",
            id="value in a list",
        ),
        pytest.param("grants:\n  - {role: reader, on: x}", "p.yaml:2:5", "'subject' is missing",
                     id="missing"),
        pytest.param("registries: [{name: a, enabled: yes}]", "p.yaml:1:33", "boolean", id="yes"),
        pytest.param("registries: [{name: a, ttl: '300'}]", "p.yaml:1:29", "integer", id="text"),
        pytest.param("registries:\n  - {name: a, ttl: 59}", "p.yaml:2:20", "60", id="too short"),
        pytest.param("- a", "p.yaml:1:1", "is an object", id="list"),
        pytest.param("grants: {a: b}", "p.yaml:1:9", "is a list", id="object"),
        pytest.param("grants: [a]", "p.yaml:1:10", "is an object", id="entry"),
        pytest.param("groups:\n- name: a\n  name: b", "p.yaml:3:3", "twice", id="twice a member"),
        pytest.param("groups: [{name: a}, {name: a}]", "p.yaml:1:21", "yaml:1:10", id="again"),
        pytest.param("a: &x [1]\nb: *x", "p.yaml:1:4", "anchors", id="anchor"),
        pytest.param("a: !!python/object:os.system x", "p.yaml:1:4", "tags", id="tag"),
        pytest.param("a: 1\n---\nb: 2", "p.yaml:2:1", "one document", id="two documents"),
        pytest.param("? [a]\n: b", "p.yaml:1:3", "is a text", id="key"),
        pytest.param("a: [}]", "p.yaml:1:5", "no YAML", id="torn"),
        pytest.param("a: \t- b: %", "p.yaml:1:5", "no YAML", id="tab"),
        pytest.param(b"a: b\n\xff: c", "p.yaml:2:1", "UTF-8", id="bytes"),
        pytest.param(b"a: \x00", "p.yaml:1:1", "no YAML", id="control character"),
    ],
)  # fmt: skip
def test_a_fault_has_its_place(text, place, says):
    (found,) = faults(text)
    assert found[0] == place
    assert says in found[1]


def test_all_faults_of_all_files_are_told_at_once():
    with pytest.raises(Invalid) as caught:
        parse([("a.yaml", b"groups: [{name: 'a:b'}, {nam: x}]"), ("b.yaml", b"grants: 7")])
    places = [place for place, _ in caught.value.faults]
    assert places == ["b.yaml:1:9", "a.yaml:1:17", "a.yaml:1:25", "a.yaml:1:26"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 200_000, id="deep list"),
        pytest.param("a: " + "{b: " * 50_000, id="deep object"),
        pytest.param("- " * 50_000, id="deep block"),
        pytest.param("a: &a [x]\n" + "b: [*a, *a, *a]\n" * 3, id="bomb"),
        pytest.param("x" * (16 * 1024 * 1024 + 1), id="size"),
    ],
)
def test_hostile_documents_are_refused_at_once(text):
    assert len(faults(text)) == 1


def test_one_bad_entry_of_ten_thousand_is_named():
    lines = [f"  - {{subject: everyone, role: reader, on: team/n{i}}}" for i in range(10_000)]
    lines[7_123] = "  - {subject: everyone, role: reader, on: Team}"
    (found,) = faults("grants:\n" + "\n".join(lines))
    assert found[0] == "p.yaml:7125:43"

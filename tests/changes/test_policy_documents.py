"""Policy files (contract section 8): what is taken, and every fault with its place."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.changes.policy import placed
from authsvc.changes.policy.document import parse
from authsvc.errors import Invalid

WRITTEN = "groups:names[]{}-?,&*!|>'\"%@#0 1\n\t\\u"


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
        pytest.param("a: !!python/object:os.system x", "p.yaml:1:4", "tags", id="tag"),
        pytest.param("a: 1\n---\nb: 2", "p.yaml:2:1", "one document", id="two documents"),
        pytest.param("a: &x 1", "p.yaml:1:4", "anchors", id="anchor"),
        pytest.param("&x groups: []", "p.yaml:1:1", "anchors", id="anchor of a name"),
        pytest.param("a: *x", "p.yaml:1:4", "aliases", id="alias"),
        pytest.param("<<: {groups: []}", "p.yaml:1:1", "'<<'", id="merge key"),
        pytest.param("? [a]\n: b", "p.yaml:1:3", "is a text", id="list as a name"),
        pytest.param("? \n: b", "p.yaml:1:2", "unknown member ''", id="empty name"),
        pytest.param("null: b", "p.yaml:1:1", "'null'", id="name of nothing"),
        pytest.param('"\\0": b', "p.yaml:1:1", "unknown member", id="name of U+0000"),
        pytest.param("a: [}]", "p.yaml:1:5", "no YAML", id="torn"),
        pytest.param("a: \t- b: %", "p.yaml:1:5", "no YAML", id="list where none can be"),
        pytest.param("groups:\n\t- name: a", "p.yaml:2:1", "a tab stands", id="tab"),
        pytest.param("groups:\n- name: a\n\t- b: c", "p.yaml:3:1", "a tab stands", id="tab later"),
        pytest.param(b"a: b\n\xff: c", "p.yaml:2:1", "0xff", id="bytes"),
        pytest.param("# é \n# dé".encode("latin-1"), "p.yaml:1:3", "UTF-8", id="Latin-1"),
        pytest.param("groups: []".encode("utf-16"), "p.yaml:1:1", "UTF-16",
                     id="UTF-16 with a mark"),
        pytest.param("groups: []".encode("utf-16-be"), "p.yaml:1:1", "UTF-16", id="UTF-16 without"),
        pytest.param("groups: []".encode("utf-32"), "p.yaml:1:1", "UTF-32", id="UTF-32"),
        pytest.param(b"groups: \x00", "p.yaml:1:9", "U+0000", id="U+0000"),
        pytest.param("a: x\u2028b: y", "p.yaml:1:5", "U+2028", id="line that nobody sees end"),
        pytest.param("# a\rgroups: []", "p.yaml:1:4", "U+000D", id="line of its own on no screen"),
        pytest.param("a: \x1b[2J", "p.yaml:1:4", "U+001B", id="steers a terminal"),
        pytest.param('{"groups": [{"name": "\\ud800"}]}', "p.yaml:1:25", "escape",
                     id="half a character"),
        pytest.param('{"groups": [{"name": "a\\u0000"}]}', "p.yaml:1:22", "printable",
                     id="U+0000 of JSON"),
        pytest.param("groups: [{name: true}]", "p.yaml:1:17", "in quotes", id="boolean for a text"),
        pytest.param("groups: [{name: 1.5}]", "p.yaml:1:17", "in quotes", id="fraction for a text"),
        pytest.param("groups: [{name: 007}]", "p.yaml:1:17", "in quotes", id="number for a text"),
        pytest.param("groups: [{name: .inf}]", "p.yaml:1:17", "in quotes",
                     id="no number for a text"),
        pytest.param("registries: [{name: a, ttl: 9999999999999999999}]", "p.yaml:1:29", "integer",
                     id="19 digits"),
        pytest.param("registries: [{name: a, ttl: 300.0}]", "p.yaml:1:29", "integer",
                     id="fraction"),
        pytest.param("registries: [{name: a, ttl: 0300}]", "p.yaml:1:29", "integer",
                     id="octal or not"),
    ],
)  # fmt: skip
def test_a_fault_has_its_place(text, place, says):
    (found,) = faults(text)
    assert found[0] == place
    assert says in found[1]


@pytest.mark.parametrize(
    ("member", "place", "says"),
    [
        pytest.param("on: true", "p.yaml:4:8", "a text is needed", id="boolean"),
        pytest.param("on:", "p.yaml:4:7", "a text is needed", id="nothing"),
        pytest.param("on: Team", "p.yaml:4:8", "did you mean 'team'?", id="letters"),
        pytest.param("on: x\n   cidrs: 10.0.0.0/8", "p.yaml:5:11", "a list is needed", id="text"),
        pytest.param("on: x\n   expires_at: 2030-01-01", "p.yaml:5:16", "RFC 3339", id="date"),
        pytest.param("on: x\n   expires_at: 20300101", "p.yaml:5:16", "such as", id="number"),
        pytest.param("on: x\n   expires_at: 90d", "p.yaml:5:16", "such as 2030", id="length"),
        pytest.param("on: x\n   effect: Deny", "p.yaml:5:12", "mean 'deny'?", id="effect"),
        pytest.param("on: x\n   Reason: y", "p.yaml:5:4", "mean 'reason'?", id="member"),
        pytest.param("on: x\n   \uff52eason: y", "p.yaml:5:4", "mean 'reason'?", id="wide letter"),
    ],
)
def test_a_fault_of_a_grant_says_what_to_write(member, place, says):
    (found,) = faults(f"grants:\n - subject: everyone\n   role: reader\n   {member}")
    assert (found[0], says in found[1]) == (place, True), found


def test_all_faults_of_all_files_are_told_at_once():
    with pytest.raises(Invalid) as caught:
        parse([("a.yaml", b"groups: [{name: 'a:b'}, {nam: x}]"), ("b.yaml", b"grants: 7")])
    places = [place for place, _ in caught.value.faults]
    assert places == ["b.yaml:1:9", "a.yaml:1:17", "a.yaml:1:25", "a.yaml:1:26"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("[" * 200_000, "nested deeper", id="deep list"),
        pytest.param("a: " + "{b: " * 50_000, "nested deeper", id="deep object"),
        pytest.param("- " * 50_000, "nested deeper", id="deep block"),
        pytest.param("? " * 50_000, "nested deeper", id="deep names"),
        pytest.param("x" * (16 * 1024 * 1024 + 1), "16 MiB", id="size"),
        pytest.param("".join(f"a{n}: b\n" for n in range(5_000)), "100 members", id="members"),
        pytest.param("groups: [{members: [" + "a," * 10_001 + "]}]", "10,000", id="inner list"),
        pytest.param('"' + "x" * 16_000_000 + '"', "an object", id="one text"),
    ],
)
def test_hostile_documents_are_refused_at_once(text, says):
    (found,) = faults(text)
    assert says in found[1]
    assert len(found[1]) < 200


def test_anchors_that_explode_are_refused_each_and_never_followed():
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    found = faults("\n".join(lines))
    assert len(found) == 60 + 59 * 2
    assert {text for _, text in found} == {"anchors and aliases are not taken: write it out"}


def test_a_name_that_two_files_define_is_told_with_both_places():
    with pytest.raises(Invalid) as caught:
        parse([("a.yaml", b"roles: [{name: r, allow: ['repository:pull']}]"),
               ("b.yaml", b"\nroles: [{name: r, allow: ['repository:push']}]")])  # fmt: skip
    assert caught.value.faults == (("b.yaml:2:9", "this is there already, at a.yaml:1:9"),)


def test_of_very_many_faults_the_first_are_kept_and_all_are_counted():
    lines = [f"  - {{subject: everyone, role: reader, on: X{n}, re{n}: y}}\n" for n in range(5_000)]
    with pytest.raises(Invalid) as caught:
        parse([("p.yaml", ("grants:\n" + "".join(lines)).encode())])
    assert caught.value.message.startswith("10000 faults")
    assert len(caught.value.faults) == 1_000


def test_words_of_yaml_1_2_are_what_its_core_schema_says():
    groups = b"groups: [{name: on}, {name: no}, {name: 1_0}, {name: '7'}]\n"
    document = parse([("p.yaml", groups + b"registries: [{name: a, enabled: True, ttl: ~}]")])
    assert [entry.spec.name for entry in document.groups] == ["on", "no", "1_0", "7"]
    assert document.registries[0].spec.ttl is None


@pytest.mark.parametrize(
    "text", ["\U0001f600", "\x7f", "a\u2028b", "\x85", "\\ud83d", "\uffff", "/"]
)
@pytest.mark.parametrize("ascii_alone", [True, False])
def test_any_text_of_json_is_read_as_json_says(text, ascii_alone):
    grant = {"subject": "everyone", "role": "reader", "on": "x", "reason": text}
    written = json.dumps({"grants": [grant]}, ensure_ascii=ascii_alone)
    document = parse([("p.json", written.replace("/", "\\/").encode())])
    assert document.grants[0].spec.reason == text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50))
def test_what_json_prints_is_read_back(text):
    grant = {"subject": "everyone", "role": "reader", "on": "x", "reason": text}
    document = parse([("p.json", json.dumps({"grants": [grant]}).encode())])
    assert document.grants[0].spec.reason == text


@given(st.binary(max_size=200) | st.text(WRITTEN, max_size=80).map(str.encode))
def test_whatever_comes_is_a_document_or_a_fault_with_its_place(data):
    for place, text in found_in(data):
        assert re.fullmatch(r"p\.yaml:[1-9][0-9]*:[1-9][0-9]*", place)
        assert text


def found_in(data):
    try:
        parse([("p.yaml", data)])
    except Invalid as error:
        return error.faults or [("", "")]
    return []


def test_values_are_counted(monkeypatch):
    monkeypatch.setattr(placed, "MAX_VALUES", 1_000)
    (found,) = faults("groups: [" + "a,\n" * 10_000 + "]")
    assert found == ("p.yaml:999:1", "a file holds at most 1,000 values: make several of it")


def test_one_bad_entry_of_ten_thousand_is_named():
    lines = [f"  - {{subject: everyone, role: reader, on: team/n{i}}}" for i in range(10_000)]
    lines[7_123] = "  - {subject: everyone, role: reader, on: Team}"
    (found,) = faults("grants:\n" + "\n".join(lines))
    assert found[0] == "p.yaml:7125:43"

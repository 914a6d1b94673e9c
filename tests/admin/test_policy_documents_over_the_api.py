"""Documents with faults over the API: all of them told with their places, nothing changed."""

import json

import pytest
from admin.policies import VERBS, A, fresh_path, grant, left_by, refused, send, stored

pytestmark = pytest.mark.anyio
NEAR = "unknown member 'grant': did you mean 'grants'?"
ENTRY = "an entry is an object with name, registry, visibility"
OBJECTS = [
    pytest.param(None, "", "an object, or YAML text", id="null"),
    pytest.param(5, "", "an object, or YAML text", id="a number"),
    pytest.param([], "", "an object, or YAML text", id="a list"),
    pytest.param({"grant": []}, "/grant", NEAR, id="nearly a member"),
    pytest.param({"users": []}, "/users", "unknown member", id="people"),
    pytest.param({"a/b~c": 1}, "/a~1b~0c", "unknown member", id="a name to be escaped"),
    pytest.param({"x" * 99_999: 1}, "/xxx", "unknown member", id="a long name"),
    pytest.param({"namespaces": {}}, "/namespaces", "a list", id="no list"),
    pytest.param({"namespaces": "team"}, "/namespaces", "a list", id="a text for a list"),
    pytest.param({"namespaces": [5]}, "/namespaces/0", ENTRY, id="no entry"),
    pytest.param({"namespaces": [[]]}, "/namespaces/0", ENTRY, id="a list for an entry"),
    pytest.param({"namespaces": [{}]}, "/namespaces/0/name", "'name' is missing", id="empty"),
    pytest.param({"namespaces": [{"name": "t", "id": 1}]}, "/namespaces/0/id", "unknown", id="id"),
    pytest.param({"namespaces": [{"name": "Team"}]}, "/namespaces/0/name", "'team'?", id="case"),
    pytest.param({"namespaces": [{"name": 5}]}, "/namespaces/0/name", "text is needed", id="type"),
    pytest.param({"roles": [{"name": "r", "allow": ["repository:pul"]}]}, "/roles/0/allow", "",
                 id="no action"),
    pytest.param({"registries": [{"name": "r", "enabled": "yes"}]}, "/registries/0/enabled",
                 "true or false", id="a text for a boolean"),
    pytest.param({"groups": [{"name": "g", "members": ["a", 5]}]}, "/groups/0/members/1",
                 "text is needed", id="a number for a member"),
    pytest.param({"grants": [grant("t", expires_at="30d")]}, "/grants/0/expires_at", "", id="when"),
    pytest.param({"grants": [grant("t", expires_at=1893456000)]}, "/grants/0/expires_at",
                 "RFC 3339", id="a time as a number"),
    pytest.param({"grants": [grant("t", "user:nobody-is")]}, "/grants/0", "no user", id="nobody"),
    pytest.param({"grants": [grant("t", role="writr")]}, "/grants/0", "'writer'?", id="no role"),
    pytest.param({"grants": [grant("t", registry="reg-a")]}, "/grants/0", "'reg-a.test'?",
                 id="no registry"),
    pytest.param({"tests": [{}]}, "/tests/0", "a test is a text", id="no text for a test"),
    pytest.param({"tests": ["bob may pull x"]}, "/tests/0", "this is no test", id="no test"),
    pytest.param({"tests": [f"bob can eat x on {A}"]}, "/tests/0", "no actions", id="no verb"),
    pytest.param({"namespaces": [{"name": "two"}, {"name": "two"}]}, "/namespaces/1",
                 "there already, at /document/namespaces/0", id="twice"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "place", "text"), OBJECTS)
async def test_a_fault_in_an_object_has_a_pointer(api, document, place, text):
    for verb in VERBS:
        if verb == "lint" and place.endswith("grants/0"):
            continue  # what is not there is a finding
        answer = await refused(api, "root", verb, document)
        assert answer.status == 422
        [fault] = answer.json["errors"]
        assert fault["pointer"].startswith(f"/document{place}"), fault
        assert text in fault["detail"]
        assert len(answer.body) < 1_500


TEXTS = [
    pytest.param("x", 1, 1, "a policy is an object", id="a word"),
    pytest.param("grants:\n\t- {}", 2, 1, "tab", id="a tab"),
    pytest.param("grants: [{", 2, 1, "no YAML", id="cut"),
    pytest.param("grants: []\n---\ngrants: []\n", 2, 1, "one document", id="two documents"),
    pytest.param("namespaces: []\nnamespaces: []\n", 2, 1, "twice", id="a member twice"),
    pytest.param("namespaces: [{name: a, name: b}]", 1, 24, "twice", id="a name twice"),
    pytest.param("namespaces: &x []", 1, 13, "anchors", id="an anchor"),
    pytest.param("a: &a [1]\nb: &b [*a, *a, *a]\n", 1, 4, "anchors", id="YAML bomb"),
    pytest.param("namespaces: !!python/object:os.system []", 1, 13, "tags", id="a tag"),
    pytest.param("namespaces: [{name: a, <<: {}}]", 1, 24, "unknown member '<<'", id="merge"),
    pytest.param("[" * 500, 1, 18, "nested deeper", id="nested too deeply"),
    pytest.param("namespaces:\n  - name: on\n    visibility: true\n", 3, 17, "", id="a boolean"),
    pytest.param("grant: []", 1, 1, NEAR, id="nearly a member"),
    pytest.param('namespaces: [{name: "a\\0"}]', 1, 21, "", id="U+0000 by an escape"),
    pytest.param('grants: [{reason: "\\ud800"}]', 1, 22, "Unicode", id="a lone surrogate"),
    pytest.param("namespaces: []\x85grants: []", 1, 15, "U+0085", id="an end of a line to YAML"),
    pytest.param("namespaces: [{name: a}]\nroles:\n  - {name: reader, allow: []}\n", 3, 27, "",
                 id="after good ones"),
    pytest.param("tests:\n  - bob may pull x\n", 2, 5, "this is no test", id="no test"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "said"), TEXTS)
async def test_a_fault_in_a_text_has_its_line_and_column(api, text, line, column, said):
    for verb in VERBS:
        answer = await refused(api, "root", verb, text)
        assert answer.status == 422
        fault = answer.json["errors"][0]
        assert fault["pointer"] == "/document"
        assert fault["detail"].startswith(f"line {line}, column {column}: "), fault
        assert said in fault["detail"]
        assert len(answer.body) < 2_500


@pytest.mark.parametrize("verb", VERBS)
async def test_all_faults_are_told_at_once_and_beyond_a_hundred_counted(api, verb):
    few = {"namespaces": [{"name": "T"}, {"x": 1}], "tests": [5], "roles": 5, "x": 1}
    places = [each["pointer"] for each in (await refused(api, "root", verb, few)).json["errors"]]
    assert sorted(places) == [
        "/document/namespaces/0/name", "/document/namespaces/1/name", "/document/namespaces/1/x",
        "/document/roles", "/document/tests/0", "/document/x",
    ]  # fmt: skip
    many = [{"name": f"t{number}", "x": 1} for number in range(9_999)]
    for document in ({"namespaces": many}, json.dumps({"namespaces": many})):
        answer = await refused(api, "root", verb, document)
        assert "9999 faults" in answer.json["detail"]
        assert len(answer.json["errors"]) == 100


ABOUT = [
    pytest.param({"roles": [{"name": "reader", "allow": ["repository:pull"]}]}, "/document/roles/0",
                 id="a role that is built in"),
    pytest.param("roles: [{name: reader, allow: ['repository:pull']}]", "line 1, column 9",
                 id="in a text"),
    pytest.param({"groups": [{"name": "o", "members": ["group:o"]}]}, "/document/groups/0",
                 id="a loop"),
    pytest.param("groups: [{name: o, members: ['group:o']}]", "line 1, column 10", id="in a text"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "place"), ABOUT)
async def test_a_rule_that_refuses_says_where(api, document, place):
    for verb in ("test", "plan", "apply"):
        answer = await refused(api, "root", verb, document)
        assert (answer.status, place in answer.json["detail"]) == (409, True), answer.body


async def test_a_document_with_faults_leaves_one_refused_record_without_a_word_of_it(api):
    for verb, left in (("apply", 1), ("plan", 0), ("test", 0), ("lint", 0)):
        document = {"grants": [{"subject": "user:canary", "canary": "canary"}]}
        _, records = await left_by(api, send(api, verb, document))
        assert [(r["event"], r["outcome"]) for r in records] == [("policy", "refused")] * left
        assert "canary" not in str(records)


BODIES = [
    pytest.param({"document": {}, "x": 1}, "/x", id="an unknown member"),
    pytest.param({}, "/document", id="none"),
    pytest.param({"document": {}, "prune": "yes"}, "/prune", id="a text for prune"),
    pytest.param({"document": {}, "prune": 1}, "/prune", id="a number for prune"),
    pytest.param({"document": {}, "prune": None}, "/prune", id="null for prune"),
    pytest.param({"document": {}, "allow_lockout": "no"}, "/allow_lockout", id="lockout"),
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("body", "pointer"), BODIES)
async def test_what_is_asked_for_a_document_is_closed(api, verb, body, pointer):
    answer = await api.post(f"/policy/{verb}", body)
    assert answer.status == 422
    assert [each["pointer"] for each in answer.json["errors"]] == [pointer]


JSON = [("content-type", "application/json")]
RAW = [
    pytest.param(b"grants: []", [("content-type", "application/yaml")], 415, id="YAML itself"),
    pytest.param(b"grants: []", [("content-type", "text/plain")], 415, id="AD-13 text"),
    pytest.param(b"{}", [("content-type", "application/x-www-form-urlencoded")], 415, id="a form"),
    pytest.param(b"{}", [*JSON, ("content-encoding", "gzip")], 415, id="compressed"),
    pytest.param(b"", JSON, 422, id="nothing"),
    pytest.param(b'{"document": {}', JSON, 422, id="cut"),
    pytest.param(b'{"document": {}, "document": {}}', JSON, 422, id="a member twice"),
    pytest.param(b'{"document": {"grants": [], "grants": []}}', JSON, 422, id="a kind twice"),
    pytest.param(b'{"document": "\\u0000"}', JSON, 422, id="U+0000"),
    pytest.param(b'{"document": "\\ud800"}', JSON, 422, id="a lone surrogate"),
    pytest.param(b'{"document": {"\\udc00": 1}}', JSON, 422, id="in a name"),
    pytest.param(b'{"document": "# \\ud83d\\ude00"}', JSON, 200, id="a pair of them"),
    pytest.param(b'{"document": {"grants": ' + b"[" * 99 + b"]" * 99 + b"}}", JSON, 422, id="deep"),
    pytest.param(b'{"document": ' + b"[" * 1_000_000, JSON, 422, id="JSON bomb"),
    pytest.param(b'{"document": {"grants": [NaN]}}', JSON, 422, id="NaN"),
    pytest.param(b'{"document": "\xff"}', JSON, 422, id="no UTF-8"),
    pytest.param(b'{"document": "' + b"#" * (7 << 20) + b'"}', JSON, 413, id="AD-12 over 7 MiB"),
    pytest.param(b'{"document": "' + b"#" * 7_000_000 + b'"}', JSON, 200, id="nearly 7 MiB"),
    pytest.param(b'{"document": {"x": [' + b"1," * 3_000_000 + b"1]}}", JSON, 422, id="many"),
    pytest.param(
        b'{"document": {"groups": [{"name": "g", "members": [' + b"1," * 20_000 + b"1]}]}}",
        JSON,
        422,
        id="a long list",
    ),
    pytest.param(
        json.dumps({"document": {"groups": [{f"m{n}": 1 for n in range(20_000)}]}}).encode(),
        JSON,
        422,
        id="an entry of many members",
    ),
    pytest.param(
        json.dumps({"document": {"tests": ["bob can pull x"] * 10_001}}).encode(),
        JSON,
        422,
        id="more tests than are run here",
    ),
]


@pytest.mark.parametrize(("raw", "headers", "status"), RAW)
async def test_bodies_are_read_as_strictly_as_all_others(api, raw, headers, status):
    before, records = await stored(api), len(api.realm.records())
    for verb in ("plan", "apply"):
        answer = await api("POST", f"/policy/{verb}", raw=raw, headers=headers)
        assert answer.status == status, answer.body
        assert len(answer.body) < 2_000
    assert await stored(api) == before
    assert len(api.realm.records()) - records <= 1


@pytest.mark.parametrize("path", ["/policy", "/policy/", "/policy/import", "/policy/plan/"])
async def test_nothing_else_is_there(api, path):
    for method in ("GET", "POST", "DELETE"):
        assert (await api(method, path, None)).status in (404, 405)


@pytest.mark.parametrize("verb", VERBS)
async def test_a_question_has_no_parameters(api, verb):
    document = {"namespaces": [{"name": fresh_path()}]}
    before = await stored(api)
    assert (await api.post(f"/policy/{verb}?prune=true", {"document": document})).status == 422
    assert (await api.get("/policy/export?registry=x")).status == 422
    assert await stored(api) == before

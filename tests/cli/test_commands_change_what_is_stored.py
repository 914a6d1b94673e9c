"""Every command that changes or shows what is stored, on both engines."""

import json

import pytest


@pytest.fixture
def filled(terminal, password):
    terminal.done("registry", "add", "localhost:5000")
    terminal.done("user", "add", "alice", "--password-file", password)
    terminal.done("group", "add", "devs")
    terminal.done("namespace", "add", "team", "--visibility", "internal")
    return terminal


def test_registries(filled):
    item = filled.done("registry", "set", "localhost:5000", "--ttl", "300", "--disable")
    assert item == {
        "id": 1, "name": "localhost:5000", "enabled": False, "read_only": False, "ttl": 300,
        "key_header": "x5c", "refresh_tokens": False,
    }  # fmt: skip
    filled.done("registry", "set", "localhost:5000", "--refresh-tokens", "on", "--ttl", "default")
    shown = filled.done("registry", "show", "localhost:5000")
    assert (shown["ttl"], shown["refresh_tokens"]) == (None, True)
    assert filled.done("registry", "list") == [shown]
    off = filled.done("registry", "set", "localhost:5000", "--refresh-tokens", "off")
    assert (off["refresh_tokens"], off["refresh_tokens_ended"]) == (False, 0)
    filled.done("registry", "remove", "localhost:5000")
    assert filled.done("registry", "list") == []


def test_read_only_says_when_the_last_push_token_ends(filled):
    said = filled("registry", "set", "localhost:5000", "--read-only", "--json")
    end = said.json["push_tokens_end_at"]
    assert said.json["read_only"] is True
    assert end.endswith("Z")
    assert end in said.err


def test_users(filled, password):
    assert filled("user", "add", "alice", "--password-file", password).code == 1
    assert filled.done("user", "disable", "alice")["enabled"] is False
    assert filled.done("user", "enable", "alice")["enabled"] is True
    filled.done("user", "set-password", "alice", "--password-file", password)
    assert filled.done("user", "revoke", "alice")["revoked"][0] == "remembered passwords"
    assert filled.done("user", "revoke", "file:zoe")["user"] == "user:file:zoe"
    shown = filled.done("user", "show", "alice")
    assert shown.keys() == {"id", "name", "source", "enabled"}
    assert filled.done("user", "list") == [shown]
    assert filled.done("user", "remove", "alice")["removed"] == shown
    assert filled("user", "show", "alice").code == 1


@pytest.mark.parametrize("command", ["disable", "enable"])
def test_people_of_other_sources_are_changed_there(filled, command):
    said = filled("user", command, "file:zoe")
    assert said.code == 2
    assert "changed there" in said.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("short\n", "15 to 1024", id="AD-24 short"),
        pytest.param("x" * 1025, "15 to 1024", id="AD-24 long"),
        pytest.param("LOCALHOST:5000.x\n", None, id="AD-24 not a substring test"),
        pytest.param("two lines of it\nand another\n", "one password", id="two lines"),
        pytest.param("", "one password", id="empty"),
    ],
)
def test_a_password_is_checked(filled, tmp_path, content, says):
    (tmp_path / "new").write_text(content)
    said = filled("user", "add", "bob", "--password-file", str(tmp_path / "new"))
    assert said.code == (2 if says else 0)
    assert (says or "") in said.err


def test_groups_and_members(filled):
    item = filled.done("group", "member", "add", "devs", "alice")
    assert item == {"id": item["id"], "name": "devs", "members": ["user:local:alice"]}
    assert filled.done("group", "member", "add", "devs", "group:file:staff")["members"] == [
        "group:file:staff",
        "user:local:alice",
    ]
    assert filled.done("group", "member", "remove", "devs", "user:alice")["members"] == [
        "group:file:staff"
    ]
    assert [each["name"] for each in filled.done("group", "list")] == ["devs"]
    filled.done("group", "remove", "devs")
    assert filled("group", "show", "devs").code == 1


def test_namespaces(filled):
    item = filled.done("namespace", "add", "team", "--registry", "localhost:5000")
    assert item == {
        "id": item["id"],
        "name": "team",
        "registry": "localhost:5000",
        "visibility": "private",
    }
    assert filled("namespace", "add", "team").code == 1
    assert (
        filled.done("namespace", "set", "team", "--visibility", "public")["visibility"] == "public"
    )
    assert len(filled.done("namespace", "list")) == 2
    assert filled.done("namespace", "show", "team")["registry"] is None
    filled.done("grant", "add", "--to", "everyone", "--role", "reader", "--on", "team/app")
    said = filled("namespace", "remove", "team", "--registry", "localhost:5000")
    assert "stays, since it is for all registries: grant 1, allow reader to everyone" in said.out
    assert len(filled.done("namespace", "remove", "team")["grants"]) == 1


def test_grants(filled):
    add = ["grant", "add", "--to", "user:alice", "--role", "writer", "--on", "team/**"]
    item = filled.done(
        *add, "--cidr", "10.0.0.0/8", "--cidr", "192.0.2.7", "--expires", "30d", "--deny"
    )
    assert item["cidrs"] == ["10.0.0.0/8", "192.0.2.7/32"]
    assert (item["subject"], item["effect"]) == ("user:local:alice", "deny")
    assert item["expires_at"].endswith("Z")
    first = filled.done(*add)
    assert filled.done(*add) == first
    assert [each["id"] for each in filled.done("grant", "list", "--to", "user:alice")] == [1, 2]
    assert filled.done("grant", "list", "--role", "reader") == []
    assert filled.done("grant", "remove", "2")["removed"] == first
    assert filled("grant", "remove", "2").code == 1


def test_catalog_and_admin_roles_need_no_place(filled):
    for role in ("admin", "auditor", "catalog-reader"):
        assert filled.done("grant", "add", "--to", "user:alice", "--role", role)["on"] == "**"


def test_policy_apply_of_a_folder(filled, tmp_path):
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "b.yaml").write_text("grants: [{subject: 'group:ops', role: reader, on: team}]")
    (folder / "a.json").write_text(json.dumps({"groups": [{"name": "ops"}]}))
    (folder / "README.md").write_text("not a policy: [")
    value = filled.done("policy", "apply", str(folder))
    assert (len(value["added"]["groups"]), len(value["added"]["grants"])) == (1, 1)
    said = filled("policy", "apply", str(folder))
    assert said.out == "no difference; 2 as they should be already\n"


def test_policy_faults_are_one_a_line(filled, tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text("grants:\n- {subject: nobody, role: reader, on: team}\n- 7\n")
    said = filled("policy", "apply", str(file))
    assert said.code == 2
    first, second, last = said.err.splitlines()
    assert first.startswith(f"{file}:2:13: this is no subject")
    assert second.startswith(f"{file}:3:3: ")
    assert last == "authsvc: 2 faults in the policy; nothing was changed"


def test_audit_records_name_the_person_at_the_terminal(filled):
    filled("registry", "add", "localhost:5000")
    records = filled.done("audit", "list", "--limit", "2")
    assert [each["outcome"] for each in records] == ["granted", "refused"]
    assert records[-1]["actor"]["kind"] == "cli"
    assert records[-1]["actor"]["name"]
    assert records[-1]["actor"]["source"]
    said = filled("audit", "export", "--event", "admin")
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert len(lines) == 5
    assert all(len(line) == 24 for line in lines)
    assert "some length" not in said.out
    assert len(filled.done("audit", "list", "--outcome", "refused")) == 1
    assert "there is a registry" in filled("audit", "list").out


def test_tables_are_plain_when_piped(filled):
    said = filled("registry", "list")
    assert said.out.splitlines()[0].split() == [
        "NAME", "ENABLED", "READ", "ONLY", "TTL", "KEY", "HEADER", "REFRESH", "TOKENS",
    ]  # fmt: skip
    assert "\x1b" not in said.out
    assert said.out.isascii()


def test_no_text_of_a_stored_value_steers_the_terminal(filled):
    reason = "\x1b[2J\u202egnp"
    add = ["grant", "add", "--to", "everyone", "--role", "reader", "--on", "x", "--reason", reason]
    for said in (filled(*add), filled("grant", "list"), filled("grant", "list", "--json")):
        assert "\x1b" not in said.out
        assert "\u202e" not in said.out

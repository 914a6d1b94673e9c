"""`authsvc audit verify`, and the key that `init` makes for it."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from sqlalchemy import text

from authsvc.assembly.offline import offline
from authsvc.audit.checkpoints import make
from authsvc.audit.retention import Keep
from authsvc.cli.exits import run
from authsvc.cli.root import app
from authsvc.settings import load

AUDIT = Path(__file__).parents[2] / "docs" / "audit.md"
PLACE = ("id", "writer", "seq", "prev", "hash")


@pytest.fixture
def parts(fresh, password):
    """An installation with some edits, of which a checkpoint covers the first."""
    fresh.done("init", "--admin-password-file", password)
    fresh.done("group", "add", "devs")
    opened = offline(load(fresh.config, {}))
    checkpoint(opened)
    yield opened
    opened.database.dispose()


def checkpoint(parts):
    return make(parts.database, parts.clock, parts.keys.audit_keys(), Keep(1e9))


def changed(parts, statement):
    with parts.database.write() as session:
        session.execute(text(statement))


def test_a_sound_log_is_said_to_be_sound_with_what_is_not_covered(fresh, parts):
    found = fresh.done("audit", "verify")
    assert (found["ok"], found["first_bad"], found["records"]) == (True, None, 3)
    assert found["checkpoint"]["number"] == 1
    fresh.done("group", "add", "ops")
    found = fresh.done("audit", "verify")
    assert found["not_covered"].startswith("1 record since ")
    said = fresh("audit", "verify")
    assert said.out.startswith("sound: 4 records\nnewest checkpoint: 1 of ")
    assert "\nnot covered: 1 record since " in said.out


def test_a_bad_record_is_named_and_the_exit_code_is_1(fresh, parts):
    changed(parts, "DELETE FROM changes WHERE seq = 2")
    said = fresh("audit", "verify", "--json")
    assert (said.code, said.json["ok"]) == (1, False)
    assert said.json["first_bad"] == {"writer": "changes", "seq": 2, "id": "changes-2"}
    said = fresh("audit", "verify")
    assert (said.code, said.out.splitlines()[0]) == (1, "NOT sound: changes 2: it is missing")


def exported(terminal):
    said = terminal("audit", "export")
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


def test_an_exported_hash_is_an_anchor_as_long_as_its_record_is_there(fresh, parts):
    fresh.done("group", "add", "ops")
    anchor = exported(fresh)[-1]["hash"]
    assert (
        "the anchor is record 4 of changes"
        in fresh.done("audit", "verify", "--anchor", anchor)["covered"]
    )
    changed(parts, "DELETE FROM changes WHERE seq = 4")
    changed(
        parts, "UPDATE change_head SET seq = 3, hash = (SELECT hash FROM changes WHERE seq = 3)"
    )
    assert fresh("audit", "verify").code == 0
    said = fresh("audit", "verify", "--anchor", anchor, "--json")
    assert (said.code, said.json["ok"], said.json["first_bad"]) == (1, False, None)


@pytest.mark.parametrize("anchor", ["x", "", "ab" * 31, "ab" * 33, "zz" * 32, "ab " * 21 + "a"])
def test_what_is_no_hash_is_wrong_usage(fresh, parts, anchor):
    assert fresh("audit", "verify", "--anchor", anchor).code == 2


def test_without_certs_dir_it_says_what_the_verdict_is_worth(fresh, parts):
    for path in parts.keys.audit_key_files():
        path.unlink()
    found = fresh.done("audit", "verify")
    assert "certs_dir holds no audit.key" in found["not_covered"]


def test_exported_lines_are_checked_by_the_documented_formula_alone(fresh, parts):
    """docs/audit.md: somebody else can write a verifier."""
    fresh.done("user", "list")
    before = {}
    for record in exported(fresh):
        writer, seq = record["writer"], record["seq"]
        rest = {name: value for name, value in record.items() if name not in PLACE}
        body = json.dumps(rest, separators=(",", ":")).encode()
        prev = bytes.fromhex(record["prev"])
        assert prev == before.get(writer, bytes(32))
        linked = hashlib.sha256(prev + f"{writer}\n{seq}\n".encode() + body).digest()
        assert linked.hex() == record["hash"]
        before[writer] = linked


def test_init_makes_the_key_once_also_for_an_installation_from_before(fresh, parts, password):
    path = parts.keys.path / "audit.key"
    first = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    fresh.done("init")
    assert path.read_bytes() == first
    path.unlink()
    changed(parts, "DELETE FROM checkpoints")
    changed(parts, "DELETE FROM audit_keys")  # as before this release
    fresh.done("init")
    assert path.exists()
    records = exported(fresh)
    key = records[-1]["after"]["audit_key"]
    assert key["public"].startswith("-----BEGIN PUBLIC KEY-----")
    assert "audit_key" in records[0]["after"]  # AU-12: so it travels with exports
    checkpoint(parts)
    assert fresh.done("audit", "verify")["ok"] is True


def test_init_makes_no_second_key_where_the_known_one_is_missing(fresh, parts):
    path = parts.keys.path / "audit.key"
    path.unlink()
    said = fresh("init")
    assert said.code == 0
    assert "copy it from a running replica" in said.err
    assert not path.exists()


def test_a_key_that_was_put_aside_is_replaced_as_documented(fresh, parts):
    path = parts.keys.path / "audit.key"
    path.rename(path.with_name("audit-2026.key"))
    assert fresh("init").err == ""
    fresh.done("group", "add", "ops")
    checkpoint(parts)
    found = fresh.done("audit", "verify")
    assert found["ok"] is True
    assert "as to who signed" not in found["not_covered"]


def test_a_new_ca_is_a_new_key_too(fresh, parts):
    fresh.done("init", "--new-ca")
    checkpoint(parts)
    found = fresh.done("audit", "verify")
    assert found["ok"] is True
    assert "checkpoints up to 1 cover, as to who signed it" in found["not_covered"]
    (line,) = [each for each in fresh("audit", "verify").out.splitlines() if "who signed" in each]
    assert line.startswith("not covered: what checkpoints up to 1 cover")
    assert line.endswith("when the first checkpoint after them was made")
    kinds = {path.suffix for path in parts.keys.path.glob("audit*")}
    assert kinds == {".key", ".pub"}


def test_a_key_that_others_can_read_stops_everything(fresh, parts):
    (parts.keys.path / "audit.key").chmod(0o644)
    said = fresh("audit", "verify")
    assert said.code == 2
    assert "chmod 600" in said.err


def test_the_members_are_those_of_the_documentation(fresh, parts):
    found = fresh.done("audit", "verify")
    named = re.findall(r"^\| (`.*?`) \|", AUDIT.read_text(), re.MULTILINE)
    members = [name for each in named for name in re.findall(r"`(\w+)`", each)]
    assert list(found) == members[: len(found)]


def test_help_names_it(capsys):
    assert run(app, ["audit", "--help"]) == 0
    assert "verify" in capsys.readouterr().out

"""`authsvc init`: a fresh installation, and that a second one changes nothing."""

import pytest


def test_init_makes_everything_once(fresh, tmp_path):
    value = fresh.done("init", "--service", "reg.test:5000", "--example")
    assert (value["created"], value["admin"], value["registry"]) == (True, "admin", "reg.test:5000")
    assert len(value["password"]) >= 32
    names = {each.name for each in (tmp_path / "certs").iterdir()}
    assert {"ca.crt", "ca.key", "secret.key"} <= names
    grants = fresh.done("grant", "list", "--to", "user:admin")
    assert [(each["role"], each["on"]) for each in grants] == [("admin", "**")]
    assert "public" in {each["name"] for each in fresh.done("namespace", "list")}
    assert fresh.done("db", "current")["current"] == fresh.done("db", "upgrade")["current"]

    again = fresh.done("init", "--example")
    assert (again["created"], again["password"], again["example"]) == (False, None, None)
    assert fresh("init").out == "everything was there already\n"


def test_the_password_is_in_no_file_but_as_a_hash(fresh, tmp_path):
    password = fresh.done("init")["password"].encode()
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert not [each for each in files if password in each.read_bytes()]


def test_the_default_registry_stays_removed(fresh):
    fresh.done("init")
    fresh.done("registry", "remove", "localhost:5000")
    assert fresh.done("init")["registry"] is None
    assert fresh.done("registry", "list") == []
    assert fresh.done("init", "--service", "other:5000")["registry"] == "other:5000"


def test_the_password_may_come_from_a_file(fresh, password):
    value = fresh.done("init", "--admin-password-file", password)
    assert (value["created"], value["password"]) == (True, None)


@pytest.mark.parametrize(
    "content", [pytest.param("short", id="AD-24 short"), pytest.param("", id="empty")]
)
def test_a_bad_password_file_makes_no_administrator(fresh, tmp_path, content):
    (tmp_path / "bad").write_text(content)
    assert fresh("init", "--admin-password-file", str(tmp_path / "bad")).code == 2
    assert fresh.done("init")["created"] is True


def test_a_bad_service_is_refused_before_anything_is_made(fresh, tmp_path):
    assert fresh("init", "--service", "a b").code == 2
    assert not (tmp_path / "certs").exists()


def test_a_lost_ca_stops_init_and_a_new_one_takes_its_place(fresh, tmp_path):
    fresh.done("init")
    (tmp_path / "certs" / "ca.crt").unlink()
    said = fresh("init")
    assert said.code == 1
    assert "copy" in said.err
    assert fresh.done("init", "--new-ca")["new_ca"] is True

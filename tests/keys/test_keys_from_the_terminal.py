"""`keys`, `registry config`, `config check`: what they print, and with which exit code."""

import json
import os
import subprocess

import pytest
import yaml

from authsvc.cli.exits import run
from authsvc.cli.root import app


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("AUTHSVC_"):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def command(folder, capsys):
    """Runs a command line; gives exit code, standard output, standard error."""

    def called(*words):
        code = run(app, [str(word) for word in words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return called


@pytest.fixture
def installed(command):
    """The same, where `init` ran and a libtrust registry stands beside the first one."""
    assert command("init")[0] == 0
    assert command("registry", "add", "small", "--key-header", "libtrust")[0] == 0
    return command


def test_a_stanza_is_printed_and_nothing_else(installed, folder):
    code, out, err = installed("registry", "config", "localhost:5000", "--bundle", "/etc/r.pem")
    assert code == 0
    assert yaml.safe_load(out) == {
        "auth": {
            "token": {
                "realm": "http://localhost:5001/token",
                "service": "localhost:5000",
                "issuer": "authsvc",
                "rootcertbundle": "/etc/r.pem",
            }
        }
    }
    assert "authsvc keys bundle > /etc/r.pem" in err
    for version in ("2", "3"):
        written = folder / f"root{version}.pem"
        options = ("--registry-version", version, "--write-bundle", written)
        code, out, err = installed("registry", "config", "localhost:5000", *options)
        assert (code, err) == (0, "")
        assert yaml.safe_load(out)["auth"]["token"]["rootcertbundle"] == str(written)
        assert written.read_text() == installed("keys", "bundle")[1]


@pytest.mark.parametrize(("version", "option"), [("2", "rootcertbundle"), ("3", "jwks")])
def test_a_libtrust_registry_gets_its_keys(installed, folder, version, option):
    options = ("--registry-version", version, "--bundle", "/r/keys", "--write-bundle", "keys")
    code, out, _ = installed("registry", "config", "small", *options)
    assert code == 0
    token = yaml.safe_load(out)["auth"]["token"]
    assert set(token) == {"realm", "service", "issuer", option}
    assert token[option] == "/r/keys"
    content = (folder / "keys").read_text()
    if version == "3":
        assert content.strip() == installed("keys", "jwks")[1].strip()
        assert len(json.loads(content)["keys"]) == 2
    else:
        assert content == installed("keys", "bundle", "--registry", "small")[1]
        assert content != installed("keys", "bundle")[1]


@pytest.mark.parametrize("name", ["1e3", "yes", "1:20", "null", "0x1f", "{a:", "#x", "a\\b"])
def test_names_that_look_like_something_else_stay_text(installed, name):
    assert installed("registry", "add", name)[0] == 0
    out = installed("registry", "config", name)[1]
    assert yaml.safe_load(out)["auth"]["token"]["service"] == name


def test_rotate_names_who_must_read_again_and_activate_switches(installed):
    code, out, _ = installed("--json", "keys", "rotate")
    done = json.loads(out)
    assert code == 0
    assert (done["made"]["state"], done["registries"]) == ("next", ["small"])
    shown = json.loads(installed("keys", "show", "--json")[1])
    assert [key["state"] for key in shown] == ["next", "active"]
    assert set(shown[0]) == {"id", "kid", "libtrust_id", "algorithm", "not_after", "state"}
    assert installed("keys", "rotate", "--activate")[0] == 0
    shown = json.loads(installed("keys", "show", "--json")[1])
    assert [key["state"] for key in shown] == ["active", "retired"]
    code, out, _ = installed("keys", "rotate", "--revoke", shown[0]["kid"])
    assert code == 0
    assert "init --new-ca" in out
    assert shown[0]["kid"] not in installed("keys", "jwks")[1]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("keys", "rotate", "--activate"), 1, "no key is published"),
        (("keys", "rotate", "--revoke", "nobody"), 1, "there is no key 'nobody'"),
        (("keys", "bundle", "--registry", "nobody"), 1, "there is no registry"),
        (("registry", "config", "nobody"), 1, "there is no registry"),
        (("registry", "config", "small", "--registry-version", "4"), 2, "registry-version"),
        (("registry", "config", "small", "--write-bundle", "no/such/folder"), 1, "cannot be"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_an_exit_code(installed, words, code, says):
    got, out, err = installed(*words)
    assert (got, out) == (code, "")
    assert says in err
    assert len(err.splitlines()) == 1


def test_every_change_of_keys_is_recorded_with_who_made_it(installed):
    installed("keys", "rotate")
    installed("keys", "rotate", "--activate")
    records = [json.loads(line) for line in installed("audit", "export")[1].splitlines()]
    keys = [record for record in records if record["event"] == "key"]
    assert [record["outcome"] for record in keys] == ["granted"] * 3
    assert {record["actor"]["kind"] for record in keys} == {"cli"}
    assert "PRIVATE" not in json.dumps(records)


def test_a_leaf_made_by_openssl_as_documented_signs(installed, folder):
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder / "certs")

    (folder / "certs" / "leaf.ext").write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
    )
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "leaf.key")
    subject = "/CN=registry token signing"
    openssl("req", "-new", "-key", "leaf.key", "-subj", subject, "-out", "leaf.csr")
    openssl(
        "x509", "-req", "-in", "leaf.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "90", "-extfile", "leaf.ext", "-out", "leaf.crt",
    )  # fmt: skip
    certs = folder / "certs"
    made = certs / "2026-12.pem"
    made.touch(mode=0o600)
    made.write_bytes((certs / "leaf.key").read_bytes() + (certs / "leaf.crt").read_bytes())
    (certs / "ca.key").unlink()
    done = json.loads(installed("--json", "keys", "rotate")[1])
    assert done["made"]["state"] == "next"
    assert installed("keys", "rotate")[0] == 1  # nothing new, and no CA to make one with


def test_config_check_says_yes_or_every_fault(command, folder):
    assert command("config", "check")[0] == 0
    file = folder / "authsvc.toml"
    file.write_text('[[audit.sinks]]\ntype = "file"\npath = "copy"\n')
    assert command("config", "check") == (0, f"no faults in {file}\n", "")
    assert json.loads(command("config", "check", "--json")[1])["ok"] is True

    file.write_text('isuer = "x"\n[token]\nttl = 5\n')
    code, out, err = command("config", "check")
    assert (code, out) == (2, "")
    assert f"{file}: isuer: unknown; the nearest is issuer" in err
    assert f"{file}: token.ttl: must be 60 or more" in err
    code, out, err = command("config", "check", "--json")
    assert code == 2
    assert [fault["place"] for fault in json.loads(out)["faults"]] == [
        f"{file}: isuer",
        f"{file}: token.ttl",
    ]
    assert command("--config", "absent.toml", "config", "check")[0] == 2

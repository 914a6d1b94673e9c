"""What `init` and `serve` refuse, and what they leave as it was."""

import contextlib
import json
import sqlite3
import subprocess

from real.service import Service


def failing(service, *arguments):
    try:
        service.cli(*arguments)
    except AssertionError as error:
        return str(error)
    raise AssertionError("it should have been refused")


def test_a_readable_key_stops_serve_even_while_the_database_is_away(folder):
    service = Service(folder)
    service.init("reg.test")
    (folder / "certs" / "ca.key").chmod(0o644)
    config = folder / "authsvc.toml"
    away = 'database_url = "postgresql+psycopg://nobody@127.0.0.1:1/none"\n'
    config.write_text(away + config.read_text())
    said = failing(service, "serve")
    assert "ca.key" in said
    assert "chmod 600" in said


def test_a_folder_of_keys_that_everybody_may_write_stops_serve(folder):
    service = Service(folder)
    service.init("reg.test")
    (folder / "certs").chmod(0o777)
    assert "chmod 700" in failing(service, "serve")


def test_init_that_is_refused_makes_no_secret(folder):
    service = Service(folder)
    service.init("reg.test")
    (folder / "certs").rename(folder / "elsewhere")
    assert "copy the folder" in failing(service, "init")
    assert not (folder / "certs" / "secret.key").exists()


def test_a_new_ca_names_every_registry_that_must_be_told(folder):
    service = Service(folder)
    service.init("reg.test")
    service.cli("registry", "add", "other.test")
    made = json.loads(service.cli("init", "--new-ca", "--json"))
    assert made["registries"] == ["other.test", "reg.test"]


def test_numbers_and_times_beyond_all_bounds_are_wrong_usage(folder):
    service = Service(folder)
    service.init("reg.test")
    for arguments in (
        ("grant", "remove", "9" * 30),
        ("audit", "list", "--since", "9999-12-31T23:59:59-23:59"),
        ("registry", "set", "reg.test", "--ttl", "9" * 5_000),
    ):
        assert ": 2\n" in failing(service, *arguments)


def test_killed_at_its_commit_init_shows_a_password_that_works_the_next_time(folder):
    """The password is on standard output before anything that it opens is in the database."""
    service = Service(folder)
    for _ in range(5):
        process = subprocess.Popen(
            [service.program, "--config", "authsvc.toml", "init", "--example"],
            cwd=folder, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        while process.poll() is None and not has_admin(folder):
            pass
        process.kill()
        said = process.communicate()[0]
        if has_admin(folder):
            break
    else:
        said = service.cli("init", "--example")
    assert "shown this once" in said
    names = {item["name"] for item in json.loads(service.cli("namespace", "list", "--json"))}
    assert "public" in names


def has_admin(folder):
    path = folder / "data" / "authsvc.db"
    if not path.exists():
        return False
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            return bool(connection.execute("SELECT 1 FROM passwords").fetchone())
        except sqlite3.OperationalError:
            return False  # its tables are being made

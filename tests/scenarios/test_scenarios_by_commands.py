"""Every scenario by `authsvc` commands: all of it is added, and explain's exit codes agree."""

import pytest
from scenarios.sentences import FILES, read
from scenarios.stage import PASSWORD, settings_file

from authsvc.cli.exits import run
from authsvc.cli.root import app

OPTIONS = ("role", "on", "registry", "reason")


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def scenario(request):
    return read(request.param)


@pytest.fixture
def authsvc(database_url, tmp_path, capsys):
    """The exit code of a command line."""
    config = settings_file(tmp_path, database_url)
    (tmp_path / "password").write_text(PASSWORD)

    def command(*words):
        return run(app, ["--config", str(config), *words])

    def done(*words):
        assert command(*words) == 0, (words, capsys.readouterr())

    command.done, command.password = done, str(tmp_path / "password")
    return command


def a_grant(item):
    words = ["--to", item["subject"]]
    words += [word for name in OPTIONS if name in item for word in (f"--{name}", item[name])]
    words += [word for network in item.get("cidrs", ()) for word in ("--cidr", network)]
    if "expires_at" in item:
        words += ["--expires", item["expires_at"]]
    return [*words, "--deny"] if item.get("effect") == "deny" else words


def add_all(authsvc, scenario):
    for item in scenario.get("registries"):
        authsvc.done("registry", "add", item["name"])
        if item.get("read_only"):
            authsvc.done("registry", "set", item["name"], "--read-only")
    for item in scenario.get("namespaces"):
        at = ["--registry", item["registry"]] if "registry" in item else []
        seen = item.get("visibility", "private")
        authsvc.done("namespace", "add", item["name"], "--visibility", seen, *at)
    for item in scenario.get("roles"):
        allow = [word for text in item["allow"] for word in ("--allow", text)]
        authsvc.done("role", "add", item["name"], *allow)
    for name in scenario.people("local"):
        authsvc.done("user", "add", name, "--password-file", authsvc.password)
    for name, members in scenario.groups:
        authsvc.done("group", "add", name)
        for member in members:
            authsvc.done("group", "member", "add", name, member)
    for item in scenario.grants:
        authsvc.done("grant", "add", *a_grant(item))


def test_explain_exits_as_the_sentences_say(authsvc, scenario):
    add_all(authsvc, scenario)
    wrong = []
    for sentence in scenario.told:
        at = ["--ip", sentence.address] if sentence.address else []
        where = ["--service", sentence.service, *at]
        # A sentence with `cannot` means none of its actions; explain exits 0 for all of them.
        scopes = [f"repository:{sentence.name}:{action}" for action in sentence.actions]
        for scope in [sentence.scope] if sentence.can else scopes:
            code = authsvc("explain", sentence.who, scope, *where)
            if code != (0 if sentence.can else 1):
                wrong.append((sentence.text, scope, code))
    assert wrong == []

"""Commands of several processes at once: one after the other, none lost, each with its record."""

import json
import subprocess

import pytest
from real.people import introduce
from real.service import Service

GRANTS = 3_000
ADDED = 4  # single grants beside


@pytest.fixture(params=["sqlite", "postgresql"])
def service(request, folder):
    url = ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.url(server.make("template0"))
    made = Service(folder, database_url=url)
    introduce(made)
    return made


def begun(service, *words):
    return subprocess.Popen(
        [service.program, "--config", "authsvc.toml", *words, "--json"],
        cwd=service.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def applied(service, word):
    """An apply that has begun, of grants that only its file holds, and of one namespace of all."""
    grants = [
        {"subject": "group:devs", "role": "reader", "on": f"{word}/n{n}"} for n in range(GRANTS)
    ]
    space = {"name": "open", "visibility": {"one": "internal", "two": "private"}[word]}
    file = service.folder / f"{word}.json"
    file.write_text(json.dumps({"namespaces": [space], "grants": grants}))
    return begun(service, "policy", "apply", str(file))


def test_nothing_is_lost_and_all_is_recorded(service):
    before = len(service.audit())
    works = [applied(service, word) for word in ("one", "two")]
    works += [
        begun(service, "grant", "add", "--to", "everyone", "--role", "reader", "--on", f"single{n}")
        for n in range(ADDED)
    ]
    said = [work.communicate(timeout=120) for work in works]
    assert [work.returncode for work in works] == [0] * len(works), said
    records = service.audit()[before:]
    assert [(each["event"], each["outcome"]) for each in records].count(("policy", "granted")) == 2
    assert [each["event"] for each in records].count("admin") == ADDED
    assert len(records) == 2 + ADDED
    plans = sorted((json.loads(out) for out, _ in said[:2]), key=lambda plan: plan["stored"])
    first, second = (plan["changed"]["namespaces"][0] for plan in plans)
    assert second["before"] == first["after"]
    held = json.loads(service.cli("policy", "export", "--json"))
    places = [each["on"].partition("/")[0] for each in held["grants"]]
    assert [places.count(word) for word in ("one", "two")] == [GRANTS, GRANTS]
    assert sum(place.startswith("single") for place in places) == ADDED
    visibility = {"name": "open", "visibility": second["after"]["visibility"]}
    shown = next(each for each in held["namespaces"] if each["name"] == "open")
    assert {"visibility": "private", **shown} == visibility

"""Contract section 5, rule 10: an installation that has an administrator keeps one."""

import subprocess
import sys

import pytest

from authsvc.changes import grants, invariants, users
from authsvc.errors import Conflict
from authsvc.protocol.names import parse_subject

ROOT = parse_subject("user:root")
SOON = "2030-01-01T00:00:00Z"

# Makes one edit by the road, in a process of its own, once it is told to.
REMOVER = """
import sys
from authsvc.changes import grants, users
from authsvc.changes.unit_of_work import UnitOfWork
from authsvc.clock import SystemClock
from authsvc.db.engine import Database
from authsvc.errors import Conflict
from authsvc.principal import SYSTEM
from authsvc.protocol.names import parse_subject

database = Database(sys.argv[1])
unit = UnitOfWork(database, SystemClock(), lambda: None)
print("ready", flush=True)
sys.stdin.readline()
edits = {
    "remove": lambda tx: users.remove(tx, parse_subject(sys.argv[3])),
    "disable": lambda tx: users.change(tx, parse_subject(sys.argv[3]), enabled=False),
    "strip": lambda tx: grants.remove(tx, int(sys.argv[3])),
    "limit": lambda tx: grants.change(tx, int(sys.argv[3]), {"cidrs": ["10.0.0.0/8"]}),
}
try:
    unit.run(SYSTEM, edits[sys.argv[2]])
    print("removed")
except Conflict:
    print("refused")
database.dispose()
"""


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda tx: users.remove(tx, ROOT), id="AD-31 removed"),
        pytest.param(lambda tx: users.set_enabled(tx, ROOT, enabled=False), id="AD-31 disabled"),
        pytest.param(lambda tx: grants.remove(tx, 1), id="AD-31 stripped"),
        pytest.param(lambda tx: grants.change(tx, 1, {"effect": "deny"}), id="made a deny"),
        pytest.param(lambda tx: grants.change(tx, 1, {"expires_at": SOON}), id="given an end"),
        pytest.param(
            lambda tx: grants.change(tx, 1, {"cidrs": ["0.0.0.0/0"]}), id="given networks"
        ),
        pytest.param(lambda tx: grants.change(tx, 1, {"role": "auditor"}), id="made an auditor"),
        pytest.param(
            lambda tx: grants.change(tx, 1, {"subject": "user:off"}), id="given to a disabled one"
        ),
        pytest.param(
            lambda tx: grants.change(tx, 1, {"subject": "group:ops"}), id="given to a group"
        ),
        pytest.param(
            lambda tx: users.change(tx, ROOT, enabled=False, hashed="h"), id="PATCHed disabled"
        ),
    ],
)
@pytest.mark.parametrize(
    "other",
    [
        pytest.param(None, id="alone"),
        pytest.param({"subject": "user:other", "expires_at": SOON}, id="beside one for a while"),
        pytest.param(
            {"subject": "user:other", "cidrs": ["10.0.0.0/8"]}, id="beside one from a net"
        ),
        pytest.param({"subject": "user:off"}, id="beside a disabled one"),
        pytest.param({"subject": "group:ops"}, id="beside one by a group"),
        pytest.param({"subject": "user:file:zoe"}, id="beside one of a file"),
        pytest.param({"subject": "user:other", "effect": "deny"}, id="beside a deny"),
    ],
)
def test_the_last_administrator_stays_by_every_road(road, edit, other):
    road.user("root")
    road.grant("user:root", "admin")
    road.user("other")
    road.user("off", enabled=False)
    road.group("ops", "other")
    if other is not None:
        road.grant(role="admin", **other)
    with pytest.raises(Conflict):
        road.run(edit)
    with road.database.read() as session:
        assert invariants.has_admin(session)


def test_an_administrator_may_go_when_another_stays(road):
    for name in ("root", "other"):
        road.user(name)
        road.grant(f"user:{name}", "admin")
    road.run(lambda tx: users.remove(tx, ROOT))
    with pytest.raises(Conflict):
        road.run(lambda tx: users.remove(tx, parse_subject("user:other")))


def test_an_administrator_over_the_network_is_held_to_it_too(road):
    road.user("root")
    road.grant("user:root", "admin")
    for edit in (lambda tx: users.remove(tx, ROOT), lambda tx: grants.remove(tx, 1)):
        with pytest.raises(Conflict, match="no administrator"):
            road.as_("root").run(edit)


def test_before_the_first_administrator_everything_may_change(road):
    road.user("root")
    road.run(lambda tx: users.remove(tx, ROOT))
    assert road.records()[-1]["outcome"] == "granted"


@pytest.mark.parametrize(
    "edits",
    [
        (("remove", "user:one"), ("remove", "user:two")),
        (("strip", "1"), ("disable", "user:two")),
        (("limit", "1"), ("strip", "2")),
    ],
    ids=["removed and removed", "stripped and disabled", "limited and stripped"],
)
def test_of_two_processes_that_each_take_an_administrator_one_is_refused(road, database_url, edits):
    for name in ("one", "two"):
        road.user(name)
        road.grant(f"user:{name}", "admin")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", REMOVER, database_url, *edit],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for edit in edits
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = sorted(process.communicate()[0].strip() for process in processes)
    assert said == ["refused", "removed"]
    with road.database.read() as session:
        assert invariants.has_admin(session)

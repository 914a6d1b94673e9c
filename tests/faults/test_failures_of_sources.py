"""What each source does in each failure: what is seen must be what docs/sources.md says.

With `AUTHSVC_WRITE_TABLES=1` in the environment the rows of the cases that run are written there.
"""

import asyncio
import json
import os
import time
from pathlib import Path

import pytest
from faults.failing_sources import CASES, LANA, Case, Failing, Place, ldap
from inprocess import PASSWORD, installation, serving
from sqlalchemy import select
from structlog.testing import capture_logs

from authsvc.changes import users
from authsvc.changes.policy.apply import submit_files
from authsvc.db.models import Password, Subject
from authsvc.identity.passwords import hash_password
from authsvc.principal import LOCAL, SYSTEM
from authsvc.settings import load

PAGE = Path(__file__).parents[2] / "docs" / "sources.md"
WRITING = bool(os.environ.get("AUTHSVC_WRITE_TABLES"))
HEADS = ("source", "failure", "its person", "one behind it", "record", "`/readyz`", "log")
BEGIN, END = "<!-- written by tests/faults/test_failures_of_sources.py -->\n", "\n<!-- end -->"
ASKED = "service=reg-a.test&scope=repository:devs/app:pull,push"
GRANT = b"grants: [{subject: authenticated, role: writer, on: devs}]"
ALL = {"devs/app": ["pull", "push"]}
AWAY = ("all", "database away")
PATIENCE = 20.0  # seconds until what is seen is what is written
SETTLED = 3.0  # seconds after which it is written


def documented():
    """The rows of the table, by source and failure."""
    text = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|"))
            for line in text.splitlines()[2:]]  # fmt: skip
    return {row[:2]: row for row in rows}


def write(rows):
    """In the order of the cases; what was not run stays as it is."""
    rows = documented() | rows
    order = [*dict.fromkeys((case.source, case.failure) for case in CASES), AWAY]
    lines = [HEADS, ("---",) * len(HEADS), *(rows[key] for key in order if key in rows)]
    before, _, rest = PAGE.read_text().partition(BEGIN)
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    PAGE.write_text(f"{before}{BEGIN}{table}{END}{rest.partition(END)[2]}")


@pytest.fixture(scope="module")
def seen():
    """Takes the rows that were seen, and writes them when that is asked for."""
    rows = {}
    yield rows
    if WRITING:
        write(rows)


@pytest.fixture(scope="module")
def place(rt, slapd):
    folder = rt / "failing"
    folder.mkdir()
    made = Place(folder, slapd)
    yield made
    made.close()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    _, parts = furnished(folder)
    yield folder, parts
    parts.database.dispose()


def furnished(folder, **options):
    """An installation whose local people are `root` and `dora`, who is disabled."""
    made, parts = installation(folder, **options)
    hashed = hash_password(PASSWORD)
    for name in ("root", "dora"):
        parts.unit_of_work.run(
            SYSTEM, lambda tx, name=name: users.add(tx, name, hashed, enabled=name == "root")
        )
    submit_files(parts.unit_of_work, SYSTEM, [("grants.yaml", GRANT)])
    return made, parts


def settings(folder, failing):
    """Those of a service that asks the failing source between local people and a file."""
    values = failing.settings and {"name": "corp"} | failing.settings
    lines = [f"{name} = {json.dumps(value)}" for name, value in (values or {}).items()]
    (folder / "failing.toml").write_text("\n".join([
        'public_url = "http://auth.test"', f"cache.credential_ttl = {failing.credential_ttl}",
        *(["[[sources]]"] if values else []), *lines,
        '[[sources]]\ntype = "htpasswd"\nname = "file"\npath = "htpasswd"\n',
    ]))  # fmt: skip
    return load(folder / "failing.toml", {})


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.source}: {case.failure}")
def test_a_failure_does_what_the_table_says(installed, place, seen, case: Case):
    folder, parts = installed

    async def story(failing: Failing):
        async with serving(settings(folder, failing), parts) as realm:
            if failing.after_sign_in is not None:
                assert (await realm.get(ASKED, failing.who)).access == ALL
                failing.after_sign_in()
            wanted, end = documented().get((case.source, case.failure)), time.monotonic()
            end += SETTLED if WRITING else PATIENCE
            row = None
            while time.monotonic() < end and (WRITING or row != wanted):
                row = (case.source, case.failure, *await looked(realm, failing, log, case.says))
                await asyncio.sleep(0.2)
            assert (await realm.get(ASKED, "root")).access == ALL
            return row, wanted

    with case.fails(place) as failing, capture_logs() as log:
        row, wanted = asyncio.run(story(failing))
    seen[row[:2]] = row
    assert WRITING or row == wanted


async def looked(realm, failing, log, says):
    """What is seen outside: answers, the record of the first, readiness, the log."""
    its = await realm.get(ASKED, failing.who)
    record = await recorded(realm, its)
    behind = await realm.get(ASKED, "carol")
    ready = await realm.call("GET", "/readyz")
    states = ready.json["dependencies"]
    state = states.get("source corp", states.get("database"))
    reason = record["reason"] or record["outcome"]
    ready_is = f"{ready.status}, {state}"
    return answer(its), answer(behind), f"`{reason}`", ready_is, told(log, says)


async def recorded(realm, given):
    """The record of this answer; that of an error may come a moment later."""
    number = given.headers["x-request-id"]
    for _ in range(100):
        found = [each for each in realm.records() if each["request_id"] == number]
        if found:
            return found[0]
        await asyncio.sleep(0.05)
    raise AssertionError("no record")


def answer(given):
    if given.status == 200:
        return f"200: {', '.join(given.access['devs/app'])}"
    if given.status == 503:
        assert 1 <= int(given.headers["retry-after"]) <= 5
        return "503, `Retry-After`"
    return str(given.status)


def told(log, says):
    """The events that name a source, each with its cause if that is told."""
    texts = {}
    for entry in log:
        if entry["log_level"] in ("warning", "error") and "source" in entry:
            texts[entry["event"]] = texts.get(entry["event"], "") + str(entry)
    events = [
        f"{event}: {says}" if says and says in text else event for event, text in texts.items()
    ]
    return "; ".join(sorted(events)) or "nothing"


def test_nothing_of_a_directorys_passwords_is_stored(installed, place):
    """PX-14."""
    folder, parts = installed

    async def story():
        async with serving(settings(folder, Failing(ldap(place.slapd.url))), parts) as realm:
            assert (await realm.get(ASKED, LANA)).access == ALL

    asyncio.run(story())
    with parts.database.read() as session:
        owners = session.scalars(select(Subject.source).join(Password))
        assert set(owners) == {LOCAL}
    secret = LANA.partition(":")[2].encode()
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert [file for file in files if secret in file.read_bytes()] == []


def test_the_table_has_a_row_for_each_case_and_no_other():
    keys = [*dict.fromkeys((case.source, case.failure) for case in CASES), AWAY]
    assert list(documented()) == keys


def test_with_the_database_away_nobody_is_let_in(postgres_of_its_own, tmp_path, seen):
    server = postgres_of_its_own

    async def story():
        async with serving(made, parts) as realm:
            assert (await realm.get(ASKED, "root")).status == 200
            server.stop()
            for _ in range(100):
                ready = await realm.call("GET", "/readyz")
                if ready.status == 503:
                    break
                await asyncio.sleep(0.1)
            answers = [answer(await realm.get(ASKED, who)) for who in ("root", "carol")]
            assert answer(await realm.get(ASKED)) == answers[0]
            server.start()
            return answers, f"{ready.status}, {ready.json['dependencies']['database']}"

    made, parts = furnished(tmp_path, database_url=server.url(server.make("template0")))
    answers, state = asyncio.run(story())
    parts.database.dispose()
    row = (*AWAY, *answers, "none can be written", state, "see [operations.md](operations.md)")
    seen[AWAY] = row
    assert WRITING or row == documented()[AWAY]

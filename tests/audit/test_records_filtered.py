import pytest
from audit.test_records_read import exported, listed, write
from factories import NOW, change, record

from authsvc.audit import reader
from authsvc.audit.exporting import Broken, export
from authsvc.audit.filters import Filter, what, who
from authsvc.audit.following import Follower
from authsvc.audit.records import Event
from authsvc.errors import Invalid

START = NOW.timestamp()
TEAM = {"id": 1, "on": "team/app", "registry": "reg", "role": "reader"}


def pseudonym(name):
    return f"#{name}"


def actor(name, kind="user", source="local"):
    return {"kind": kind, "source": source, "name": name, "id": "1"}


def asked(*scopes):
    return [{"entry": scope, "refused": []} for scope in scopes]


RECORDS = {
    "alice": {"actor": actor("alice"), "registry": "reg", "address": "192.0.2.1"},
    "corp": {"actor": actor("alice", source="corp"), "decision_id": "0f" * 16},
    "robot": {"actor": actor("ci", "robot", None), "asked": asked("repository:team/app:pull")},
    "claimed": {"actor": actor(None, "anonymous", None), "claimed": "alice"},
    "unknown": {"actor": actor(None, "anonymous", None), "claimed": "#mallory"},
    "hostile": {
        "actor": actor('a"b\\é', source="corp"), "user_agent": '"name":"alice"',
        "asked": asked("repository:team-x/app:pull"),
    },
    "grant": {"actor": actor("root"), "after": {"grant": TEAM}},
    "space": {"actor": actor("root"), "before": [{"namespace": {"name": "team/b"}}]},
    "policy": {
        "actor": actor("root"),
        "after": {"changed": {"grants": [{"before": TEAM, "after": TEAM | {"on": "else"}}]}},
    },
}  # fmt: skip


@pytest.fixture(params=[2, 20_000], ids="slices of {}".format)
def filled(database, monkeypatch, request):
    monkeypatch.setattr("authsvc.audit.reader.SLICE", request.param)
    tokens = [
        record(time=START + number, reason=name, **values)
        for number, (name, values) in enumerate(RECORDS.items())
        if "before" not in values and "after" not in values
    ]
    write(database, *tokens)
    for name in ("grant", "space", "policy"):
        change(database, "base", time=START + 60, reason=name, **RECORDS[name])
    return database


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"who": who("alice", pseudonym)}, {"alice", "corp", "claimed"}),
        ({"who": who("user:alice", pseudonym)}, {"alice"}),
        ({"who": who("corp:alice", pseudonym)}, {"corp"}),
        ({"who": who("user:corp:alice", pseudonym)}, {"corp"}),
        ({"who": who("robot:ci", pseudonym)}, {"robot"}),
        ({"who": who("robot.ci", pseudonym)}, {"robot"}),
        ({"who": who("mallory", pseudonym)}, {"unknown"}),
        ({"who": who("anonymous", pseudonym)}, {"claimed", "unknown"}),
        ({"who": who('a"b\\é', pseudonym)}, {"hostile"}),
        ({"who": who("%", pseudonym)}, set()),
        ({"what": what("team")}, {"robot", "grant", "space", "policy"}),
        ({"what": what("team/app/")}, {"robot", "grant", "policy"}),
        ({"what": what("team-x")}, {"hostile"}),
        ({"what": what("else")}, {"policy"}),
        ({"what": what("tea")}, set()),
        ({"registry": "reg"}, {"alice", "grant", "policy"}),
        ({"address": "192.0.2.1"}, {"alice"}),
        ({"decision": "0f" * 16}, {"corp"}),
        ({"what": what("team"), "event": Event.ADMIN}, {"grant", "space", "policy"}),
        ({"until": START + 2}, {"alice", "corp"}),
        ({"since": START + 2, "until": START + 4}, {"robot", "claimed"}),
    ],
)  # fmt: skip
def test_exactly_what_is_meant_is_found(filled, wanted, expected):
    assert {each["reason"] for each in listed(filled, **wanted)} == expected
    assert {each["reason"] for each in exported(filled, **wanted)} == expected
    with filled.read() as session:
        found, _ = reader.page(session, limit=50, wanted=Filter(**wanted))
    assert {each["reason"] for each in found} == expected


@pytest.mark.parametrize("text", ["", ":", ":alice", "corp:"], ids=repr)
def test_nobody_is_no_filter(text):
    with pytest.raises(Invalid):
        who(text, pseudonym)


def test_a_page_ends_when_it_was_looked_for_long_enough_and_goes_on_from_there(filled):
    found, pages, before = [], 0, None
    while pages == 0 or before is not None:
        ticks = iter([0.0, *[9.0] * 100])
        with filled.read() as session:
            part, before = reader.page(
                session, limit=50, wanted=Filter(what="team"), before=before,
                clock=lambda ticks=ticks: next(ticks),
            )  # fmt: skip
        found += part
        pages += 1
    assert pages > len(found) == 4


def test_following_gives_each_record_of_all_writers_once(database):
    write(database, *[record(time=START + tick) for tick in range(3)], writer="before")
    follower = Follower(database, Filter(event=Event.TOKEN))
    found = follower.begin(2)
    assert [each["seq"] for each in found] == [2, 3]
    assert follower.look() == []
    write(database, *[record(time=START - 9) for _ in range(700)], writer="late")
    write(database, record(time=START), writer="another")
    change(database, "base", time=START)
    found = follower.look()
    assert (len(found), follower.behind) == (501, True)
    found += follower.look()
    assert not follower.behind
    assert follower.look() == []
    assert sorted(each["seq"] for each in found if each["writer"] == "late") == [*range(1, 701)]
    assert len(found) == 701


@pytest.mark.parametrize(
    ("statement", "bad", "printed"),
    [
        ("UPDATE token_records SET body = body || :x WHERE seq = 3", 3, 2),
        ("DELETE FROM token_records WHERE seq = 3", 4, 2),
        ("UPDATE token_records SET hash = prev WHERE seq = 3", 3, 2),
        ("UPDATE token_records SET prev = hash WHERE seq = 1", 1, 0),
        ("DELETE FROM token_records WHERE seq < 3", None, 3),
    ],
    ids=["changed", "removed", "another hash", "no beginning", "the oldest removed"],
)
def test_an_export_ends_at_the_first_record_that_does_not_hold(database, statement, bad, printed):
    from sqlalchemy import text

    write(database, *[record(time=START + tick) for tick in range(5)])
    with database.write() as session:
        session.execute(text(statement), {"x": b" "} if ":x" in statement else {})
    found, fault = [], None
    with database.read() as session:
        try:
            found.extend(export(session))
        except Broken as broken:
            fault = broken
    assert len(found) == printed
    assert (fault is None) if bad is None else (f"writer-1-{bad} " in str(fault))


def test_a_part_is_held_against_what_came_before_it(database):
    from sqlalchemy import text

    write(database, *[record(time=START + tick) for tick in range(5)])
    assert [each["seq"] for each in exported(database, since=START + 2)] == [3, 4, 5]
    with database.write() as session:
        session.execute(text("DELETE FROM token_records WHERE seq = 2"))
    with pytest.raises(Broken):
        exported(database, since=START + 2)

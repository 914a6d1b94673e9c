"""Questions about what is stored: whom a text means, and explanations now and of the past."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from access.rows import TIME, Rows
from sqlalchemy import delete, select

from authsvc.access.decisions import decided_shape
from authsvc.access.policy import decide
from authsvc.access.questions import Inquiry, People, asked_about, decided, explained
from authsvc.access.shapes import shape
from authsvc.access.store import load_view
from authsvc.audit.records import Event, Outcome, Record, asked_member, print_body
from authsvc.db.models import Grant, Robot, Subject, TokenRecord
from authsvc.errors import Invalid, NotFound
from authsvc.principal import ANONYMOUS, Kind, Principal
from authsvc.protocol.scope import parse
from authsvc.tokens.answer import asked_elements

NOW = TIME.timestamp()
PEOPLE = People(("file", "corp"))
TEAM = "repository:team/app:pull,push"


@pytest.fixture
def stored(database):
    """A session over a small policy; what it writes is taken back."""
    with database.write() as session:
        rows = Rows(session)
        rows.registry("reg")
        alice = rows.subject("user", "alice", "local")
        rows.subject("user", "off", "local", enabled=False)
        rows.subject("user", "left", "local", retired=True)
        rows.subject("user", "zoe", "corp", external_id="e-1")
        rows.subject("robot", "ci")
        devs, every = rows.subject("group", "devs"), rows.subject("group", "every")
        rows.member(devs, alice)
        rows.member(every, devs)
        rows.grant(every, "reader", "team", cidrs=["10.0.0.0/8"])
        rows.grant(alice, "writer", "team/**", effect="deny", cidrs=["192.0.2.0/24"])
        yield rows
        session.rollback()


def ask(stored, subject, scope=TEAM, service="reg", ip="10.1.2.3"):
    inquiry = Inquiry(subject, scope, service, ip)
    return shape(explained(stored.session, inquiry, PEOPLE, now=NOW))


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        pytest.param("user:alice", (Kind.USER, "local", "alice"), id="bare is local"),
        pytest.param("user:local:alice", (Kind.USER, "local", "alice"), id="local"),
        pytest.param("user:file:new", (Kind.USER, "file", "new"), id="a file's, never seen"),
        pytest.param("user:corp:zoe", (Kind.USER, "corp", "zoe"), id="a directory's"),
        pytest.param("robot:ci", (Kind.ROBOT, "", "ci"), id="a robot"),
        pytest.param("robot:robot.ci", (Kind.ROBOT, "", "ci"), id="a robot by its login"),
        pytest.param("anonymous", (Kind.ANONYMOUS, "", ""), id="nobody"),
    ],
)
def test_whom_a_subject_means(stored, subject, expected):
    principal, *bounds = asked_about(stored.session, subject, PEOPLE)
    assert (principal.kind, principal.source, principal.name) == expected
    assert bounds == [False, None]


def test_an_identity_is_the_one_that_signs_in(stored):
    zoe = asked_about(stored.session, "user:corp:zoe", PEOPLE).principal
    alice = asked_about(stored.session, "user:alice", PEOPLE).principal
    assert zoe.id == "e-1"
    assert alice.id == str(stored.found("user", "alice", "local"))


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        pytest.param({"subject": "user:nobody"}, NotFound, id="no such local person"),
        pytest.param({"subject": "user:left"}, NotFound, id="a retired name"),
        pytest.param({"subject": "robot:no"}, NotFound, id="no such robot"),
        pytest.param({"subject": "user:gone:x"}, Invalid, id="a source that is not configured"),
        pytest.param({"subject": "group:devs"}, Invalid, id="a group asks for no tokens"),
        pytest.param({"subject": "everyone"}, Invalid, id="everyone is nobody"),
        pytest.param({"subject": "alice"}, Invalid, id="no subject"),
        pytest.param({"subject": "user:a' OR 1=1; --"}, NotFound, id="SQL metacharacters"),
        pytest.param({"scope": "repository:Team//x:pull"}, Invalid, id="RN-01 junk"),
        pytest.param({"scope": "repository:a:pull repository:b:pull"}, Invalid, id="two entries"),
        pytest.param({"scope": "repository:a:"}, Invalid, id="no action"),
        pytest.param({"service": "gone"}, NotFound, id="no such registry"),
        pytest.param({"ip": "10.0.0.0/8"}, Invalid, id="no address"),
    ],
)
def test_what_is_no_question(stored, asked, fault):
    with pytest.raises(fault):
        ask(stored, **{"subject": "user:alice", **asked})


def test_the_only_registry_need_not_be_named(stored):
    assert ask(stored, "user:alice", service=None)["service"] == "reg"
    stored.registry("second")
    with pytest.raises(Invalid, match="reg, second"):
        ask(stored, "user:alice", service=None)


def test_an_explanation_of_what_is_stored(stored):
    told = ask(stored, "user:alice")
    assert (told["granted"], told["reasons"]) == (["pull"], {"push": "no_grant"})
    assert [(grant["subject"], grant["why_not"]) for grant in told["grants"]] == [
        ("group:every", None), ("user:local:alice", "outside_networks")
    ]  # fmt: skip
    assert ask(stored, "user:alice", ip=None)["reasons"] == {"pull": "denied", "push": "denied"}
    assert ask(stored, "user:off")["reasons"] == dict.fromkeys(("pull", "push"), "subject_disabled")
    assert ask(stored, "anonymous")["grants"] == []


@pytest.mark.parametrize(
    ("ends", "cidrs", "ip", "reason"),
    [
        (None, [], None, None),
        (TIME, [], "10.1.2.3", "expired"),
        (TIME + timedelta(seconds=1), [], "10.1.2.3", None),
        (None, ["10.0.0.0/8"], "10.1.2.3", None),
        (None, ["10.0.0.0/8"], "192.0.2.7", "outside_networks"),
        (None, ["10.0.0.0/8"], None, "address_unknown"),
    ],
)
def test_a_robot_that_none_of_its_secrets_lets_in_gets_nothing(stored, ends, cidrs, ip, reason):
    """Or whoever looks for why a pipeline stopped is told that all is granted."""
    robot = stored.found("robot", "ci")
    home = stored.grant(robot, "writer", "team")
    bounds = {"expires_at": ends, "cidrs": cidrs, "warned": None}
    stored.session.add(Robot(subject_id=robot, grant_id=home, **bounds))
    told = ask(stored, "robot:ci", ip=ip)
    assert told["granted"] == ([] if reason else ["pull", "push"])
    assert told["reasons"] == (dict.fromkeys(("pull", "push"), reason) if reason else {})
    assert told["smallest"] is None


def recorded(stored, principal, *scopes, address="10.1.2.3", known=True, jti="j1"):
    """Leave the record that a token request leaves."""
    asked = parse(scopes)
    view = load_view(stored.session, principal)
    registry = view.base.registries["reg"]
    decision = decide(view, registry, asked, address=address, address_known=known, now=NOW)
    record = Record(
        event=Event.TOKEN, outcome=Outcome.REDUCED, time=NOW, address=address, peer=address,
        actor={"kind": principal.kind.value, "source": principal.source or None,
               "name": principal.name or None, "id": principal.id or None},
        decision_id=jti, registry="reg",
        asked=asked_member(asked_elements(SimpleNamespace(asked=asked), decision)),
        granted=asked_member(entry.scope for entry in decision.access),
    )  # fmt: skip
    stored.session.add(
        TokenRecord(
            writer="w", seq=1, time=int(NOW * 1000), decision_id=jti, body=print_body(record),
            prev=b"", hash=b"",
        )
    )  # fmt: skip
    stored.session.flush()


def past(stored, jti="j1"):
    return decided_shape(decided(stored.session, jti, PEOPLE, now=NOW))


def alice(stored):
    return asked_about(stored.session, "user:alice", PEOPLE).principal


def test_a_decision_of_the_past(stored):
    scopes = ("registry:other:*", "repository:team/app:push,pull", "repository:UP:pull", "a")
    recorded(stored, alice(stored), "repository:team/x:pull", *scopes)
    told = past(stored)
    assert told["time"] == "2030-01-01T00:00:00.000Z"
    assert [(each["scope"], each["granted"], each["reasons"]) for each in told["entries"]] == [
        ("repository:team/x:pull", ["pull"], {}),
        ("registry:other:*", [], {"*": "unknown_name"}),
        ("repository:team/app:push,pull", ["pull"], {"push": "no_grant"}),
        ("repository:UP:pull", [], {"*": "malformed"}),
        ("a", [], {"*": "malformed"}),
    ]
    assert (told["id"], told["more"]) == ("j1", 0)
    assert told["scope"] == "registry:other:*"
    today = [(each["scope"], each["granted"], each["reasons"]) for each in told["as_of_today"]]
    assert today[0] == ("repository:team/x:pull", ["pull"], {})
    assert today[2:] == [
        ("repository:team/app:push,pull", ["pull"], {"push": "no_grant"}),
        ("repository:UP:pull", [], {"*": "malformed"}),
        ("a", [], {"*": "malformed"}),
    ]
    assert told["as_of_today"][2]["smallest"] == {"role": "writer", "on": "team/app"}


def test_the_grants_of_a_decision_are_as_they_are_now_or_null(stored):
    recorded(stored, alice(stored), "repository:team/app:*", address="192.0.2.9")
    deny, reader = stored.session.scalars(select(Grant.id).order_by(Grant.effect.desc())).all()
    assert past(stored)["grants"] == [
        {"id": deny, "subject": "user:local:alice", "role": "writer", "on": "team/**",
         "effect": "deny", "counted": True, "why_not": None},
    ]  # fmt: skip
    stored.session.execute(delete(Grant).where(Grant.id == deny))
    told = past(stored)
    assert told["grants"] == [
        {"id": deny, "subject": None, "role": None, "on": None,
         "effect": "deny", "counted": True, "why_not": None},
    ]  # fmt: skip
    today = told["as_of_today"][0]
    assert today["reasons"]["pull"] == "outside_networks"
    assert [grant["id"] for grant in today["grants"]] == [reader]


def test_an_address_that_was_not_known_is_not_known_today(stored):
    recorded(stored, Principal(Kind.USER, "local", "alice", "x"), "repository:team:pull")
    stored.session.execute(delete(Grant).where(Grant.effect == "deny"))
    recorded_unknown = {"address": "10.1.2.3", "known": False, "jti": "j2"}
    stored.session.execute(delete(TokenRecord))
    recorded(stored, alice(stored), "repository:team:pull", **recorded_unknown)
    told = past(stored, "j2")
    assert told["reasons"] == {"pull": "address_unknown"}
    assert told["grants"][0]["why_not"] == "address_unknown"
    assert told["as_of_today"][0]["reasons"] == {"pull": "address_unknown"}


def test_a_sign_in_without_a_question_has_no_entries(stored):
    recorded(stored, alice(stored))
    told = past(stored)
    assert (told["scope"], told["granted"], told["denied"], told["entries"]) == ("", [], [], [])


def test_what_a_record_left_out_is_counted(stored):
    scopes = [f"repository:team/a-long-name-{number:040}:pull" for number in range(100)]
    recorded(stored, ANONYMOUS, *scopes)
    told = past(stored)
    assert told["subject"] == "anonymous"
    assert told["more"] == 100 - len(told["entries"]) > 0
    assert len(told["as_of_today"]) == len(told["entries"])


def test_of_a_namesake_or_of_nobody_there_is_no_today(stored):
    recorded(stored, Principal(Kind.USER, "local", "alice", "another"), TEAM)
    assert past(stored)["as_of_today"] is None
    stored.session.execute(delete(Subject).where(Subject.name == "alice"))
    assert past(stored)["as_of_today"] is None


def test_there_is_no_such_decision(stored):
    with pytest.raises(NotFound):
        past(stored, "never")

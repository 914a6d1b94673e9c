"""Exactly one audit record for each token request, however it ends."""

import asyncio
import json

import pytest
from inprocess import basic, installation, serving

from authsvc.audit.records import MEMBERS, Record, print_body
from authsvc.changes import namespaces
from authsvc.changes.namespaces import NamespaceSpec
from authsvc.changes.spec import checked
from authsvc.principal import SYSTEM, Kind

pytestmark = pytest.mark.anyio
S = "service=reg-a.test"


@pytest.fixture
async def realm(tmp_path):
    settings, parts = installation(tmp_path)
    async with serving(settings, parts) as running:
        yield running
    parts.database.dispose()


async def last_of(realm, call):
    """The one record that a call leaves."""
    before = len(realm.records())
    answer = await call
    records = realm.records()
    assert len(records) == before + 1
    assert tuple(records[-1]) == MEMBERS
    return answer, records[-1]


async def test_a_granted_request(realm):
    query = f"{S}&client_id=docker&scope=repository:team/app:pull"
    headers = [*basic("alice"), ("user-agent", 'do"cker'), ("x-request-id", "r1")]
    call = realm.call("GET", "/token", query=query, headers=headers)
    answer, record = await last_of(realm, call)
    assert record["event"] == "token"
    assert record["outcome"] == "granted"
    assert record["reason"] is None
    assert record["actor"] == {"kind": "user", "source": "file", "name": "alice", "id": "alice"}
    assert record["credential"] == {"kind": "password", "id": None}
    assert (record["address"], record["peer"]) == ("127.0.0.1", "127.0.0.1")
    assert (record["request_id"], record["client_id"]) == ("r1", "docker")
    assert record["user_agent"] == 'do"cker'
    assert record["decision_id"] == answer.token["jti"]
    assert record["registry"] == "reg-a.test"
    assert record["asked"] == [{"entry": "repository:team/app:pull", "refused": []}]
    assert record["granted"] == ["repository:team/app:pull"]
    assert record["key_id"]


async def test_a_reduced_request_says_why_for_each_action(realm):
    query = f"{S}&scope=repository:team/app:pull,push&scope=x"
    answer, record = await last_of(realm, realm.get(query, "bob"))
    assert record["outcome"] == "reduced"
    assert record["reason"] == "no_grant"
    assert record["asked"] == [
        {
            "entry": "repository:team/app:pull,push",
            "refused": [{"action": "push", "reason": "no_grant", "grant": None}],
        },
        {"entry": "x", "refused": [{"action": "*", "reason": "malformed", "grant": None}]},
    ]
    assert record["decision_id"] == answer.token["jti"]


async def test_a_request_that_gets_nothing_is_refused_though_a_token_leaves(realm):
    answer, record = await last_of(realm, realm.get(f"{S}&scope=repository:ops/x:pull", "bob"))
    assert answer.status == 200
    assert record["outcome"] == "refused"
    assert record["decision_id"] == answer.token["jti"]


async def test_a_wrong_password_names_the_account_and_an_unknown_name_is_a_pseudonym(realm):
    _, record = await last_of(realm, realm.get(S, "alice:wrong"))
    assert (record["outcome"], record["reason"]) == ("refused", "wrong_password")
    assert record["claimed"] == "alice"
    assert record["decision_id"] is None
    _, record = await last_of(realm, realm.get(S, "my secret typed here:x"))  # PX-08
    assert len(record["claimed"]) == 12
    assert "secret" not in json.dumps(record)


@pytest.mark.parametrize(
    ("query", "reason"),
    [("service=evil.test", "unknown_service"), ("x=1", "invalid_request"),
     (S + "&scope=" + "a" * 70_000, "too_large")],
)  # fmt: skip
async def test_what_does_not_parse_or_names_no_registry_is_recorded(realm, query, reason):
    answer, record = await last_of(realm, realm.get(query))
    assert answer.status == 400
    assert (record["outcome"], record["reason"]) == ("refused", reason)


async def test_what_a_flood_of_junk_asks_is_bounded_in_the_record(realm):  # AU-11
    query = S + "&scope=" + "%20".join(f"junk{n}" + "x" * 200 for n in range(256))
    _, record = await last_of(realm, realm.get(query))
    assert len(json.dumps(record["asked"])) < 2_400
    assert record["asked"][-1]["more"] > 200


async def test_a_decision_by_address_is_made_anew_for_each_address(realm):
    query = f"{S}&scope=repository:timed/x:pull"
    assert (await realm.get(query, "bob", peer="192.0.2.7")).access == {"timed/x": ["pull"]}
    assert (await realm.get(query, "bob", peer="198.51.100.7")).access == {}
    assert (await realm.get(query, "bob", peer="192.0.2.7")).access == {"timed/x": ["pull"]}


async def test_fixed_parts_print_the_same_record_as_the_plain_way(realm):
    query = f"{S}&client_id=c&scope=repository:team/app:pull,push"
    headers = [*basic("bob"), ("user-agent", "a\\b")]
    call = realm.call("GET", "/token", query=query, headers=headers)
    _, stored = await last_of(realm, call)
    with realm.parts.database.read() as session:
        from sqlalchemy import select

        from authsvc.db.models import TokenRecord

        rows = session.scalars(select(TokenRecord).order_by(TokenRecord.time)).all()
        body = next(r.body for r in rows if r.decision_id == stored["decision_id"])
        when = next(r.time for r in rows if r.decision_id == stored["decision_id"])
    fields = {name: stored[name] for name in MEMBERS if name in Record.__slots__}
    plain = json.loads(print_body(Record(**fields | {"time": when / 1000})))
    printed = json.loads(body)
    assert list(printed) == list(plain)
    assert printed == plain


async def test_an_anonymous_record_names_nobody(realm):
    _, record = await last_of(realm, realm.get(f"{S}&scope=repository:open/x:pull"))
    assert record["actor"] == {"kind": Kind.ANONYMOUS, "source": None, "name": None, "id": None}
    assert record["credential"] is None


async def test_an_entry_that_is_too_long_is_counted_and_hashed(realm):
    query = f"{S}&scope=repository:" + "y" * 50_000 + ":pull"
    _, record = await last_of(realm, realm.get(query))
    assert [sorted(element) for element in record["asked"]] == [["more", "sha256"]]


async def test_hostile_texts_are_cut_before_they_are_remembered(realm):
    headers = [("user-agent", "A" * 60_000)]
    query = f"{S}&scope=repository:open/x:pull"
    call = realm.call("GET", "/token", query=query, headers=headers)
    _, record = await last_of(realm, call)
    assert record["user_agent"] == "A" * 256


def service_of(realm):
    """The token service of the running application."""
    return realm.app.direct._quick._service


async def test_answers_hold_no_policy_that_has_changed(realm):
    service = service_of(realm)
    await realm.get(f"{S}&scope=repository:open/x:pull")
    assert service._answers
    spec = checked(NamespaceSpec, {"name": "later"})
    realm.parts.unit_of_work.run(SYSTEM, lambda tx: namespaces.add(tx, spec))
    for _ in range(200):
        if not service._answers:
            break
        await asyncio.sleep(0.02)
    assert not service._answers


async def test_remembered_answers_are_bounded_by_their_size(realm, monkeypatch):
    monkeypatch.setattr("authsvc.tokens.service.ANSWERS_SIZE", 20_000)
    service = service_of(realm)
    for number in range(30):
        await realm.get(f"{S}&scope=repository:open/{number}:pull")
    assert 0 < service._held <= 20_000
    assert service._held == sum(answer.size for answer in service._answers.values())

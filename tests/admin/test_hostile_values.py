"""Values as nobody well-meaning sends them: each is a 4xx that names its place, nothing is made."""

import pytest
from admin.made import NOUNS, fresh

pytestmark = pytest.mark.anyio
TEXTS = [
    pytest.param("../etc/passwd", id="up and out"),
    pytest.param("a/../b", id="up between"),
    pytest.param("a//b", id="two slashes"),
    pytest.param("/a", id="a slash before"),
    pytest.param("a/", id="a slash after"),
    pytest.param("A/B", id="upper case"),
    pytest.param("tеam", id="a Cyrillic letter"),  # noqa: RUF001
    pytest.param("ｔｅａｍ", id="full-width letters"),  # noqa: RUF001
    pytest.param("te%61m", id="a percent sign"),
    pytest.param("a_*", id="a star"),
    pytest.param("{username}", id="braces"),
    pytest.param("'; DROP TABLE grants; --", id="SQL"),
    pytest.param("a\nb", id="a line feed"),
    pytest.param("a\n", id="a line feed at the end"),
    pytest.param("a\x00", id="U+0000"),
    pytest.param("a\u202eb", id="right to left"),
    pytest.param("", id="nothing"),
    pytest.param(" ", id="a blank"),
    pytest.param("a" * 256, id="256 characters"),
    pytest.param(None, id="null"),
    pytest.param(True, id="a truth"),
    pytest.param(1, id="a number"),
    pytest.param([], id="a list"),
    pytest.param({"a": 1}, id="an object"),
]
# Names of people and groups are of any script and printable, but for the colon.
PRINTABLE = {"'; DROP TABLE grants; --", "../etc/passwd", "a/../b", "a//b", "/a", "a/", "A/B",
             "tеam", "ｔｅａｍ", "te%61m", "a_*", "{username}"}  # noqa: RUF001 # fmt: skip
# A registry's name is printable ASCII without blank, comma or quote.
SERVICES = {"../etc/passwd", "a/../b", "a//b", "/a", "a/", "A/B", "te%61m", "a_*", "{username}"}
TAKEN = {
    "users": PRINTABLE,
    "groups": PRINTABLE,
    "registries": SERVICES,
    "grants": {"a_*", "{username}"},  # globs
}

NAMED = {"registries": "name", "namespaces": "name", "users": "name", "groups": "name",
         "roles": "name", "grants": "on", "robots": "namespace"}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("noun", NOUNS)
async def test_a_name(api, noun, text):
    before = await api.all(f"/{noun}")
    body = {**fresh(noun), NAMED[noun]: text}
    answer = await api.post(f"/{noun}", body)
    if isinstance(text, str) and text in TAKEN.get(noun, ()):
        assert answer.status == 201
        assert answer.json[NAMED[noun]] == text
        await api.delete(f"/{noun}/{answer.json['id']}")
    else:
        assert answer.status == 422
        assert answer.headers["content-type"] == "application/problem+json"
        if text != "a\x00":  # which no text of a body may be
            assert [fault["pointer"] for fault in answer.json["errors"]] == [f"/{NAMED[noun]}"]
    assert await api.all(f"/{noun}") == before


VALUES = [
    ("registries", {"ttl": 59}, "/ttl"), ("registries", {"ttl": 3601}, "/ttl"),
    ("registries", {"ttl": "600"}, "/ttl"), ("registries", {"ttl": 600.5}, "/ttl"),
    ("registries", {"ttl": 10**30}, "/ttl"), ("registries", {"enabled": 1}, "/enabled"),
    ("registries", {"enabled": "true"}, "/enabled"), ("registries", {"enabled": None}, "/enabled"),
    ("registries", {"key_header": "jwk"}, "/key_header"),
    ("namespaces", {"visibility": "Public"}, "/visibility"),
    ("namespaces", {"visibility": None}, "/visibility"),
    ("namespaces", {"registry": "no.test"}, "/registry"),
    ("namespaces", {"registry": 1}, "/registry"), ("namespaces", {"registry": ""}, "/registry"),
    ("users", {"password": ""}, "/password"), ("users", {"password": "short"}, "/password"),
    ("users", {"source": "file"}, "/source"), ("users", {"enabled": 0}, "/enabled"),
    ("users", {"name": "Robot.x"}, "/name"), ("users", {"name": "ANONYMOUS"}, "/name"),
    ("users", {"name": "a:b"}, "/name"), ("groups", {"name": "everyone"}, "/name"),
    ("groups", {"members": ["no-one"]}, "/members/0"), ("groups", {"members": "dora"}, "/members"),
    ("groups", {"members": ["file:dora", "no:dora"]}, "/members/1"),
    ("groups", {"members": ["everyone"]}, "/members/0"),
    ("groups", {"members": ["robot:ci"]}, "/members/0"),
    ("groups", {"members": ["group:no-such"]}, "/members/0"),
    ("roles", {"allow": []}, "/allow"), ("roles", {"allow": ["repository:*"]}, "/allow/0"),
    ("roles", {"allow": ["repository:pull", "manage"]}, "/allow/1"),
    ("roles", {"allow": None}, "/allow"),
    ("grants", {"role": "no-such"}, "/role"), ("grants", {"role": "admin"}, None),
    ("grants", {"subject": "bob"}, "/subject"), ("grants", {"subject": "user:no-one"}, "/subject"),
    ("grants", {"subject": "user:no:bob"}, "/subject"),
    ("grants", {"subject": "group:no"}, "/subject"),
    ("grants", {"registry": "no.test"}, "/registry"), ("grants", {"effect": "ALLOW"}, "/effect"),
    ("grants", {"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
    ("grants", {"expires_at": "2999-01-01"}, "/expires_at"),
    ("grants", {"expires_at": "2999-01-01T00:00:00"}, "/expires_at"),
    ("grants", {"expires_at": 32503680000}, "/expires_at"),
    ("grants", {"expires_at": "9999-12-31T23:59:59-14:00"}, "/expires_at"),
    ("grants", {"cidrs": ["10.1.2.3/8"]}, "/cidrs/0"),
    ("grants", {"cidrs": ["::1", "x"]}, "/cidrs/1"),
    ("grants", {"cidrs": "10.0.0.0/8"}, "/cidrs"), ("grants", {"cidrs": [10]}, "/cidrs/0"),
    ("grants", {"cidrs": ["fe80::1%eth0"]}, "/cidrs/0"),
    ("grants", {"reason": "a" * 1001}, "/reason"),
    ("grants", {"on": "a***"}, "/on"), ("grants", {"on": "{user}"}, "/on"),
    ("grants", {"on": "*" + "x" * 255}, "/on"),
    *(("robots", {"name": name}, "/name")
      for name in ("CI", "ro$bot", "a+b", "a:b", "a@b", "a/b", "robot.", "robot.robot.x", "a b",
                   "", "a\n", "é", "a" * 250, None, 1)),
    ("robots", {"role": "owner"}, "/role"), ("robots", {"role": "admin"}, "/role"),  # RB-17
    ("robots", {"role": "auditor"}, "/role"), ("robots", {"role": "catalog-reader"}, "/role"),
    ("robots", {"registry": 1}, "/registry"), ("robots", {"enabled": "yes"}, "/enabled"),
    ("robots", {"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
    ("robots", {"expires_at": "30d"}, "/expires_at"), ("robots", {"cidrs": ["x"]}, "/cidrs/0"),
    ("robots", {"cidrs": ["10.1.2.3/8"]}, "/cidrs/0"), ("robots", {"secrets": []}, "/secrets"),
    ("robots", {"secret": "mine"}, "/secret"), ("robots", {"digest": "mine"}, "/digest"),
]  # fmt: skip


@pytest.mark.parametrize(("noun", "members", "pointer"), VALUES, ids=lambda v: ascii(v)[:60])
async def test_a_value(api, noun, members, pointer):
    before = await api.all(f"/{noun}")
    answer = await api.post(f"/{noun}", {**fresh(noun), **members})
    assert answer.status == 422, answer.body
    assert answer.json["detail"]
    if pointer:
        assert [fault["pointer"] for fault in answer.json["errors"]] == [pointer]
    assert await api.all(f"/{noun}") == before


@pytest.mark.parametrize("id_", [str(2**63 - 1), str(2**63), str(2**64), "9" * 19, "1" * 5_000])
@pytest.mark.parametrize("noun", NOUNS)
async def test_an_id_beyond_all_rows(api, noun, id_):
    for method in ("GET", "DELETE"):
        assert (await api(method, f"/{noun}/{id_}")).status == 404


@pytest.mark.parametrize("path", ["/users", "/keys", "/grants"])
async def test_a_filter_with_what_no_database_holds(api, path):
    assert (await api.get(f"{path}?q=%00")).status == 422
    assert (await api.get(f"{path}?q=%ff%fe")).json == []
    assert (await api.get(f"{path}?q=%f0%9f%90%b3")).json == []


async def test_the_name_of_a_glob_with_many_stars_is_matched_in_linear_time(api):
    grant = await api.make(
        "/grants", subject="user:file:bob", role="reader", on="g/**a**a**a**a**a**b"
    )
    name = "g/" + "a" * 250
    assert await api.token("bob", f"repository:{name}:pull") == {}
    assert await api.token("bob", f"repository:{name}b:pull") == {f"{name}b": ["pull"]}
    await api.delete(f"/grants/{grant['id']}")

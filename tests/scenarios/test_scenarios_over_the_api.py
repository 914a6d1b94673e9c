"""Every scenario over the admin API: all of it by POST; then explain, and real tokens, agree."""

import json
from urllib.parse import quote

import pytest
from inprocess import basic, serving
from scenarios.sentences import FILES, read
from scenarios.stage import HAND, PASSWORD, staged

from authsvc.protocol.names import parse_subject

pytestmark = pytest.mark.anyio
CONTENT = ("content-type", "application/json")


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def scenario(request):
    return read(request.param)


@pytest.fixture
async def realm(database_url, tmp_path, scenario):
    settings, parts = staged(tmp_path, database_url, scenario.people("corp"))
    async with serving(settings, parts) as running:
        yield running
    parts.database.dispose()


async def post(realm, path, body):
    answer = await realm.call(
        "POST", f"/api/v1{path}", headers=[CONTENT, *basic(f"{HAND}:{PASSWORD}")],
        body=json.dumps(body).encode(),
    )  # fmt: skip
    assert answer.status in (200, 201), (path, body, answer.body)
    return answer.json


async def told(realm, scenario):
    """Make all that the document holds."""
    for noun in ("registries", "namespaces", "roles"):
        for item in scenario.get(noun):
            await post(realm, f"/{noun}", item)
    for name in scenario.people("local"):
        await post(realm, "/users", {"name": name, "password": PASSWORD})
    for name, members in scenario.groups:
        await post(realm, "/groups", {"name": name, "members": members})
    for grant in scenario.grants:
        await post(realm, "/grants", grant)


async def explained(realm, sentence):
    asked = {"subject": sentence.who, "scope": sentence.scope, "service": sentence.service}
    if sentence.address is not None:
        asked["ip"] = sentence.address
    return tuple((await post(realm, "/explain", asked))["granted"])


async def in_a_token(realm, sentence):
    headers = []
    if sentence.who != "anonymous":
        headers += basic(f"{parse_subject(sentence.who).name}:{PASSWORD}")
    if sentence.address is None:  # told by somebody who is not trusted: the true one is not known
        headers.append(("x-forwarded-for", "198.51.100.7"))
    answer = await realm.call(
        "GET", "/token", query=f"service={sentence.service}&scope={quote(sentence.scope)}",
        headers=headers, peer=sentence.address or "127.0.0.1",
    )  # fmt: skip
    assert answer.status == 200, (sentence.text, answer.body)
    return tuple(answer.access.get(sentence.name, ()))


def can_sign_in(scenario, sentence):
    """A local namesake is asked first, so somebody of another source cannot show their password."""
    if sentence.who == "anonymous":
        return True
    who = parse_subject(sentence.who)
    return who.source == "local" or who.name not in scenario.people("local")


async def test_explain_and_tokens_say_what_the_sentences_say(realm, scenario):
    await told(realm, scenario)
    wrong, tokens = [], 0
    for sentence in scenario.told:
        if await explained(realm, sentence) != sentence.granted:
            wrong.append(f"explain: {sentence.text}")
        if can_sign_in(scenario, sentence):
            tokens += 1
            if await in_a_token(realm, sentence) != sentence.granted:
                wrong.append(f"token: {sentence.text}")
    assert wrong == []
    assert tokens > len(scenario.told) // 2

"""Policy documents as programs send them to the API, and what is stored, whole."""

from admin.made import NUMBERS

VERBS = ("lint", "test", "plan", "apply")
A, B = "reg-a.test", "reg-b.test"
WORDS = ("added", "changed", "removed")


def fresh_path():
    return f"policed{next(NUMBERS)}"


def grant(on, subject="user:file:bob", role="reader", **members):
    """A grant as a document holds it."""
    return {"subject": subject, "role": role, "on": on, **members}


def at_team(on="team", subject="user:file:bob", role="reader", **members):
    """A grant at `team` or below, at the registry at which olga owns it."""
    return grant(on, subject, role, **{"registry": A, **members})


async def send(api, verb, document, *, key=None, **members):
    """POST /policy/VERB of a document, an object or YAML text."""
    return await api.post(f"/policy/{verb}", {"document": document, **members}, key=key)


async def done(api, verb, document, **members):
    """What a good answer holds."""
    answer = await send(api, verb, document, **members)
    assert answer.status == 200, answer.body
    return answer.json


def differing(plan):
    """What differs, without the kinds of which nothing does."""
    held = {word: {kind: items for kind, items in plan[word].items() if items} for word in WORDS}
    return {word: kinds for word, kinds in held.items() if kinds}


async def stored(api):
    """All that is stored of what documents speak of, as the administrator exports it."""
    answer = await api.as_("root").get("/policy/export")
    assert answer.status == 200
    return answer.json


async def left_by(api, call):
    """The answer to a call, and the records that it left but for those of signing in."""
    before = len(api.realm.records())
    answer = await call
    records = api.realm.records()[before:]
    return answer, [record for record in records if record["event"] != "login"]


async def refused(api, who, verb, document, **members):
    """The answer to what is refused, and that it changed nothing."""
    before = await stored(api)
    answer = await send(api.as_(who), verb, document, **members)
    assert answer.status >= 400, answer.body
    assert await stored(api) == before
    return answer

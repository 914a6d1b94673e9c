"""While a large policy is applied beside a running service, every token is given."""

import json

import pytest
from real.load import Load
from real.people import ONE, WRITER, introduce
from real.process import wait_for
from real.service import Service

GRANTS = 10_000


@pytest.fixture(params=["sqlite", "postgresql"])
def service(request, folder):
    url = ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.url(server.make("template0"))
    made = Service(folder, database_url=url, settings="workers = 2\n")
    introduce(made)
    made.start()
    yield made
    made.stop()


def policy():
    """Grants to a group that the callers are in, and to one that comes with them."""
    to = ("group:devs", "group:new")
    grants = [
        {"subject": to[n % 2], "role": "writer", "on": f"large{n % 97}/p{n}"} for n in range(GRANTS)
    ]
    return {"groups": [{"name": "new", "members": ["wendy"]}], "grants": grants}


def test_no_token_is_refused(service):
    file = service.folder / "large.json"
    file.write_text(json.dumps(policy()))
    with Load(service.port, ONE, [None, WRITER, WRITER]) as callers:
        wait_for(lambda: len(callers.waits) > 10, "the first tokens")
        said = json.loads(service.cli("policy", "apply", str(file), "--json"))
        before = len(callers.waits)
        wait_for(lambda: len(callers.waits) > before + 10, "tokens after it")
    assert len(said["added"]["grants"]) == GRANTS
    assert callers.refused == []

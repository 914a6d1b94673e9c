"""A killed `policy apply` leaves the old policy whole, or the new one whole, and can be repeated.

`POLICY_KILLS` in the environment says how many are killed on each engine.
"""

import json
import os
import random
import signal
import subprocess
import time

import pytest
from real.people import ONE, introduce
from real.service import Service
from real.wire import ask_token, claims

from authsvc.changes.policy.document import KINDS
from authsvc.changes.policy.stored import holdings
from authsvc.db.engine import Database

KILLS = int(os.environ.get("POLICY_KILLS", "5"))
GRANTS = 20_000


@pytest.fixture(params=["sqlite", "postgresql"])
def service(request, folder):
    url = ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.url(server.make("template0"))
    source = '[[sources]]\ntype = "htpasswd"\nname = "file"\npath = "htpasswd"\n'
    made = Service(folder, database_url=url, settings=source)
    (folder / "htpasswd").touch()
    introduce(made)
    made.database = Database(url or f"sqlite:///{folder}/data/authsvc.db")
    yield made
    made.database.dispose()
    made.stop()


def policy(word):
    """All that another word's policy does not hold; what both hold stays."""
    grants = [
        {"subject": f"user:file:{word}{n // 10}" if word == "new" else "group:devs",
         "role": "writer", "on": f"{word}{n % 97}/p{n}"}
        for n in range(GRANTS)
    ]  # fmt: skip
    keeps = [{"subject": "user:admin", "role": "admin"}]
    keeps += [{"subject": "everyone", "role": "reader", "on": "open"}]
    return {
        "namespaces": [{"name": "open", "visibility": "public"}, {"name": word}],
        "roles": [{"name": word, "allow": ["repository:pull"]}],
        "groups": [{"name": word, "members": ["wendy"]}, {"name": "devs", "members": ["wendy"]}],
        "grants": [*grants, *keeps],
    }


def stored(service):
    """All that is stored, by kind and name, where grants are by their fingerprints."""
    with service.database.read() as session:
        held = holdings(session, None)
        return {kind: {key: each.item for key, each in held.of(kind).items()} for kind in KINDS}


def begun(service, file):
    return subprocess.Popen(
        [service.program, "--config", "authsvc.toml", "policy", "apply", file, "--prune"],
        cwd=service.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


@pytest.mark.timeout(60 * KILLS)
def test_whatever_is_killed_is_whole(service):
    whole, seconds = {}, 0.0
    for word in ("old", "new"):
        file = service.folder / f"{word}.json"
        file.write_text(json.dumps(policy(word)))
        start = time.monotonic()
        assert begun(service, str(file)).wait(60) == 0
        seconds = time.monotonic() - start
        whole[word] = stored(service)
        assert len(whole[word]["grants"]) == GRANTS + 2
    assert whole["old"] != whole["new"]
    last = "new"
    for number in range(KILLS):
        word = "old" if last == "new" else "new"
        apply = begun(service, str(service.folder / f"{word}.json"))
        # Most of the time is reading and comparing; writing is near the end.
        moment = random.uniform(0, 1) if number == 0 else random.uniform(0.8, 1.05)
        time.sleep(seconds * moment)
        os.killpg(apply.pid, signal.SIGKILL)
        apply.wait()
        found = stored(service)
        assert found in (whole[last], whole[word])
        last = word if found == whole[word] else last
    word = "old" if last == "new" else "new"
    service.cli("policy", "apply", str(service.folder / f"{word}.json"), "--prune")
    assert stored(service) == whole[word]
    service.start()
    token = ask_token(f"{service.url}/token", ONE, "repository:open/app:pull")
    assert claims(token.json()["token"])["access"][0]["actions"] == ["pull"]

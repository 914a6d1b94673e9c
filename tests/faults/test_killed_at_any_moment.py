"""Killed at any moment, the service starts again with nothing lost that it had acknowledged.

20 times; `KILLS` in the environment says how often for `make soak`.
"""

import os

import pytest
from real.load import Load
from real.people import ONE, WRITER, introduce
from real.process import listens, wait_for
from real.service import Service

KILLS = int(os.environ.get("KILLS", "20"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.all)])
def fresh_service(request, folder):
    url = ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.url(server.make("template0"))
    made = Service(folder, database_url=url, settings="workers = 2\n")
    introduce(made)
    yield made
    made.stop()


@pytest.mark.timeout(20 * KILLS)
def test_every_acknowledged_token_is_in_the_audit_after_each_kill(fresh_service):
    service = fresh_service
    with Load(service.port, ONE, [None, None, WRITER, WRITER]) as load:
        for number in range(KILLS):
            service.start()
            wanted = len(load.acknowledged) + 25 * (number + 1)
            wait_for(lambda n=wanted: len(load.acknowledged) >= n, f"{wanted} tokens in all")
            kill(service, alone=number % 2 == 0)
    recorded = {record["decision_id"] for record in service.audit() if record["event"] == "token"}
    assert load.acknowledged - recorded == set()


def kill(service, *, alone) -> None:
    """Kills all processes of the service at once, or its parent, whose workers have to notice."""
    if alone:
        service.process.kill_alone()
        wait_for(lambda: not listens(service.port), "the workers to end with their parent")
    else:
        service.process.kill()
    service.process = None

"""PostgreSQL goes away and comes back: 503 in between, no restart after."""

import pytest
from real.people import ONE, READER, introduce
from real.process import wait_for
from real.service import Service
from real.wire import ask_token, call

SCOPE = "repository:team/app:pull"


@pytest.fixture
def server(postgres_of_its_own):
    return postgres_of_its_own


@pytest.fixture
def service_on(server, folder):
    """A running service on a PostgreSQL that the test may stop."""
    made = Service(folder, database_url=server.url(server.make("template0")))
    introduce(made)
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("by", ["GET", "POST"])
def test_a_stopped_postgresql_gives_503_and_the_service_recovers_by_itself(server, service_on, by):
    realm = f"{service_on.url}/token"

    def ask(account=READER):
        return ask_token(realm, ONE, SCOPE, account=account, by=by)

    assert ask().status == 200
    server.stop()
    for account in (READER, None):
        answer = ask(account)
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert set(answer.json()) == {"details", "errors", "error", "error_description"}
    wait_for(lambda: service_on.probe("/readyz") == 503, "/readyz to notice")
    assert service_on.probe("/livez") == 200
    assert call("GET", f"{service_on.url}/readyz").json()

    server.start()
    wait_for(lambda: ask().status == 200, "tokens to be given again")
    wait_for(lambda: service_on.probe("/readyz") == 200, "/readyz to be well again")


def test_a_service_started_before_its_database_waits_for_it(server, service_on):
    service_on.stop()
    server.stop()
    service_on.start(until="/livez")
    assert service_on.probe("/readyz") == 503
    assert ask_token(f"{service_on.url}/token", ONE, SCOPE, account=READER).status == 503
    server.start()
    wait_for(lambda: service_on.probe("/readyz") == 200, "/readyz to be well")
    assert ask_token(f"{service_on.url}/token", ONE, SCOPE, account=READER).status == 200

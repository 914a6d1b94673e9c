"""A start lets nobody in before it can answer."""

import pytest
from real.people import ONE
from real.service import Service
from real.wire import ask_token


@pytest.fixture
def restarted(folder):
    made = Service(folder)
    made.init(ONE)
    made.cli("namespace", "add", "open", "--visibility", "public")
    made.start(until="/livez")
    yield made
    made.stop()


def test_the_first_request_after_a_start_gets_its_token(restarted):
    answer = ask_token(f"{restarted.url}/token", ONE, "repository:open/app:pull")
    assert (answer.status, answer.json().get("scope")) == (200, "repository:open/app:pull")

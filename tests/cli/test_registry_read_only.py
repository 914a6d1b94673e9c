"""Garbage collection waits for the last push token: the command must not name a time too early."""

import json
from datetime import datetime

import pytest
from real.service import Service


@pytest.fixture
def service(folder):
    made = Service(folder)
    made.init("reg.test")
    return made


def seconds_left(service, name):
    item = json.loads(service.cli("registry", "set", name, "--read-only", "--json"))
    end = datetime.fromisoformat(item["push_tokens_end_at"])
    return (end - datetime.now(end.tzinfo)).total_seconds()


def test_the_last_push_token_ends_a_ttl_and_the_leeway_from_now(service):
    assert 955 < seconds_left(service, "reg.test") < 962


def test_a_ttl_that_was_lowered_lately_still_counts(service):
    service.cli("registry", "add", "long.test", "--ttl", "3600")
    service.cli("registry", "set", "long.test", "--ttl", "60")
    assert 3_650 < seconds_left(service, "long.test") < 3_662

"""Timers that are put forward by hand, and a second directory."""

import time

import pytest
from real.company import settle
from real.process import free_port
from real.slapd import Slapd


class Running:
    """The machine's timer and `ahead` seconds more."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.monotonic() + self.ahead


class Standing:
    """A timer that stands at `now`, so that nothing takes any time."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def running():
    return Running()


@pytest.fixture
def standing():
    return Standing()


@pytest.fixture
def second(rt):
    """A directory beside `slapd_of_its_own`, with the same people and other ids."""
    server = settle(Slapd(rt / f"second-{free_port()}").start())
    yield server
    server.stop()

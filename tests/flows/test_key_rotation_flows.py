"""A new signing key while clients pull: nobody notices."""

import threading

import pytest
from real.people import READER, WRITER
from real.wire import Wire, header


class Puller(threading.Thread):
    """Pulls with a new token each time until told to end; remembers statuses and keys."""

    def __init__(self, host, repository, by):
        super().__init__()
        self.statuses = []
        self.keys = []
        self.done = threading.Event()
        self._host, self._repository, self._by = host, repository, by

    def run(self):
        while not self.done.is_set():
            wire = Wire(self._host, READER, self._by)
            self.statuses.append(wire.manifest(self._repository).status)
            self.keys += [header(token)["kid"] for token in wire.tokens]


@pytest.mark.parametrize("by", ["GET", "POST"])
def test_no_pull_fails_while_the_key_is_rotated(service, registry, repository, image, by):
    old = Wire(registry.host, WRITER, by)
    assert old.push(repository, image).status == 201
    puller = Puller(registry.host, repository, by)
    puller.start()
    try:
        service.cli("keys", "rotate")
        assert a_new_key_signs(puller)
    finally:
        puller.done.set()
        puller.join()
    assert set(puller.statuses) == {200}

    kept = Wire(registry.host, token=old.token)
    assert kept.manifest(repository).status == 200
    assert kept.tokens == []


def a_new_key_signs(puller, *, patience=30.0) -> bool:
    """Waits until the puller has met the new key, and has pulled with it a few times more."""
    ended = threading.Event()
    for _ in range(int(patience / 0.05)):
        if len(set(puller.keys)) > 1 and len(set(puller.keys[-5:])) == 1:
            return True
        ended.wait(0.05)
    return False

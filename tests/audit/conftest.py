import pytest


@pytest.fixture
def quick(monkeypatch):
    """Looks and attempts follow each other fast."""
    monkeypatch.setattr("authsvc.audit.forwarder.IDLE", 0.02)
    monkeypatch.setattr("authsvc.audit.forwarder.AGAIN", (0.05,))

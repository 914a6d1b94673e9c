"""What holds for every test: no socket leaves loopback, and the fixtures are known everywhere."""

import sys
from pathlib import Path

import pytest

# The tests' own modules (`real.…`) are imported by name, whatever import mode pytest is in.
sys.path.insert(0, str(Path(__file__).parent))

from loopback import Guard

# Named on the command line it is collected all the same: it needs root and Samba (`make test-ad`).
collect_ignore = ["ad"]
pytest_plugins = ["db_fixtures", "real_fixtures", "ldap_fixtures"]

_GUARD = Guard()
sys.addaudithook(_GUARD.hook)


@pytest.fixture(autouse=True)
def _stays_on_loopback() -> object:
    """Fails a test that went elsewhere, even when the tested code swallowed the refusal."""
    _GUARD.refused.clear()
    yield
    assert not _GUARD.refused, f"left loopback: {_GUARD.refused}"

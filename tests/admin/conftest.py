"""One running application for a file of tests that leave it as it is."""

import pytest
from inprocess import installation, serving


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def realm(tmp_path_factory):
    settings, parts = installation(tmp_path_factory.mktemp("realm"))
    async with serving(settings, parts) as running:
        yield running
    parts.database.dispose()

"""One running application for a file of tests; the admin API on each of the two engines."""

import pytest
from admin.api import Api, furnished
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


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def api(request, tmp_path_factory):
    """The API as the administrator calls it. Tests of a file share it: each makes its own items."""
    folder, url = tmp_path_factory.mktemp("api"), ""
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        url = postgres.url(postgres.make("migrated"))
    settings, parts = furnished(folder, database_url=url)
    async with serving(settings, parts) as running:
        yield Api(running)
    parts.database.dispose()

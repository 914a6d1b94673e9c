"""Every route has its entry in the table of permissions, and its example in the documentation."""

import pytest

from authsvc.admin.permissions import PERMISSIONS
from authsvc.admin.routes import PREFIX

pytestmark = pytest.mark.anyio
METHODS = {"get", "post", "put", "patch", "delete"}


def of_the_application(api):
    """Method and path of every route, out of the application itself."""
    found, waiting = set(), [api.realm.app]
    seen = set()
    while waiting:
        app = waiting.pop()
        if id(app) in seen:
            continue
        seen.add(id(app))
        for route in getattr(app, "routes", ()):
            found |= {(method, route.path) for method in getattr(route, "methods", ()) or ()}
        waiting += [
            cell.cell_contents
            for cell in getattr(app, "__closure__", None) or ()
            if callable(cell.cell_contents)
        ]
        waiting += (
            [v for v in vars(app).values() if callable(v)] if hasattr(app, "__dict__") else []
        )
    return {(m, p.removeprefix(PREFIX)) for m, p in found if p.startswith(PREFIX)}


async def test_every_route_has_a_permission_entry_and_every_entry_a_route(api):
    assert of_the_application(api) == set(PERMISSIONS)


async def test_no_route_answers_without_credentials(api):  # AD-01
    for method, path in PERMISSIONS:
        for who in ("", "nobody:x", "olga:wrong"):
            answer = await api.as_(who)(method, path.replace("{id}", "1"))
            assert answer.status == 401, (method, path, who)
            assert answer.headers["content-type"] == "application/problem+json"

"""Every POST in the published document has an example, and the running service accepts it."""

import pytest
from admin.api import PASSPHRASE, Api
from inprocess import basic, form, installation, serving

from authsvc.changes import grants
from authsvc.changes.spec import checked
from authsvc.principal import SYSTEM

pytestmark = pytest.mark.anyio
CORP = '[[sources]]\ntype = "htpasswd"\nname = "corp"\npath = "htpasswd"\n'
ROOT = {"subject": "user:corp:root", "role": "admin"}
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
async def fresh(tmp_path_factory):
    """The API over registries and an administrator, and nothing that an example would make."""
    folder = tmp_path_factory.mktemp("examples")
    settings, parts = installation(folder, people=["root"], more=CORP)
    grant = checked(grants.GrantSpec, ROOT)
    parts.unit_of_work.run(SYSTEM, lambda tx: grants.add(tx, grant))
    async with serving(settings, parts) as running:
        yield Api(running)
    parts.database.dispose()


async def written(api):
    """The operations that take a body, in the order of the document."""
    document = (await api.realm.call("GET", "/openapi.json", headers=basic("root"))).json
    return {
        (method.upper(), path): operation["requestBody"]["content"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "requestBody" in operation
    }


async def test_every_post_has_an_example(fresh):
    found = await written(fresh)
    assert {path for method, path in found if method == "POST"} >= {"/token", "/api/v1/grants"}
    for (method, path), content in found.items():
        for media in content.values():
            assert method == "PATCH" or media["example"], (method, path)


async def test_the_service_accepts_every_example(fresh):
    found, made = await written(fresh), {}
    # A new password last, since the token is asked for with the old one.
    for method, path in sorted(found, key=lambda each: each[0] == "PUT"):
        content = found[method, path]
        if method == "PATCH":
            continue
        if FORM in content:
            headers = [("content-type", FORM), *(basic("root") if path != "/token" else ())]
            body = form(**content[FORM]["example"]).encode()
            answer = await fresh.realm.call(method, path, headers=headers, body=body)
        else:
            who = f"alice:{PASSPHRASE}" if path.endswith("/me/password") else "root"
            example = content[JSON]["example"]
            noun = path.split("/")[3]
            place = path.removeprefix("/api/v1").replace("{id}", str(made.get(noun)))
            answer = await fresh.as_(who)(method, place, example)
            if place == f"/{noun}" and answer.status == 201:
                made[noun] = answer.json["id"]
        assert answer.status in (200, 201), (method, path, answer.body)

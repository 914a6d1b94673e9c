"""A token is for one registry, of whatever version."""

import pytest
from real.people import READER, TWO, WRITER
from real.wire import MANIFEST, Wire, ask_token, call, claims, header


@pytest.mark.parametrize("by", ["GET", "POST"])
def test_a_token_for_one_registry_is_refused_by_the_other(
    registry, other_registry, repository, image, by
):
    here, there = Wire(registry.host, WRITER, by), Wire(other_registry.host, WRITER, by)
    for wire in (here, there):
        assert wire.push(repository, image).status == 201

    there.token = here.token
    foreign = call(
        "GET",
        f"http://{other_registry.host}/v2/{repository}/manifests/v1",
        headers={"Authorization": f"Bearer {here.token}", "Accept": MANIFEST},
    )
    assert foreign.status == 401
    assert foreign.challenge()["error"] == "invalid_token"
    assert foreign.challenge()["service"] == TWO
    assert there.manifest(repository).status == 200


@pytest.mark.parametrize("by", ["GET", "POST"])
def test_both_versions_accept_one_and_the_same_token(both_versions, repository, image, by):
    old, new = both_versions
    realm = call("GET", f"http://{old.host}/v2/").challenge()["realm"]
    scope = f"repository:{repository}:pull,push"
    token = str(ask_token(realm, old.service, scope, account=WRITER, by=by).json()["token"])
    for registry in (old, new):
        wire = Wire(registry.host, token=token)
        assert wire.push(repository, image).status == 201
        assert wire.manifest(repository).status == 200
        assert wire.tokens == []
    assert header(token)["x5c"]
    assert claims(token)["sub"] == WRITER.name
    assert Wire(new.host, READER, by).manifest(repository).status == 200

"""Mounting a blob from another repository: one token for both, and a right to the source."""

import pytest
from real.fleet import able
from real.image import digest
from real.people import READER, WRITER
from real.wire import Wire, ask_token, call


@pytest.fixture
def source(registry, repository, image):
    """A repository that holds `image`."""
    assert Wire(registry.host, WRITER).push(repository, image).status == 201
    return repository


def mounted(registry, target, blob) -> bool:
    """Whether the registry answered 201 to a mount of this blob; its log is the witness."""
    sent = f"/v2/{target}/blobs/uploads/?"
    return any(
        sent in line and f"mount={digest(blob).replace(':', '%3A')}" in line and '" 201 ' in line
        for line in registry.log().replace("mount=sha256:", "mount=sha256%3A").splitlines()
    )


@able("mount")
def test_a_copy_between_repositories_mounts(client, registry, source, image):
    client.sign_in(WRITER)
    target = f"{source}-copy"
    done = client.mount(source, target)
    assert done.ok, done.text
    assert mounted(registry, target, image.layer), registry.process.tail()
    assert Wire(registry.host, READER).manifest(target).status == 200


@pytest.mark.parametrize("by", ["GET", "POST"])
def test_one_token_carries_both_repositories(registry, source, image, by):
    wire = Wire(registry.host, WRITER, by)
    assert wire.mount(f"{source}-copy", source, image.layer).status == 201
    assert len(wire.tokens) == 1


@pytest.mark.parametrize("by", ["GET", "POST"])
def test_a_source_that_the_caller_may_not_pull_is_not_mounted(registry, source, image, by):
    wire = Wire(registry.host, WRITER, by)
    assert wire.mount(f"{source}-copy", "secret/of-others", image.layer).status == 401


def test_hostile_text_in_from_spoils_nothing(registry, source):
    """Registries copy a client's `from` into the challenge as it stands."""
    target = f"http://{registry.host}/v2/{source}/blobs/uploads/?from=bad%20name:x%22y"
    challenge = call("POST", target).challenge()
    answer = ask_token(
        challenge["realm"], challenge["service"],
        f'repository:{source}:pull,push repository:bad name:x"y:pull', account=WRITER,
    )  # fmt: skip
    assert answer.status == 200
    assert answer.json()["scope"] == f"repository:{source}:pull,push"

"""A push that takes longer than its first token lives."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from real.aged import aged
from real.between import relay
from real.clients import Buildah, Crane, Oras, Podman, Regctl, Skopeo
from real.fleet import able, left_out
from real.people import BRIEF, READER, WRITER
from real.raw import RawGet, RawPost
from real.wire import Wire

# Some clients ask for a new token when the registry refuses the old one; others go by `expires_in`
# and their own clock, so that only real time shows them. containerd 1.6 does neither: it keeps a
# token for as long as the command runs, whatever a token service says.
ASK_WHEN_REFUSED = (RawGet, RawPost, Crane, Oras)
ASK_IN_TIME = (Skopeo, Podman, Buildah, Regctl)


class Ages:
    """Lets a client's token grow an hour older when it comes to the manifest, the blobs being up.

    The registry itself then finds it expired; all that follows is between it and the client.
    """

    def __init__(self, certs_dir):
        self.expired = set()
        self._certs_dir = certs_dir

    def __call__(self, method, path, headers):
        kind, _, token = headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            return
        if method == "PUT" and "/manifests/" in path and not self.expired:
            self.expired.add(token)
        if token in self.expired:
            headers["Authorization"] = f"Bearer {aged(token, self._certs_dir)}"


@able("push", *ASK_WHEN_REFUSED)
def test_a_push_goes_on_with_a_new_token(service, registry, client, repository, image):
    ages = Ages(service.folder / "certs")
    with relay(registry.host, before=ages) as host:
        client.move_to(host)
        client.sign_in(WRITER)
        done = client.push(repository, image)
    assert done.ok, done.text
    assert ages.expired
    assert Wire(registry.host, READER).manifest(repository).status == 200


@pytest.mark.parametrize("by", ["GET", "POST"])
def test_an_upload_outlives_the_token_it_began_with(service, registry, repository, image, by):
    wire = Wire(registry.host, WRITER, by)
    started = wire.send("POST", f"/v2/{repository}/blobs/uploads/")
    first = wire.token
    wire.token = aged(first, service.folder / "certs")
    assert wire.finish(started, image.layer).status == 201
    assert wire.token != first
    assert len(wire.tokens) == 2


@pytest.fixture
def brief_registry(service, registry, once):
    """A registry whose tokens live for 60 seconds, and for the 60 more that a registry allows."""
    return once.registry(service, registry.version, BRIEF)


class SlowLine:
    """Keeps the answer to a client's first blob back until its token is of no use any more."""

    def __init__(self):
        self.kept_back = threading.Event()

    def __call__(self, method, path):
        if method in ("PUT", "PATCH") and "/blobs/" in path and not self.kept_back.is_set():
            self.kept_back.set()
            threading.Event().wait(125)


@pytest.mark.all
@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", ["sqlite"], indirect=True)
def test_pushes_of_more_than_two_minutes_succeed(brief_registry, folder, repository, image):
    folder.mkdir()
    kinds = [kind for kind in ASK_WHEN_REFUSED + ASK_IN_TIME if not left_out(kind)]
    with ThreadPoolExecutor(len(kinds)) as together:
        pushes = [
            together.submit(
                push_slowly,
                kind,
                folder / str(number),
                brief_registry,
                f"{repository}/{number}",
                image,
            )
            for number, kind in enumerate(kinds)
        ]
    for push in pushes:
        done = push.result()
        assert done.ok, done.text


def push_slowly(kind, home, registry, repository, image):
    line = SlowLine()
    home.mkdir()
    with relay(registry.host, after=line) as host:
        client = kind(home, host)
        client.sign_in(WRITER)
        done = client.push(repository, image)
    assert line.kept_back.is_set()
    return done

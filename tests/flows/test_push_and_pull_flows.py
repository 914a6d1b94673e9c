"""Push and pull, allowed and refused, with and without credentials."""

import pytest
from real.fleet import able
from real.people import READER, STRANGER, WRITER
from real.service import Account
from real.wire import Wire


@pytest.fixture
def published(registry, repository, image):
    """A repository of the private namespace that holds `image`."""
    assert Wire(registry.host, WRITER).push(repository, image).status == 201
    return repository


@pytest.fixture
def published_openly(registry, public_repository, image):
    assert Wire(registry.host, WRITER).push(public_repository, image).status == 201
    return public_repository


@able("push")
def test_a_writer_pushes(client, registry, repository, image):
    client.sign_in(WRITER)
    done = client.push(repository, image)
    assert done.ok, done.text
    assert Wire(registry.host, READER).manifest(repository).status == 200


@able("push")
def test_a_reader_does_not_push(client, registry, repository, image):
    client.sign_in(READER)
    done = client.push(repository, image)
    assert done.refused, done.text
    assert Wire(registry.host, READER).manifest(repository).status == 404


@able("push")
def test_nobody_pushes_anonymously_even_where_all_may_pull(
    client, registry, public_repository, image
):
    client.sign_in(None)
    done = client.push(public_repository, image)
    assert done.refused, done.text
    assert Wire(registry.host).manifest(public_repository).status == 404


@able("pull")
def test_a_reader_pulls(client, published):
    client.sign_in(READER)
    done = client.pull(published)
    assert done.ok, done.text


@able("pull")
def test_without_a_grant_nothing_is_pulled(client, published):
    client.sign_in(STRANGER)
    done = client.pull(published)
    assert done.refused, done.text


@able("pull")
def test_nobody_pulls_a_private_image_anonymously(client, published):
    client.sign_in(None)
    done = client.pull(published)
    assert done.refused, done.text


@able("pull")
def test_everybody_pulls_a_public_image(client, published_openly):
    client.sign_in(None)
    done = client.pull(published_openly)
    assert done.ok, done.text


@able("pull")
def test_a_wrong_password_does_not_become_an_anonymous_pull(client, published_openly):
    client.sign_in(Account(READER.name, "not the password of rita"))
    done = client.pull(published_openly)
    assert done.refused, done.text

"""Deleting an image takes a maintainer; a writer's right to push is not enough."""

import pytest
from real.fleet import able
from real.people import MAINTAINER, READER, WRITER
from real.wire import Wire


@pytest.fixture
def published(registry, repository, image):
    assert Wire(registry.host, WRITER).push(repository, image).status == 201
    return repository


@able("delete")
def test_a_maintainer_deletes(client, registry, published, image):
    client.sign_in(MAINTAINER)
    done = client.delete(published, image)
    assert done.ok, done.text
    assert Wire(registry.host, READER).manifest(published).status == 404


@able("delete")
def test_a_writer_does_not_delete(client, registry, published, image):
    client.sign_in(WRITER)
    done = client.delete(published, image)
    assert done.refused, done.text
    assert Wire(registry.host, READER).manifest(published).status == 200

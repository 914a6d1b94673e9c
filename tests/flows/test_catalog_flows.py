"""The catalog is a right of its own."""

from real.fleet import able
from real.people import CATALOGUER, MAINTAINER, WRITER
from real.wire import Wire


@able("catalog")
def test_a_catalog_reader_lists_all_repositories(client, registry, repository, image):
    assert Wire(registry.host, WRITER).push(repository, image).status == 201
    client.sign_in(CATALOGUER)
    done = client.catalog()
    assert done.ok, done.text
    assert repository in done.text


@able("catalog")
def test_without_the_right_there_is_no_catalog(client):
    client.sign_in(MAINTAINER)
    done = client.catalog()
    assert done.refused, done.text


@able("catalog")
def test_there_is_no_anonymous_catalog(client):
    client.sign_in(None)
    done = client.catalog()
    assert done.refused, done.text

"""docker login and its kin: the right password opens, a wrong one fails."""

from real.fleet import able
from real.people import STRANGER, WRITER
from real.service import Account


@able("login")
def test_the_right_password_signs_in(client):
    done = client.login(WRITER)
    assert done.ok, done.text


@able("login")
def test_somebody_without_a_grant_signs_in_too(client):
    done = client.login(STRANGER)
    assert done.ok, done.text


@able("login")
def test_a_wrong_password_fails(client):
    done = client.login(Account(WRITER.name, "not the password of wendy"))
    assert done.refused, done.text


@able("login")
def test_an_unknown_name_fails(client):
    done = client.login(Account("nobody-at-all", WRITER.password))
    assert done.refused, done.text

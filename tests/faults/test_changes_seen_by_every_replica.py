"""A change over the API of one replica is seen by every worker of all, on both engines."""

import pytest
from real import replicas as several
from real.replicas import AT, MEETINGS, Question
from real.service import Account

ALL = ("delete", "pull", "push")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def replicas(request, rt, postgres):
    url = f"sqlite:///{rt}/replicas.db"
    if request.param == "postgresql":
        url = postgres.url(postgres.make("template0"))
    started = several.started(rt / f"replicas-{request.param}", url)
    yield started
    several.stop(started)


@pytest.fixture
def person(replicas):
    account, _ = replicas.person()
    return account


@pytest.fixture
def name(replicas):
    return replicas.fresh("place") + "/app"


@pytest.fixture
def question(person, name):
    return Question(person, name)


def given(replicas, account, name, **more):
    """A grant of everything that is at a name."""
    members = {"subject": f"user:{account.name}", "role": "maintainer", "on": name} | more
    return replicas.make("grants", **members)


def test_the_workers_are_four(replicas, question):
    writers = set()
    for _ in range(30):  # which worker takes a connection is the kernel's choice
        replicas.settle(question)
        records = replicas.api("GET", f"/audit?event=token&limit={2 * MEETINGS}")
        writers |= {record["writer"] for record in records}
        if len(writers) == sum(several.WORKERS):
            return
    raise AssertionError(f"only {writers} answered")


def test_a_grant_and_its_end(replicas, person, name, question):
    replicas.settle(question)
    grant = given(replicas, person, name)
    replicas.settle(question, *ALL)
    replicas.patch("grants", grant, role="reader")
    replicas.settle(question, "pull")
    replicas.remove("grants", grant)
    replicas.settle(question)


def test_a_deny(replicas, person, name, question):
    given(replicas, person, name)
    replicas.settle(question, *ALL)
    deny = given(replicas, person, name, effect="deny", role="writer")
    replicas.settle(question, "delete")
    replicas.remove("grants", deny)
    replicas.settle(question, *ALL)


def test_who_is_in_a_group_and_in_a_group_of_it(replicas, person, name, question):
    outer = replicas.make("groups", name=replicas.fresh("outer"))
    inner = replicas.make("groups", name=replicas.fresh("inner"))
    replicas.make("grants", subject=f"group:{outer['name']}", role="writer", on=name)
    replicas.settle(question)
    replicas.patch("groups", inner, members=[person.name])
    replicas.patch("groups", outer, members=[f"group:{inner['name']}"])
    replicas.settle(question, "pull", "push")
    replicas.patch("groups", outer, members=[])
    replicas.settle(question)
    replicas.patch("groups", outer, members=[person.name])
    replicas.settle(question, "pull", "push")
    replicas.remove("groups", outer)
    replicas.settle(question)


def test_what_a_role_allows(replicas, person, name, question):
    role = replicas.make("roles", name=replicas.fresh("role"), allow=["repository:pull"])
    given(replicas, person, name, role=role["name"])
    replicas.settle(question, "pull")
    replicas.patch("roles", role, allow=["repository:push,delete"])
    replicas.settle(question, "delete", "push")


def test_the_visibility_of_a_namespace(replicas, name):
    nobody = Question(None, name)
    replicas.settle(nobody)
    space = replicas.make("namespaces", name=name.partition("/")[0], visibility="public")
    replicas.settle(nobody, "pull")
    replicas.patch("namespaces", space, visibility="internal")
    replicas.settle(nobody)
    replicas.patch("namespaces", space, visibility="public")
    replicas.settle(nobody, "pull")
    replicas.remove("namespaces", space)
    replicas.settle(nobody)


def test_a_registry_that_is_read_only_or_off(replicas, person, name):
    registry = replicas.make("registries", name=replicas.fresh("registry") + ".test")
    question = Question(person, name, service=registry["name"])
    given(replicas, person, name)
    replicas.settle(question, *ALL)
    replicas.patch("registries", registry, read_only=True)
    replicas.settle(question, "pull")
    replicas.patch("registries", registry, read_only=False)
    replicas.settle(question, *ALL)
    replicas.patch("registries", registry, enabled=False)
    replicas.settle(question, 400)


def test_a_person_who_is_disabled(replicas, name):
    account, item = replicas.person()
    question = Question(account, name)
    given(replicas, account, name)
    replicas.settle(question, *ALL)
    replicas.patch("users", item, enabled=False)
    replicas.settle(question, 401)
    replicas.patch("users", item, enabled=True)
    replicas.settle(question, *ALL)


def test_a_new_password(replicas, name):
    account, item = replicas.person()
    given(replicas, account, name)
    replicas.settle(Question(account, name), *ALL)
    changed = Account(account.name, "five lakes and two bridges")
    replicas.patch("users", item, password=changed.password)
    replicas.settle(Question(account, name), 401)
    replicas.settle(Question(changed, name), *ALL)


def test_a_person_who_is_removed_and_made_again(replicas, name):
    account, item = replicas.person()
    given(replicas, account, name)
    replicas.settle(Question(account, name, service=AT), *ALL)
    replicas.remove("users", item)
    replicas.settle(Question(account, name), 401)
    replicas.make("users", name=account.name, password=account.password)
    replicas.settle(Question(account, name))

"""No minted secret brings a refresh token, which would outlive it: a password alone does."""

import os

import pytest
from inprocess import PASSWORD, form
from refreshed import giving, local, run

from authsvc.changes import pats, robots
from authsvc.changes.pat_spec import PatSpec
from authsvc.changes.spec import checked
from authsvc.principal import Kind, Principal
from authsvc.protocol import secrets

pytestmark = pytest.mark.anyio
GET = "service=reg-a.test&offline_token=true"
POST = {"grant_type": "password", "service": "reg-a.test", "access_type": "offline"}


def of_robot(parts):
    secret = secrets.mint("rob", os.urandom)
    spec = checked(robots.RobotSpec, {"name": "ci", "namespace": "team", "role": "reader"})
    run(parts, lambda tx: robots.add(tx, spec, secrets.digest(secret)))
    return "robot.ci", secret


def of_person(parts, name, owner, **more):
    secret = secrets.mint("pat", os.urandom)
    spec = checked(PatSpec, {"name": "laptop", "user": name, **more})
    run(parts, lambda tx: pats.add(tx, spec, owner, secrets.digest(secret)))
    return name.rpartition(":")[2], secret


def of_dora(parts):
    return of_person(parts, "dora", local("dora"))


def of_dora_with_admin(parts):
    return of_person(parts, "dora", local("dora"), admin=True)


def of_alice_in_a_file(parts):
    return of_person(parts, "file:alice", Principal(Kind.USER, "file", "alice", "alice"))


def a_password(_parts):
    return "dora", PASSWORD


@pytest.mark.parametrize(
    ("made", "gets"),
    [
        (of_robot, False), (of_dora, False), (of_dora_with_admin, False),
        (of_alice_in_a_file, False), (a_password, True),
    ],
)  # fmt: skip
async def test_a_minted_secret_brings_no_refresh_token(tmp_path, made, gets):
    async with giving(tmp_path) as realm:
        name, secret = made(realm.parts)
        sent = [
            await realm.get(GET, f"{name}:{secret}"),
            await realm.post(form(**POST, username=name, password=secret)),
        ]
        assert [answer.status for answer in sent] == [200, 200]
        assert ["refresh_token" in answer.json for answer in sent] == [gets, gets]

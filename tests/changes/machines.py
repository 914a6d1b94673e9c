"""Short words for robots on the road of these tests."""

import itertools
from datetime import timedelta

from sqlalchemy import select

from authsvc.changes import reads, robots
from authsvc.changes.spec import checked
from authsvc.db.models import Secret

NUMBERS = itertools.count(1)


def digest():
    """What would be stored of a secret that no other test has."""
    return next(NUMBERS).to_bytes(32, "big")


def robot(road, name="ci", namespace="team", role="writer", **more):
    members = {"name": name, "namespace": namespace, "role": role, **more}
    spec = checked(robots.RobotSpec, members)
    return road.run(lambda tx: robots.add(tx, spec, digest()))


def change(road, name, /, **members):
    return road.run(lambda tx: robots.change(tx, name, members))


def rotate(road, name, *, kept=timedelta(hours=24), by=None):
    return road.run(lambda tx: robots.rotate(tx, name, by or digest(), kept))


def remove(road, name):
    return road.run(lambda tx: robots.remove(tx, name))


def listed(road):
    with road.database.read() as session:
        return reads.robots(session, reads.robot_rows(session))


def names(road):
    return [item["name"] for item in listed(road)]


def digests(road):
    """Those stored, the oldest first."""
    with road.database.read() as session:
        return list(session.scalars(select(Secret.digest).order_by(Secret.id)))


def secret_topics(road):
    """The topic of each secret that there is."""
    with road.database.read() as session:
        return sorted(f"secret:{number}" for number in session.scalars(select(Secret.id)))

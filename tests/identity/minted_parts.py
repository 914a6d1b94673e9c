"""Minted secrets as rows of real databases, and the house where they are shown."""

import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import factories
from identity.parts import NOW, here, house
from sqlalchemy import select, update

from authsvc.access.narrowing import outside_of
from authsvc.changes import secrets as stored
from authsvc.changes.unit_of_work import UnitOfWork
from authsvc.clock import FrozenClock, utc
from authsvc.db.models import Registry, Robot, Secret, Subject
from authsvc.identity import minted_rows
from authsvc.identity.minted import Shown
from authsvc.identity.provider import Rejected
from authsvc.principal import SYSTEM
from authsvc.protocol import secrets
from authsvc.protocol.access import Access
from authsvc.protocol.credentials import Bearer, Password, RefreshToken

DAY = 86_400.0
REGISTRY = "registry:5000"  # as `here` names it
AS_BASIC, AS_BEARER, AS_FORM = "basic", "bearer", "form"


@dataclass(frozen=True)
class Made:
    """A secret that was minted: its row, and what its owner got to see."""

    id: int
    text: str


def person(database, name="alice", source="local", **values):
    """The row of somebody; in a source other than the database their id is their name."""
    if source != "local":
        values = {"external_id": name} | values
    with database.write() as session:
        return factories.user(session, name, source, **values).id


def robot(database, name="ci", *, ends=None, cidrs=(), **values):
    """The row of a robot of `team`; `ends` is in wall clock seconds."""
    with database.write() as session:
        row = factories.subject(session, "robot", name, **values)
        home = factories.grant(session, row, "writer")
        expires = None if ends is None else utc(ends)
        more = {"expires_at": expires, "cidrs": list(cidrs), "warned": None}
        session.add(Robot(subject_id=row.id, grant_id=home.id, **more))
        return row.id


def minted(database, kind, owner, *, at=NOW - DAY, ends=None, used=None, **values):
    """A secret of `owner`, made at `at`; times in wall clock seconds."""
    text = secrets.mint(kind, os.urandom)
    with database.write() as session:
        if kind == "ref":
            values = {"registry_id": _registry(session)} | values
        row = Secret(
            kind=kind, digest=secrets.digest(text), subject_id=owner, created_at=utc(at),
            expires_at=None if ends is None else utc(ends),
            last_used_at=None if used is None else utc(used), **{"scopes": None} | values,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return Made(row.id, text)


def changed(database, model, row, **values):
    """Change a row beside the one road: no worker hears of it."""
    key = Robot.subject_id if model is Robot else model.id
    with database.write() as session:
        session.execute(update(model).where(key == row).values(**values))


def switched(database, row, *, on):
    changed(database, Subject, row, enabled=on)


def left(database):
    """The ids of the secrets that are still there."""
    with database.read() as session:
        return list(session.scalars(select(Secret.id).order_by(Secret.id)))


def ender(database):
    """Ends secrets on the one road, as the service does."""
    work = UnitOfWork(database, FrozenClock(NOW), lambda: None)
    return lambda row, reason: work.run(SYSTEM, lambda tx: stored.end(tx, [row], reason))


@contextmanager
def desk(database, *providers, find=None, **more):
    """A house whose minted secrets are those of `database`."""
    find = find or partial(minted_rows.find, database)
    with house(*providers, find=find, end=ender(database), **more) as built:
        yield built


def shown(secret, name="alice", way=AS_BASIC):
    """The secret as credentials; a name is for Basic alone."""
    text = secret.text if isinstance(secret, Made) else secret
    if way == AS_BASIC:
        return Password(name, text)
    return RefreshToken(text) if way == AS_FORM else Bearer(text)


async def said(at, credentials, **circumstances):
    """The name that somebody is let in with (as tokens have it), or the reason for "no"."""
    outcome = await at.authenticator.identify(credentials, here(**circumstances))
    return f"no: {outcome.reason}" if isinstance(outcome, Rejected) else outcome.principal.claim


def remembered(at, credentials, **circumstances):
    """Whether it takes no waiting to let them in."""
    found = at.authenticator.remembered(credentials, here(**circumstances))
    return found is not None


def allowed(database, secret, name, *actions):
    """Those of the actions on a repository that the scopes of a token name."""
    scopes = minted_rows.find(database, Shown(None, secret.text)).scopes
    barred = outside_of(scopes)
    asked = Access("repository", name, actions)
    return [action for action in actions if barred(asked, action) is None]


def _registry(session):
    found = session.scalar(select(Registry.id).where(Registry.name == REGISTRY))
    return found or factories.registry(session, REGISTRY).id

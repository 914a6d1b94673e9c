"""Rows and records for tests, made with as little said as possible.

Rows are added to a session and flushed, so that they have their ids. They go in beside the one
road for changes: a test of what that road does must take the road.
"""

import hashlib
import itertools
import os
from datetime import UTC, datetime

from sqlalchemy import select

from authsvc.audit import changes
from authsvc.audit.records import Event, Outcome, Record
from authsvc.db.models import (
    Grant,
    Key,
    Membership,
    Namespace,
    Password,
    Registry,
    Role,
    Subject,
    TokenRecord,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

_numbers = itertools.count(1)


def _added(session, row):
    session.add(row)
    session.flush()
    return row


def subject(session, kind, name, source="", **values):
    values = {"external_id": None, "created_at": NOW, "changed_in": 0} | values
    return _added(session, Subject(kind=kind, name=name, source=source, **values))


def user(session, name="alice", source="local", password_hash=None, **values):
    row = subject(session, "user", name, source, **values)
    if password_hash is not None:
        _added(session, Password(subject_id=row.id, hash=password_hash, changed_at=NOW))
    return row


def group(session, name="devs", source="", members=(), **values):
    row = subject(session, "group", name, source, **values)
    for member in members:
        _added(session, Membership(group_id=row.id, member_id=member.id))
    return row


def audience(session, kind="everyone"):
    """The row of `everyone` or `authenticated`, which the migrations made."""
    return session.scalars(select(Subject).where(Subject.kind == kind)).one()


def role(session, name="reader"):
    """The row of a role that is there."""
    return session.scalars(select(Role).where(Role.name == name)).one()


def custom_role(session, name="puller", allow=("repository:pull",)):
    return _added(session, Role(name=name, builtin=False, allow=list(allow), changed_in=0))


def registry(session, name="localhost:5000", **values):
    return _added(session, Registry(name=name, changed_in=0, **values))


def namespace(session, path="team", registry_id=None, visibility="private"):
    row = Namespace(path=path, registry_id=registry_id, visibility=visibility, changed_in=0)
    return _added(session, row)


def grant(session, to, role_name="reader", on="team", **values):
    values = {
        "registry_id": None,
        "effect": "allow",
        "expires_at": None,
        "cidrs": [],
        "fingerprint": hashlib.sha256(str(next(_numbers)).encode()).hexdigest(),
        "created_at": NOW,
        "changed_in": 0,
    } | values
    row = Grant(subject_id=to.id, role_id=role(session, role_name).id, pattern=on, **values)
    return _added(session, row)


def key(session, kid="kid-1", **values):
    values = {
        "libtrust_id": f"libtrust-{kid}",
        "algorithm": "ES256",
        "certificate": "",
        "root": "",
        "not_before": NOW,
        "not_after": NOW,
        "state": "active",
        "created_at": NOW,
        "last_use": None,
    } | values
    return _added(session, Key(kid=kid, **values))


def record(**values):
    """A record of a granted token, or of whatever `values` say."""
    values = {
        "event": Event.TOKEN,
        "outcome": Outcome.GRANTED,
        "time": NOW.timestamp(),
        "actor": {"kind": "user", "source": "local", "name": "alice", "id": "1"},
    } | values
    return Record(**values)


def change(database, *topics, **values):
    """Make one change with these topics, and say its number."""
    values = {"event": Event.ADMIN, "actor": {"kind": "system"}} | values
    with database.write() as session:
        version = changes.lock_head(session)
        changes.append(session, version, record(**values), topics)
    return version


def record_row(time, writer="one-1-a", seq=1, **values):
    """A row of the token log, at so many milliseconds, in a chain that does not hold."""
    values = {"decision_id": None, "body": b"{}", "subject": None} | values
    return TokenRecord(
        writer=writer, seq=seq, time=time, prev=bytes(32), hash=os.urandom(32), **values
    )

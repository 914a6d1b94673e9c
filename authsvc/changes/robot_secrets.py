"""The secrets of a robot: at most two live, so that a rotation breaks no pull (contract 6)."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema
from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.db.models import Secret
from authsvc.errors import Invalid

from . import secrets
from .unit_of_work import Transaction
from .when import length_of

KEPT = "24h"  # how long the previous secret lives on, unless something else is asked for
LONGEST_KEPT = timedelta(days=365)
_NONE = re.compile(r"0[smhd]?")
_ADVICE = "write a length (90m, 8h, 7d), or 0 to end the previous secret at once"


def kept_for(text: str) -> timedelta:
    """How long `--keep-old` says that the previous secret lives on; raises `Invalid`."""
    length = timedelta() if _NONE.fullmatch(text) else length_of(text)
    if length is None or length > LONGEST_KEPT:
        raise Invalid(f"'{text[:40]}' is no length up to {LONGEST_KEPT.days}d", advice=_ADVICE)
    return length


def _kept(value: object) -> timedelta:
    """As the API takes it: a length as text, or whole seconds."""
    said = f"{value}s" if isinstance(value, int) and not isinstance(value, bool) else value
    try:
        return kept_for(said if isinstance(said, str) else "")
    except Invalid as error:
        raise ValueError(f"this is no length up to {LONGEST_KEPT.days}d: {_ADVICE}") from error


KeptFor = Annotated[
    timedelta,
    BeforeValidator(_kept),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^(?:0[smhd]?|[1-9][0-9]{0,8}[smhd])$"},
                {"type": "integer", "minimum": 0, "maximum": int(LONGEST_KEPT.total_seconds())},
            ],
            "default": KEPT,
            "description": "How long the previous secret lives on: a length, or seconds; 0: not.",
        }
    ),
]


def store(tx: Transaction, robot: int, digest: bytes) -> int:
    """Keep a new secret of that robot by its digest; the id of its row."""
    row = Secret(
        kind="rob",
        digest=digest,
        subject_id=robot,
        created_at=tx.now,
        expires_at=None,
        last_used_at=None,
        registry_id=None,
        scopes=None,
    )
    tx.session.add(row)
    tx.session.flush()
    return row.id


def rotate(tx: Transaction, robot: int, digest: bytes, kept: timedelta) -> frozenset[str]:
    """A new secret beside the previous one, which ends after `kept`; any other ends at once.

    The topics of all whose state changed.
    """
    held = _newest_first(tx.session, robot)
    stays, gone = (held[:1], held[1:]) if kept else ([], held)
    for row in stays:
        row.expires_at = tx.now + kept
    for row in gone:
        tx.session.delete(row)
    numbers = [*(row.id for row in held), store(tx, robot, digest)]
    return frozenset(map(secrets.topic, numbers))


def _newest_first(session: Session, robot: int) -> list[Secret]:
    query = select(Secret).where(Secret.subject_id == robot, Secret.kind == "rob")
    return list(session.scalars(query.order_by(Secret.id.desc())))

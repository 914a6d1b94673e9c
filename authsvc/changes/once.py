"""Requests that may come twice: the first answer is kept for a day and given again.

The key is the client's (Idempotency-Key), and counts per caller and route. What is kept is never
a secret, nor is anything by which a password in the request could be guessed.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from authsvc.db.engine import Database
from authsvc.db.models import Answer
from authsvc.errors import Invalid

LASTS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Once:
    """One request that may come again; `request` is a keyed hash of its body."""

    caller: str
    route: str
    key: str
    request: bytes


def earlier(session: Session, once: Once, now: datetime) -> dict[str, Any] | None:
    """What the request was answered before, None when it was not.

    Raises `Invalid` when the key came with another request.
    """
    row = session.get(Answer, (once.caller, once.route, once.key))
    if row is None or row.created_at <= now - LASTS:
        return None
    if not hmac.compare_digest(row.request, once.request):
        raise Invalid(
            "this Idempotency-Key was used for another request",
            advice="take a new key for each new request",
        )
    return row.value


def keep(session: Session, once: Once, value: dict[str, Any], now: datetime) -> None:
    """Keep the answer of a request, in the transaction of its change."""
    session.merge(
        Answer(
            caller=once.caller,
            route=once.route,
            key=once.key,
            request=once.request,
            value=value,
            created_at=now,
        )
    )


def forget_old(database: Database, now: datetime) -> None:
    """Remove what is kept no longer."""
    with database.write() as session:
        session.execute(delete(Answer).where(Answer.created_at <= now - LASTS))

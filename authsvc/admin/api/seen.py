"""What a caller sees of answers about others and about themselves (contract section 4, explain)."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc.access import shapes
from authsvc.access.explain import Considered, Explanation
from authsvc.access.rights import Rights
from authsvc.access.who_can import Able
from authsvc.changes import reads
from authsvc.db.models import Grant
from authsvc.errors import Invalid
from authsvc.principal import Principal
from authsvc.protocol.access import Access
from authsvc.protocol.names import parse_subject


def able(session: Session, found: Able, rights: Rights) -> dict[str, Any]:
    """Somebody who may, with those of the grants that let them which the viewer may see."""
    numbers: Iterable[int] = found.grants
    if not rights.reads_all:
        shown = select(Grant.id).where(Grant.id.in_(found.grants), reads.grants_seen(rights))
        numbers = session.scalars(shown.order_by(Grant.id))
    return {"subject": found.subject, "grants": list(numbers)}


def is_about(principal: Principal, subject: str) -> bool:
    """Whether a text means the principal as a subject."""
    try:
        return str(parse_subject(subject)) == principal.subject
    except Invalid:
        return False


def may_ask(rights: Rights, entry: Access, service: str) -> bool:
    """Whether they may ask what anybody gets there: of their own namespaces, or of all."""
    named = entry.type == "repository" and bool(entry.name)
    return rights.reads_all or (named and rights.sees(entry.name, service))


def cut(found: Explanation, viewer: Principal, rights: Rights) -> Explanation:
    """An explanation as the viewer may see it.

    All that is considered about oneself is one's own; a private namespace reads like none.
    """
    if rights.reads_all:
        return found
    space = found.namespace
    own = found.subject == viewer.subject

    def sees(grant: Considered) -> bool:
        return own or (grant.on is not None and rights.sees(grant.on, grant.registry))

    knows = space is not None and rights.sees(space, found.service)
    return shapes.cut(found, sees, sees_namespace=knows)

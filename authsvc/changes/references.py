"""What specs refer to by name: roles, subjects, registries; with where the reference stands."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select

from authsvc.access.model import Role
from authsvc.access.roles import BUILT_IN, custom
from authsvc.db import models
from authsvc.db.models import Subject
from authsvc.errors import Dangling, Invalid, NotFound
from authsvc.protocol import names

from . import registries, subjects
from .unit_of_work import Transaction


@contextmanager
def referred(pointer: str) -> Iterator[None]:
    """What is not there within is `Dangling`, and what is wrong tells that place.

    `pointer` is the JSON pointer (RFC 6901) of the reference in its spec.
    """
    try:
        yield
    except NotFound as error:
        faults = ((pointer, error.message),)
        raise Dangling(error.message, advice=error.advice, faults=faults) from error
    except Invalid as error:
        faults = ((pointer, error.message),)
        raise Invalid(error.message, advice=error.advice, faults=faults) from error


class References:
    """What grants refer to, each looked up once in its transaction, however many grants come."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._subjects: dict[str, Subject] = {}
        self._registries: dict[str, int] = {}
        self._roles = {row.name: row for row in tx.session.scalars(select(models.Role))}

    def role(self, name: str) -> Role:
        """What a role holds; raises `Invalid`."""
        row = self._role(name)
        return BUILT_IN.get(name) or custom(row.name, row.allow)

    def role_id(self, name: str) -> int:
        """The row id of a role; raises `Invalid`."""
        return self._role(name).id

    def _role(self, name: str) -> models.Role:
        if name not in self._roles:
            text = f"no role is called '{name}'"
            known = ", ".join(sorted(self._roles))
            raise Invalid(text, advice=f"there are: {known}", faults=(("/role", text),))
        return self._roles[name]

    def subject(self, text: str) -> Subject:
        """The row of a canonical subject text; raises `Invalid`, `Dangling`."""
        if text not in self._subjects:
            with referred("/subject"):
                self._subjects[text] = subjects.meant(self._tx, names.parse_subject(text))
        return self._subjects[text]

    def registry(self, name: str | None) -> int | None:
        """The row id of a registry, None for all; raises `Dangling`."""
        if name is None:
            return None
        if name not in self._registries:
            with referred("/registry"):
                self._registries[name] = registries.found(self._tx.session, name).id
        return self._registries[name]

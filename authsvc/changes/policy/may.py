"""Whether the steps of a plan are the actor's to make: what single edits ask, of each of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from authsvc.access.rights import Rights
from authsvc.changes import grants, guard, robots
from authsvc.changes.grants import GrantSpec
from authsvc.changes.robots import RobotSpec
from authsvc.changes.spec import checked
from authsvc.errors import Forbidden

from .known import Known
from .steps import Step

ADMINISTERED: Final = {"registries": "registry", "roles": "role", "groups": "group"}
"""Kinds that administrators alone change, and the word for one of each."""


def may(rights: Rights, step: Step, what: Known) -> None:
    """Whether a step is the actor's to make; raises `Forbidden`, and `Invalid` for robots."""
    if step.kind == "robots":
        _robot(rights, step, what)
    elif step.kind == "grants":
        if step.after is None and (rights.admin or _goes_with_robot(step, what)):
            return
        spec = step.spec if isinstance(step.spec, GrantSpec) else checked(GrantSpec, step.item)
        with _named(step):
            grants.check(rights, spec, what.role(spec.role))
    elif step.kind == "namespaces":
        name, registry, visibility = (step.item[k] for k in ("name", "registry", "visibility"))
        opened = guard.opened_by(visibility) if step.after else guard.OPENED_BY_REMOVAL
        guard.setting(rights, name, registry, opened)
    else:
        guard.administer(rights, ADMINISTERED[step.kind])


def _robot(rights: Rights, step: Step, what: Known) -> None:
    """The robot before and after must both be the actor's to write."""
    with _named(step):
        if step.before is not None and not rights.admin:
            was = checked(RobotSpec, step.before.item)
            robots.check(rights, was, what.role(was.role))
        if isinstance(step.spec, RobotSpec):
            robots.check(rights, step.spec, what.role(step.spec.role))


def _goes_with_robot(step: Step, what: Known) -> bool:
    """Whether a grant goes since its robot does: what may remove the robot may remove all of it."""
    subject = step.item["subject"]
    return bool(subject.startswith("robot:") and subject not in what.subjects)


@contextmanager
def _named(step: Step) -> Iterator[None]:
    """A refusal says what it is about: what goes stands nowhere in the document."""
    try:
        yield
    except Forbidden as error:
        item, goes = step.item, step.after is None
        where = f" in registry '{item['registry']}'" if item["registry"] is not None else ""
        text = (
            f"robot '{item['name']}' at '{item['namespace']}'{where}"
            if step.kind == "robots"
            else f"{item['role']} on '{item['on']}'{where} for {item['subject']}"
        )
        advice = "keep it in the document, or ask an administrator" if goes else error.advice
        text += " would go" if goes else ""
        raise Forbidden(f"{text}: {error.message}", advice=advice) from error

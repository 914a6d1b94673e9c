"""/policy: documents looked through, tried, compared with what is stored, applied; and exported.

All work is done in one thread of its own, and so is the printing: a document may be large. An
owner's document may speak of their namespaces only (changes/policy/plan).
"""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Annotated, Any, TypeVar

from pydantic import PlainValidator, StrictBool

from authsvc.access.rights import EVERYTHING
from authsvc.access.trials import Trial, shape
from authsvc.admin.bodies import MAX_POLICY
from authsvc.admin.call import Call, Reply
from authsvc.admin.described import Described, Operations
from authsvc.admin.policy_items import AppliedItem, DocumentItem, FindingItem, PlanItem, TrialsItem
from authsvc.audit.records import Event
from authsvc.changes.faults import MOST_SHOWN
from authsvc.changes.policy.apply import Wish, planned, submit, trials
from authsvc.changes.policy.export import exported
from authsvc.changes.policy.foreseen import foreseen
from authsvc.changes.policy.given import AT, NEITHER, document_of, place_in_text, told
from authsvc.changes.policy.linted import linted
from authsvc.changes.spec import Spec, checked
from authsvc.changes.unit_of_work import Transaction
from authsvc.errors import Conflict, Invalid

from . import seen
from .questions import people

T = TypeVar("T")
MOST_TESTS = 10_000  # of one document: each may have a directory asked, and is explained


def _either(value: object) -> object:
    if not isinstance(value, dict | str):
        raise ValueError(NEITHER)  # noqa: TRY004 - pydantic's way
    return value


class PolicySpec(Spec):
    """A document, as an object or as YAML text, and what is asked for it."""

    # Plain: a library that looks through all of it keeps every other thread from its turn.
    document: Annotated[
        dict[str, Any] | str,
        PlainValidator(_either, json_schema_input_type=dict[str, Any] | str),
    ]
    prune: StrictBool = False
    allow_lockout: StrictBool = False
    plan: dict[str, Any] | None = None


async def lint(call: Call) -> Reply:
    """What is allowed and hardly meant."""

    def found(tx: Transaction, wish: Wish) -> list[dict[str, Any]]:
        findings = linted(tx, wish.document, prune=wish.prune)
        return [{**asdict(each), "place": place_in_text(each.place)} for each in findings]

    return await _looked(call, found)


async def test(call: Call) -> Reply:
    """How the tests of a document go, once it were applied."""

    def tried(tx: Transaction, wish: Wish) -> dict[str, Any]:
        made = planned(tx, wish)[0]
        done = [
            _seen(call, tx, each) for each in trials(tx, made, wish.document.tests, people(call))
        ]
        failed = sum(not each.held for each in done)
        return {"passed": len(done) - failed, "failed": failed, "tests": list(map(shape, done))}

    return await _looked(call, tried)


async def plan(call: Call) -> Reply:
    """What applying would change, and who gains and loses by it."""
    return await _looked(call, foreseen)


async def apply(call: Call) -> Reply:
    """Make it so, in one transaction."""
    call.no_query()
    run = call.api.unit_of_work

    def work() -> bytes:
        once = call.once()
        before = None if once is None else run.answered(once)
        if before is None:
            before = _told(lambda: submit(run, call.actor, _to_apply(call), people(call), once))
        return json.dumps(before).encode()

    printed = await _in_turn(call, work)
    await call.api.hear()
    return Reply(None, printed=printed)


async def export(call: Call) -> Reply:
    """What is stored, as one document, as far as it is the caller's to manage."""
    call.no_query()
    look = call.api.unit_of_work.look
    printed = await _in_turn(call, lambda: json.dumps(look(call.actor, exported)).encode())
    return Reply(None, printed=printed)


async def _looked(call: Call, read: Callable[[Transaction, Wish], Any]) -> Reply:
    """What `read` makes of a document and of what is stored, printed."""
    call.no_query()
    look = call.api.unit_of_work.look

    def work() -> bytes:
        return json.dumps(_told(lambda: _read(_wish(call)))).encode()

    def _read(wish: Wish) -> Any:
        return look(call.actor, lambda tx: read(_as_reader(tx), wish))

    return Reply(None, printed=await _in_turn(call, work))


async def _in_turn(call: Call, work: Callable[[], bytes]) -> bytes:
    """What `work` gives, once it has its turn; of one caller only few wait for theirs."""
    return await call.api.policies.run(work, caller=call.principal.identity)


def _as_reader(tx: Transaction) -> Transaction:
    """Auditors read everything, so they are told what an administrator would be."""
    return replace(tx, rights=EVERYTHING) if tx.rights.auditor else tx


def _wish(call: Call) -> Wish:
    return _of(checked(PolicySpec, call.sent()))


def _to_apply(call: Call) -> Wish:
    """As `_wish`, but a document with faults leaves one refused record."""
    asked = checked(PolicySpec, call.sent())
    try:
        return _of(asked)
    except Invalid as error:
        call.api.unit_of_work.refused(call.actor, Event.POLICY, error.message)
        raise


def _of(asked: PolicySpec) -> Wish:
    document = document_of(asked.document)
    if len(document.tests) > MOST_TESTS:
        text = f"a document has at most {MOST_TESTS:,} tests here"
        raise Invalid(text, faults=[(AT, text)])
    return Wish(document, asked.prune, asked.allow_lockout, asked.plan)


def _told(work: Callable[[], T]) -> T:
    """What `work` gives; places of faults become those of the body."""
    try:
        return work()
    except (Invalid, Conflict) as error:
        error.faults = tuple(told(*fault) for fault in error.faults[:MOST_SHOWN])
        error.message = place_in_text(error.message)
        raise


def _seen(call: Call, tx: Transaction, trial: Trial) -> Trial:
    """A trial with what the caller may see of its explanation."""
    if trial.explanation is None:
        return trial
    return replace(trial, explanation=seen.cut(trial.explanation, call.principal, tx.rights))


EXAMPLE = {
    "document": {
        "namespaces": [{"name": "team", "visibility": "internal"}],
        "tests": ["anonymous cannot push team/app on registry.example:5000"],
    },
    "prune": False,
}
OPERATIONS: Operations = {
    ("POST", "/policy/lint"): Described(
        lint, "What a document allows and hardly means to", FindingItem, listed=True,
        body=PolicySpec, asks=True, most=MAX_POLICY, example=EXAMPLE,
    ),
    ("POST", "/policy/test"): Described(
        test, "How the tests of a document go, once it were applied", TrialsItem,
        body=PolicySpec, asks=True, most=MAX_POLICY, example=EXAMPLE,
    ),
    ("POST", "/policy/plan"): Described(
        plan, "What applying a document would change; who gains and loses", PlanItem,
        body=PolicySpec, asks=True, most=MAX_POLICY, example=EXAMPLE,
    ),
    ("POST", "/policy/apply"): Described(
        apply, "Apply a document in one transaction", AppliedItem,
        body=PolicySpec, once=True, most=MAX_POLICY, example=EXAMPLE,
    ),
    ("GET", "/policy/export"): Described(
        export, "What is stored, as a document", DocumentItem,
    ),
}  # fmt: skip

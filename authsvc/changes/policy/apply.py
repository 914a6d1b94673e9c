"""A policy document applied: planned, tried, and written if nothing speaks against it.

What takes long is done before: the transaction only compares the number of the change that it was
done for, and does it anew when another edit came between.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from authsvc.access.askers import Asker
from authsvc.access.questions import People, asked_about
from authsvc.access.rights import Owned, Rights
from authsvc.access.rulebook import Rulebook
from authsvc.access.sentences import Sentence
from authsvc.access.store import Stored
from authsvc.access.trials import Trial, tried
from authsvc.audit.changes import was_changed
from authsvc.audit.records import Event
from authsvc.changes.once import Once
from authsvc.changes.unit_of_work import REFUSALS, Outcome, Transaction, UnitOfWork, rights_of
from authsvc.errors import Conflict, Invalid, NotFound
from authsvc.principal import Actor, Principal

from .document import Document, Entry, parse
from .overlay import over, robots_of
from .plan import plan
from .steps import Plan, digest
from .stored import last_touched
from .writing import Ready, ready, write

NOBODY = People(())  # no source is asked who somebody is
AGAIN = 3  # times that another edit may come between before all is done while others wait


@dataclass(frozen=True, slots=True)
class Wish:
    """A document to be applied, and how.

    `given` is a plan that was made before, in its shape, and must still be the one.
    """

    document: Document
    prune: bool = False
    allow_lockout: bool = False
    given: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a wish comes to as of one change: what to write, its JSON, how the tests went."""

    ready: Ready
    shape: dict[str, Any]
    trials: tuple[Trial, ...]


class TestsFail(Conflict):
    """Tests beside the policy do not hold of it; `trials` are those that fail."""

    def __init__(self, document: Document, trials: Sequence[Trial]) -> None:
        failed = [
            (test.place, trial)
            for test, trial in zip(document.tests, trials, strict=True)
            if not trial.held
        ]
        count = "a test fails" if len(failed) == 1 else f"{len(failed)} tests fail"
        super().__init__(
            f"{count}, so nothing was changed",
            advice="; ".join(trial.sentence.text for _, trial in failed[:5]),
            faults=[(place, _failed(trial)) for place, trial in failed],
        )
        self.trials = tuple(trial for _, trial in failed)


def _failed(trial: Trial) -> str:
    text = trial.sentence.text
    return text if trial.fault is None else f"{text}: {trial.fault}"


class _Overtaken(Exception):
    """Another edit came between."""


def apply(tx: Transaction, document: Document, *, prune: bool = False) -> Outcome[dict[str, Any]]:
    """Plan and write within one transaction, without tests; the value is the plan's shape."""
    return write(tx, ready(tx, plan(tx, document, prune=prune)))


def planned(tx: Transaction, wish: Wish) -> tuple[Plan, dict[str, Any]]:
    """The plan of a wish, and its JSON with what `given` is compared by; `tx` may only read.

    Raises what `plan` does, and `Conflict` when the given plan is not the one.
    """
    made = plan(tx, wish.document, prune=wish.prune)
    tests = [test.spec.text for test in wish.document.tests]
    shape = {"stored": last_touched(tx.session), **made.shape, "sha256": digest(made.shape, tests)}
    if wish.given is not None:
        _check_given(wish.given, shape)
    return made, shape


def trials(
    tx: Transaction, made: Plan | None, tests: Iterable[Entry[Sentence]], people: People
) -> tuple[Trial, ...]:
    """How tests go over a plan, or over what is stored now; one about nobody who is there fails."""
    now, specs = tx.now.timestamp(), [test.spec for test in tests]
    book: Rulebook = Stored(tx.session) if made is None else over(Stored(tx.session), made)
    named = dict.fromkeys(spec.subject for spec in specs)  # each is asked for once: it may be far
    askers: dict[str, Asker | str] = {} if made is None else {**robots_of(made)}
    askers |= {subject: _asker(tx, subject, people) for subject in named if subject not in askers}
    return tuple(tried(book, spec, askers[spec.subject], now=now) for spec in specs)


def _asker(tx: Transaction, subject: str, people: People) -> Asker | str:
    """Whom a subject means, or why nobody."""
    try:
        return asked_about(tx.session, subject, people)
    except NotFound as error:
        return error.message


def _prepare(tx: Transaction, wish: Wish, people: People) -> Prepared:
    made, shape = planned(tx, wish)
    tests = wish.document.tests
    tried_out = trials(tx, made, tests, people) if tests else ()
    return Prepared(ready(tx, made), shape, tried_out)


def submit_files(
    unit_of_work: UnitOfWork,
    actor: Actor,
    files: Sequence[tuple[str, bytes]],
    people: People = NOBODY,
) -> dict[str, Any]:
    """Parse `files` (name, content) and apply them as they are."""
    return submit(unit_of_work, actor, Wish(parsed(unit_of_work, actor, files)), people)


def parsed(unit_of_work: UnitOfWork, actor: Actor, files: Sequence[tuple[str, bytes]]) -> Document:
    """The document that is to be applied; files with faults leave one refused record."""
    try:
        return parse(files)
    except Invalid as error:
        unit_of_work.refused(actor, Event.POLICY, error.message)
        raise


def submit(
    unit_of_work: UnitOfWork, actor: Actor, wish: Wish, people: People, once: Once | None = None
) -> dict[str, Any]:
    """Apply in one transaction, with one record that holds the plan; the value is its shape.

    A request that may come `once` only is answered what it was before. Raises what `planned` does,
    `TestsFail`, `Forbidden`, and `Conflict` for a rule that refuses; a refusal leaves one refused
    record.
    """
    asking, remembering = _noting(people)
    run = partial(unit_of_work.run_once, actor, once=once, event=Event.POLICY)
    for _ in range(AGAIN):
        prepared = _prepared(unit_of_work, actor, wish, asking)
        try:
            return run(partial(_write, wish, prepared))
        except _Overtaken:
            continue
    return run(lambda tx: _write(wish, _prepare(tx, wish, remembering), tx))


def _noting(people: People) -> tuple[People, People]:
    """The same people; and people of whom is said what the first were said of last.

    Within the lock everybody waits, and nobody may wait for a directory.
    """
    told: dict[tuple[str, str], Principal | None] = {}

    def find(source: str, name: str) -> Principal | None:
        told[source, name] = people.find(source, name)
        return told[source, name]

    return replace(people, find=find), replace(people, find=lambda *who: told.get(who))


def _prepared(unit_of_work: UnitOfWork, actor: Actor, wish: Wish, people: People) -> Prepared:
    try:
        return unit_of_work.look(actor, lambda tx: _prepare(tx, wish, people))
    except REFUSALS as error:
        unit_of_work.refused(actor, Event.POLICY, error.message)
        raise


def _write(wish: Wish, prepared: Prepared, tx: Transaction) -> Outcome[dict[str, Any]]:
    if was_changed(tx.session, prepared.ready.plan.version):
        raise _Overtaken
    if not all(trial.held for trial in prepared.trials):
        raise TestsFail(wish.document, prepared.trials)
    outcome = write(tx, prepared.ready)
    if not wish.allow_lockout:
        _check_lockout(tx)
    return replace(outcome, value=prepared.shape)


def _check_given(given: Mapping[str, Any], shape: Mapping[str, Any]) -> None:
    """Raise `Conflict` when what was planned then is not what would be done now."""
    if given.get("stored") != shape["stored"]:
        raise Conflict(
            "the stored policy has changed since this plan was made",
            advice="make a new one with `authsvc policy plan`",
        )
    if given.get("prune") != shape["prune"]:
        word = "with" if given.get("prune") else "without"
        raise Conflict(f"this plan was made {word} --prune", advice="apply it likewise")
    if given.get("sha256") != shape["sha256"]:
        raise Conflict(
            "this is the plan of other files", advice="make a new one with `authsvc policy plan`"
        )


def _check_lockout(tx: Transaction) -> None:
    """Raise `Conflict` when the actor's own right to manage would go, or end earlier."""
    tx.session.flush()
    after = rights_of(tx.session, tx.actor, tx.now.timestamp())
    if tx.rights.admin and not after.admin:
        lost = "admin"
    else:
        gone = [own for own in tx.rights.owned if not _still_owns(after, own)]
        lost = f"owner at '{gone[0].path}'" if gone else ""
    if lost:
        raise Conflict(
            f"this would take your own right: {lost}",
            advice="keep that grant in the files, or allow it with --allow-lockout",
        )


def _still_owns(after: Rights, own: Owned) -> bool:
    return after.outlasts(own.path, own.registry, own.ends)

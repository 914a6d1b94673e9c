"""`authsvc policy`: rights as files that are checked, tried, compared and applied."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import output, policy_shown
from .session import actor, opened, options, people_of

if TYPE_CHECKING:
    from authsvc.access.questions import People
    from authsvc.access.trials import Trial
    from authsvc.assembly.offline import Offline
    from authsvc.changes.policy.apply import Wish
    from authsvc.changes.policy.document import Document

app = typer.Typer(no_args_is_help=True, help="Rights as files: check, try, compare, apply.")


def _path(text: str) -> Path:
    """A path as it is named: '' would be the working folder, and is a variable that is not set."""
    if not text:
        raise typer.BadParameter("name a file or a folder; '.' is the working folder")
    return Path(text)


_NAMED = typer.Argument(
    metavar="FILE_OR_DIR", help="*.yaml, *.yml, *.json, or - for stdin.", parser=_path
)
Files = Annotated[list[Path], _NAMED]
MaybeFiles = Annotated[list[Path] | None, _NAMED]
Prune = Annotated[
    bool, typer.Option("--prune", help="Remove what the files leave out, of kinds they speak of.")
]
Alone = Annotated[
    bool, typer.Option("--alone", help="The files by themselves; no database is needed.")
]
Now = Annotated[
    bool, typer.Option("--stored", help="Try what is stored now, not what the files say.")
]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit 1 when there is a difference.")]
AllowLockout = Annotated[
    bool, typer.Option("--allow-lockout", help="Even if it takes the right of who applies it.")
]
PlanFile = Annotated[
    Path | None,
    typer.Option(
        "--plan", metavar="FILE", help="Only if this plan is still the one.", parser=_path
    ),
]


@app.callback()
def group() -> None:
    """Rights as files: check, try, compare, apply."""


@app.command()
def plan(
    context: typer.Context,
    files: Files,
    prune: Prune = False,
    exit_code: ExitCode = False,
) -> None:
    """What applying would add, change and remove, and who gains and loses by it.

    Nothing is written. With --json it is the plan that `apply --plan` takes.
    """
    from authsvc.changes.policy.apply import Wish
    from authsvc.changes.policy.foreseen import foreseen

    wish = Wish(_document(files), prune)
    with opened(context) as parts:
        value = parts.unit_of_work.look(actor(), lambda tx: foreseen(tx, wish))
    output.result(context, value, policy_shown.plan(value))
    if exit_code and policy_shown.differs(value):
        raise typer.Exit(1)


@app.command()
def apply(
    context: typer.Context,
    files: Files,
    prune: Prune = False,
    allow_lockout: AllowLockout = False,
    plan_file: PlanFile = None,
) -> None:
    """Make it so, in one transaction; what is so already is not touched."""
    from authsvc.changes.policy.apply import TestsFail, Wish, parsed, submit

    given = None if plan_file is None else _plan(plan_file)
    with opened(context) as parts, policy_shown.Progress() as progress:
        progress.begin("reading")
        document = parsed(parts.unit_of_work, actor(), _contents(files))
        progress.begin("comparing and writing")
        wish = Wish(document, prune, allow_lockout, given)
        try:
            value = submit(parts.unit_of_work, actor(), wish, _people(context, parts))
        except TestsFail as failed:
            for trial in failed.trials:
                output.note(policy_shown.trial(trial))
            raise
    output.result(context, value, policy_shown.summary(value))
    policy_shown.secretless(value)


@app.command("test")
def run_tests(
    context: typer.Context,
    files: Files,
    prune: Prune = False,
    stored: Now = False,
    alone: Alone = False,
) -> None:
    """Run the tests of the files against the policy as it would be once they are applied."""
    from authsvc.changes.policy.apply import Wish

    _refuse_both("--stored", stored, "--prune", prune)
    _refuse_both("--alone", alone, "--stored", stored)
    _refuse_both("--alone", alone, "--prune", prune)
    wish = Wish(_document(files), prune)
    if alone:
        done = _tried_alone(wish.document)
    else:
        with opened(context) as parts:
            done = _tried(context, parts, wish, stored=stored)
    failed = policy_shown.trials(context, done)
    if failed:
        raise typer.Exit(1)


@app.command()
def lint(context: typer.Context, files: MaybeFiles = None, alone: Alone = False) -> None:
    """Look for what is allowed but hardly meant, in files or, without any, in what is stored.

    Exit code 1 when something is found.
    """
    from authsvc.changes.policy.linted import linted, linted_alone, linted_stored

    if alone and not files:
        raise typer.BadParameter("--alone is for files: name some")
    if files and alone:
        found = linted_alone(_document(files), now=_now())
    else:
        with opened(context) as parts:
            look = parts.unit_of_work.look
            if files:
                document = _document(files)
                found = look(actor(), lambda tx: linted(tx, document))
            else:
                found = look(actor(), linted_stored)
    policy_shown.findings(context, found)
    if found:
        raise typer.Exit(1)


@app.command()
def export(context: typer.Context) -> None:
    """Print what is stored as one document, without secrets, in an order that stays."""
    from authsvc.changes.policy.export import exported

    with opened(context) as parts:
        value = parts.unit_of_work.look(actor(), exported)
    policy_shown.document(context, value)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a document, by which an editor completes."""
    import json

    from authsvc.changes.policy.schema import schema as of_documents

    print(json.dumps(of_documents(), indent=2))


def _refuse_both(one: str, has_one: bool, other: str, has_other: bool) -> None:
    if has_one and has_other:
        raise typer.BadParameter(f"{one} and {other} do not go together")


def _contents(files: Iterable[Path]) -> list[tuple[str, bytes]]:
    from authsvc.changes.policy.files import read

    return read(list(files))


def _document(files: Iterable[Path]) -> Document:
    from authsvc.changes.policy.document import parse

    return parse(_contents(files))


def _plan(file: Path) -> dict[str, Any]:
    """A plan as `policy plan --json` printed it; raises `Invalid`."""
    import json

    from authsvc.errors import Invalid

    try:
        value = json.loads(file.read_bytes())
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}") from error
    except ValueError:
        value = None
    if not isinstance(value, dict) or not {"stored", "sha256", "prune"} <= value.keys():
        raise Invalid(f"{file} is no plan", advice="make one with `authsvc --json policy plan`")
    return value


def _tried_alone(document: Document) -> tuple[Trial, ...]:
    from authsvc.changes.policy.alone import tried_alone

    return tried_alone(document, now=_now())


def _tried(
    context: typer.Context, parts: Offline, wish: Wish, *, stored: bool
) -> tuple[Trial, ...]:
    from authsvc.changes.policy.apply import planned, trials

    people = _people(context, parts)

    def look(tx: Any) -> tuple[Trial, ...]:
        made = None if stored else planned(tx, wish)[0]
        return trials(tx, made, wish.document.tests, people)

    return parts.unit_of_work.look(actor(), look)


def _people(context: typer.Context, parts: Offline) -> People:
    return people_of(parts.settings, debug=options(context).debug)


def _now() -> float:
    from authsvc.clock import SystemClock

    return SystemClock().now()

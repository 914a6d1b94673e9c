"""`authsvc explain`: the decision about one scope entry, and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from . import output
from .session import opened, options, people_of

COLUMNS = ("id", "effect", "role", "on", "subject", "counted", "why_not")


def explain(
    context: typer.Context,
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="SUBJECT", help="user:NAME, user:SOURCE:NAME, robot:NAME or anonymous."
        ),
    ] = None,
    scope: Annotated[
        str | None, typer.Argument(metavar="SCOPE", help="repository:team/app:pull,push")
    ] = None,
    service: Annotated[
        str | None,
        typer.Option("--service", metavar="NAME", help="May be left out when there is one."),
    ] = None,
    ip: Annotated[
        str | None,
        typer.Option("--ip", metavar="ADDR", help="The caller's address; without: not known."),
    ] = None,
    decision: Annotated[
        str | None,
        typer.Option("--decision", metavar="ID", help="One of the past: the `jti` of its token."),
    ] = None,
) -> None:
    """Say what somebody gets, which grants decide, and the least that would change it.

    Exit code 0 only when everything asked is granted.
    """
    if decision is None:
        value = _now(context, subject, scope, service, ip)
    else:
        value = _then(context, decision, [subject, scope, service, ip])
    if options(context).json:
        output.result(context, value, "")
    elif decision is None:
        _show(context, value)
    else:
        _show_decision(context, value)
    entries = value["entries"] if decision is not None else [value]
    if any(entry["denied"] for entry in entries):
        raise typer.Exit(1)


def _now(
    context: typer.Context,
    subject: str | None,
    scope: str | None,
    service: str | None,
    ip: str | None,
) -> dict[str, Any]:
    from authsvc.access.questions import Inquiry, explained
    from authsvc.access.shapes import shape
    from authsvc.errors import Invalid

    if subject is None or scope is None:
        raise Invalid("SUBJECT and SCOPE are needed", advice="or --decision ID")
    with opened(context) as parts, parts.database.read() as session:
        inquiry = Inquiry(subject, scope, service, ip)
        people = people_of(parts.settings, debug=options(context).debug)
        return shape(explained(session, inquiry, people, now=parts.clock.now()))


def _then(context: typer.Context, decision: str, others: list[str | None]) -> dict[str, Any]:
    from authsvc.access.decisions import decided_shape
    from authsvc.access.questions import decided
    from authsvc.errors import Invalid

    if any(other is not None for other in others):
        raise Invalid("--decision ID says all there is to ask", advice="leave out the rest")
    with opened(context) as parts, parts.database.read() as session:
        people = people_of(parts.settings, debug=options(context).debug)
        found = decided(session, decision, people, now=parts.clock.now())
        return decided_shape(found)


def _show_decision(context: typer.Context, value: dict[str, Any]) -> None:
    """Then and, in short, as of today."""
    print(f"{value['time']}  {output.clean(value['subject'])} at {output.clean(value['service'])}")
    today = value["as_of_today"] or [None] * len(value["entries"])
    for entry, now in zip(value["entries"], today, strict=True):
        print()
        _show(context, entry)
        print(f"today     {_summary(now) if now else 'who asked, or the registry, is gone'}")
    if value["more"]:
        output.note(f"{value['more']} more entries were asked; the record holds only their hash")


def _show(context: typer.Context, value: dict[str, Any]) -> None:
    lines = {
        "subject": value["subject"],
        "service": value["service"],
        "scope": value["scope"],
        "answer": _summary(value),
    }
    if value["visibility"]:
        lines["namespace"] = f"{value['namespace']} ({value['visibility']})"
    if value["smallest"]:
        lines["smallest"] = f"--role {value['smallest']['role']} --on '{value['smallest']['on']}'"
    for name, text in lines.items():
        print(output.clean(f"{name:<9} {text}"))
    output.table(context, value["grants"], COLUMNS)


def _summary(value: dict[str, Any]) -> str:
    """What is granted, and why the rest is not: `pull granted; push denied (no_grant)`."""
    words = [f"{', '.join(value['granted'])} granted"] if value["granted"] else []
    words += [f"{action} denied ({reason})" for action, reason in value["reasons"].items()]
    return "; ".join(words)

"""`authsvc audit verify`: whether the log is what was written."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from . import output
from .session import opened

if TYPE_CHECKING:
    from authsvc.audit.verify import Held, Verdict
    from authsvc.keys.store import Folder

HEX_DIGITS = 64  # of a SHA-256


def verify(
    context: typer.Context,
    anchor: Annotated[
        str | None,
        typer.Option(
            "--anchor",
            metavar="HASH",
            help="The hash of a record or checkpoint that somebody else saw: it must be here.",
        ),
    ] = None,
) -> None:
    """Find any change, removal, insertion or reordering of records; exit code 1 for one."""
    from authsvc.audit import verify as audit

    wanted = None if anchor is None else _hash(anchor)
    progress = _progress if sys.stderr.isatty() else None
    with opened(context) as parts, parts.database.read() as session:
        verdict = audit.verify(session, _held(parts.keys), anchor=wanted, progress=progress)
    if progress is not None:
        sys.stderr.write("\r\x1b[K")
    value = {
        "ok": verdict.bad is None,
        "records": verdict.records,
        "first_bad": audit.first_bad(verdict.bad),
        "not_covered": verdict.not_covered,
        "reason": verdict.bad and verdict.bad.why,
        "covered": verdict.covered,
        "checkpoint": verdict.checkpoint,
    }
    output.result(context, value, _text(verdict))
    if verdict.bad is not None:
        raise typer.Exit(1)


def _held(folder: "Folder") -> "Held":
    from authsvc.audit.verify import Held

    current = [key.public_key() for key in folder.all_audit_keys()]
    return Held(current, folder.former_audit_keys())


def _hash(text: str) -> bytes:
    from authsvc.errors import Invalid

    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(text) != HEX_DIGITS or not found:
        raise Invalid(f"'{text}' is no hash of a record", advice="64 hexadecimal digits")
    return found


def _progress(records: int) -> None:
    sys.stderr.write(f"\r{records:,} records")
    sys.stderr.flush()


def _text(verdict: "Verdict") -> str:
    lines = []
    if verdict.bad is not None:
        writer, seq, why = verdict.bad
        lines.append(f"NOT sound: {writer} {seq}: {why}" if seq else f"NOT sound: {why}")
    else:
        lines.append(f"sound: {verdict.records:,} records")
    if verdict.checkpoint is not None:
        number, time, linked = verdict.checkpoint.values()
        lines.append(f"newest checkpoint: {number} of {time}, hash {linked}")
    lines += [f"covered: {verdict.covered}"] if verdict.covered else []
    lines += [f"not covered: {gap}" for gap in verdict.gaps]
    return "\n".join(lines)

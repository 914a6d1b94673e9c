"""From a command line to an exit code: the one place that maps errors to codes and to text."""

import os
import sys
import traceback
from collections.abc import Sequence

import typer

from authsvc.errors import (
    AuthsvcError,
    Conflict,
    Forbidden,
    Invalid,
    Limited,
    NotFound,
    Stale,
    Unauthenticated,
    Unavailable,
)

DONE, NO, WRONG, UNREACHABLE = 0, 1, 2, 3
INTERRUPTED = 130  # 128 + SIGINT, as shells count
MAX_FAULTS = 100  # printed one a line; then a count (contract section 8)

# Looked through in this order; every class of the tree is below one of these (tested).
CODES: tuple[tuple[type[AuthsvcError], int], ...] = (
    (Invalid, WRONG),
    (Unauthenticated, NO),
    (Forbidden, NO),
    (NotFound, NO),
    (Conflict, NO),
    (Stale, NO),
    (Limited, UNREACHABLE),
    (Unavailable, UNREACHABLE),
)
_GLOBAL_FLAGS = ("--json", "--debug")


def run(app: typer.Typer, argv: Sequence[str]) -> int:
    """Run one command and give its exit code; what is wrong goes to standard error."""
    _print_anything()
    args = hoisted(argv)
    try:
        code = app(args, prog_name="authsvc", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_quietly()
        return DONE
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last stop: whatever it is ends as one line
        return report(error, debug="--debug" in args)
    return code if isinstance(code, int) else DONE


def hoisted(argv: Sequence[str]) -> list[str]:
    """The same line with --json, --debug and --config before the command, wherever they stood."""
    first: list[str] = []
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            return [*first, *rest, word, *words]
        if word in _GLOBAL_FLAGS or word.startswith("--config="):
            first.append(word)
        elif word == "--config":
            first.extend([word, *(value for value in [next(words, None)] if value is not None)])
        else:
            rest.append(word)
    return [*first, *rest]


def report(error: Exception, *, debug: bool) -> int:
    """Print an error as its lines say it and give its exit code."""
    from .output import clean

    if debug:
        traceback.print_exception(error)
    if isinstance(error, typer.TyperException):
        print(error.format_message().strip() + _usage_advice(error), file=sys.stderr)
        return WRONG
    if isinstance(error, Invalid) and error.faults:
        for place, text in error.faults[:MAX_FAULTS]:
            print(clean(f"{place}: {text}" if place else text), file=sys.stderr)
        if len(error.faults) > MAX_FAULTS:
            print(f"and {len(error.faults) - MAX_FAULTS} more", file=sys.stderr)
    if isinstance(error, AuthsvcError):
        print(f"authsvc: {clean(str(error))}", file=sys.stderr)
        return exit_code(error)
    advice = "" if debug else " (run it again with --debug to see where)"
    print(f"authsvc: internal error: {type(error).__name__}{advice}", file=sys.stderr)
    return NO


def exit_code(error: AuthsvcError) -> int:
    """The exit code of contract section 3 for an error."""
    return next(code for kind, code in CODES if isinstance(error, kind))


def _usage_advice(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f" (see `{context.command_path} --help`)" if context else ""


def _print_anything() -> None:
    """A name that the terminal's encoding lacks is printed escaped and is no error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")


def _leave_quietly() -> None:
    """The reader has gone (`authsvc audit export | head`): nothing more to say to anybody."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

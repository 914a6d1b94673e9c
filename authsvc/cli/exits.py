"""From a command line to an exit code: the one place that maps errors to codes and to text."""

import os
import re
import sys
import traceback
from collections.abc import Sequence

import typer

from authsvc.errors import (
    AuthsvcError,
    Conflict,
    Forbidden,
    Invalid,
    InvalidSettings,
    Limited,
    NotFound,
    Stale,
    Unauthenticated,
    Unavailable,
    Unconditional,
)

from .output import clean
from .unexpected import told

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
    (Unconditional, NO),
    (Limited, UNREACHABLE),
    (Unavailable, UNREACHABLE),
)
_IN_FILE = re.compile(r":\d+(?::\d+)?$", re.ASCII)  # FILE:LINE:COLUMN or FILE:LINE
_GLOBAL_FLAGS = ("--json", "--debug")


def run(app: typer.Typer, argv: Sequence[str]) -> int:
    """Run one command and give its exit code; what is wrong goes to standard error."""
    _print_anything()
    args = hoisted(argv)
    try:
        _invoke(app, [*args])  # parsing takes words away from its list
        sys.stdout.flush()
    except typer.Exit as leaving:
        return leaving.exit_code
    except BrokenPipeError:
        _leave_quietly()
        return DONE
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last stop: whatever it is ends as one line
        code = report(told(error, args), debug="--debug" in args)
        _leave_what_cannot_be_printed()
        return code
    return DONE


def _invoke(app: typer.Typer, args: list[str]) -> None:
    """Run the command without typer's own handling of errors, which has other exit codes."""
    command = typer.main.get_command(app)
    with command.make_context("authsvc", args) as context:
        command.invoke(context)


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
    if debug:
        traceback.print_exception(error)
    if isinstance(error, typer.TyperException):
        return _report_usage(error)
    if isinstance(error, AuthsvcError):
        for line in lines_of(error):
            print(clean(line), file=sys.stderr)
        return exit_code(error)
    advice = "" if debug else " (run it again with --debug to see where)"
    print(f"authsvc: internal error: {type(error).__name__}{advice}", file=sys.stderr)
    return NO


def lines_of(error: AuthsvcError) -> list[str]:
    """One line; but faults in files are one a line, at most MAX_FAULTS, and then a count."""
    faults = error.faults if isinstance(error, Invalid) else ()
    in_files = [f"{place}: {text}" for place, text in faults if _IN_FILE.search(place)]
    if len(in_files) == 1 and len(faults) == 1:
        return in_files
    if in_files or (isinstance(error, InvalidSettings) and len(faults) > 1):
        lines = [f"{place}: {text}" for place, text in faults[:MAX_FAULTS]]
        return [*lines, f"authsvc: {error.message}"]
    return [f"authsvc: {error}"]


def exit_code(error: AuthsvcError) -> int:
    """The exit code of contract section 3 for an error."""
    return next(code for kind, code in CODES if isinstance(error, kind))


def _report_usage(error: typer.TyperException) -> int:
    """What is wrong with the line, or the help of a group that was named without a command."""
    text = error.format_message().strip()
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":  # a class that typer does not show
        print(text, file=sys.stderr)
        return WRONG
    advice = f" (see `{context.command_path} --help`)" if context else ""
    print(f"authsvc: {' '.join(text.split())}{advice}", file=sys.stderr)
    return WRONG


def _print_anything() -> None:
    """A name that the terminal's encoding lacks is printed escaped and is no error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")


def _leave_what_cannot_be_printed() -> None:
    """Else Python tries once more at the end of the process, and has an exit code of its own."""
    try:
        sys.stdout.flush()
    except OSError:
        _leave_quietly()


def _leave_quietly() -> None:
    """The reader has gone (`authsvc audit export | head`): nothing more to say to anybody."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

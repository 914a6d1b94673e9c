"""Where a new password comes from: a file, standard input, or a terminal. Never an argument."""

from pathlib import Path
from typing import Annotated

import typer

PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="F", help="Its only line is the password."),
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
_MOST = 64 * 1024  # bytes; the longest password has 1,024 characters


def new_password(file: Path | None, *, stdin: bool) -> str:
    """The new password. Raises `Invalid` when none is given or it cannot be read."""
    import sys

    from authsvc.errors import Invalid

    if file is not None and stdin:
        raise Invalid("--password-file and --password-stdin are two ways to say one thing")
    if file is not None:
        return from_file(file)
    if stdin:
        return _line(sys.stdin.buffer.read(_MOST + 1), "standard input")
    if not sys.stdin.isatty():
        raise Invalid(
            "there is no terminal to ask for the password at",
            advice="use --password-file or --password-stdin",
        )
    return _asked()


def from_file(file: Path) -> str:
    """The password that is the only line of `file`."""
    from authsvc.errors import Invalid

    try:
        with file.open("rb") as opened:
            return _line(opened.read(_MOST + 1), str(file))
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}") from error


def _line(data: bytes, where: str) -> str:
    from authsvc.errors import Invalid

    line = data.removesuffix(b"\n").removesuffix(b"\r")
    if not line or b"\n" in line or len(data) > _MOST:
        raise Invalid(f"{where} does not hold one password", advice="write it as its only line")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid(f"the password in {where} is not UTF-8") from None


def _asked() -> str:
    from getpass import getpass

    from authsvc.errors import Invalid

    first = getpass("New password: ")
    if getpass("Once more: ") != first:
        raise Invalid("the two passwords differ", advice="try again")
    return first

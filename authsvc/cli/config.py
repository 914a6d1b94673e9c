"""`authsvc config`: whether the settings are right, without starting anything."""

import os
from typing import TYPE_CHECKING, Any

import typer

from . import output
from .session import options

if TYPE_CHECKING:
    from authsvc.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The settings file and the environment.")


@app.callback()
def group() -> None:
    """The settings file and the environment."""


@app.command()
def check(context: typer.Context) -> None:
    """Say whether the settings are right: exit code 0, or 2 with every fault."""
    from authsvc.errors import InvalidSettings
    from authsvc.server.plan import certificates_of
    from authsvc.settings import load

    chosen = options(context)
    try:
        settings = load(chosen.config, os.environ)
        certificates_of(settings)
    except InvalidSettings as invalid:
        if not chosen.json:
            raise
        found = invalid.faults or (("server.tls_cert, server.tls_key", invalid.message),)
        faults = [{"place": place, "text": text} for place, text in found]
        output.result(context, {"ok": False, "faults": faults}, "")
        raise typer.Exit(2) from None
    output.result(context, _value(settings), f"no faults in {_where(settings)}")
    if not chosen.json:
        _say_more(settings)


def _where(settings: "Settings") -> str:
    return str(settings.file) if settings.file else "the settings (there is no settings file)"


def _value(settings: "Settings") -> dict[str, Any]:
    return {
        "ok": True,
        "file": settings.file and str(settings.file),
        "faults": [],
        "warnings": list(settings.warnings()),
    }


def _say_more(settings: "Settings") -> None:
    for warning in settings.warnings():
        output.note(f"warning: {warning}")

"""All commands in one tree: here a group of commands is given its name."""

from pathlib import Path
from typing import Annotated

import typer

from . import (
    audit,
    config,
    db,
    explain,
    grant,
    group,
    import_,
    init,
    keys,
    limits,
    namespace,
    pat,
    policy,
    registry,
    registry_config,
    robot,
    role,
    user,
    who_can,
)
from . import serve as serving
from .session import Options

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("init")(init.init)
app.command("serve")(serving.serve)
app.add_typer(config.app, name="config")
app.add_typer(db.app, name="db")
registry.app.command("config")(registry_config.config)
app.add_typer(registry.app, name="registry")
app.add_typer(user.app, name="user")
app.add_typer(group.app, name="group")
app.add_typer(namespace.app, name="namespace")
app.add_typer(role.app, name="role")
app.add_typer(grant.app, name="grant")
app.add_typer(robot.app, name="robot")
app.add_typer(pat.app, name="pat")
app.command("explain")(explain.explain)
app.command("who-can")(who_can.who_can)
app.add_typer(policy.app, name="policy")
app.add_typer(import_.app, name="import")
app.add_typer(limits.app, name="limits")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings file.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Token authorization service for Docker and OCI registries.

    --config, --json and --debug may stand anywhere on the line. Exit codes: 0 done, 1 no or
    refused, 2 wrong usage or text, 3 something needed could not be reached.
    """
    context.obj = Options(config=config, json=json, debug=debug)

"""`authsvc registry`: the audiences that tokens are made for."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import output
from .session import change, opened

if TYPE_CHECKING:
    from authsvc.assembly.offline import Offline

app = typer.Typer(no_args_is_help=True, help="Registries that this service makes tokens for.")

COLUMNS = ("name", "enabled", "read_only", "ttl", "key_header", "refresh_tokens")
REGISTRY_LEEWAY = 60  # seconds that registries accept a token beyond its end (distribution)
LONGEST_TTL = 3600  # seconds; no token of any registry lives longer

Name = Annotated[str, typer.Argument(metavar="NAME", help="The `service` in its challenge.")]


class KeyHeader(StrEnum):
    """What a token carries to name its key."""

    X5C = "x5c"
    LIBTRUST = "libtrust"


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


ReadOnly = Annotated[
    bool | None,
    typer.Option("--read-only/--read-write", help="Read-only: no push and no delete, for nobody."),
]
Ttl = Annotated[
    str | None,
    typer.Option("--ttl", metavar="S", help="Seconds, 60 to 3600; `default` for the setting's."),
]
Header = Annotated[KeyHeader | None, typer.Option("--key-header")]
Refresh = Annotated[
    Switch | None,
    typer.Option("--refresh-tokens", help="Off ends all that were given, for good."),
]
Enabled = Annotated[bool | None, typer.Option("--enable/--disable")]


@app.command()
def add(
    context: typer.Context,
    name: Name,
    read_only: ReadOnly = None,
    ttl: Ttl = None,
    key_header: Header = None,
    refresh_tokens: Refresh = None,
    enabled: Enabled = None,
) -> None:
    """Add a registry."""
    from authsvc.changes import registries
    from authsvc.changes.spec import checked

    members = _members(read_only, ttl, key_header, refresh_tokens, enabled)
    spec = checked(registries.RegistrySpec, {"name": name, **members})
    output.item(context, change(context, lambda tx: registries.add(tx, spec)))


@app.command("set")
def set_(
    context: typer.Context,
    name: Name,
    read_only: ReadOnly = None,
    ttl: Ttl = None,
    key_header: Header = None,
    refresh_tokens: Refresh = None,
    enabled: Enabled = None,
) -> None:
    """Change a registry; what is not named stays."""
    from authsvc.changes import reads, registries, secrets
    from authsvc.errors import Invalid

    from .session import actor

    members = _members(read_only, ttl, key_header, refresh_tokens, enabled)
    if not members:
        raise Invalid("nothing to set", advice="see `authsvc registry set --help`")
    with opened(context) as parts:
        with parts.database.read() as session:
            before = reads.registry(registries.found(session, name))
            held = secrets.refresh_tokens_at(session, name)
        item = parts.unit_of_work.run(actor(), lambda tx: registries.change(tx, name, members))
        if before["refresh_tokens"] and not item["refresh_tokens"]:
            item = {**item, "refresh_tokens_ended": held}
        if read_only:
            end = _last_push_ends(parts, {before["ttl"], item["ttl"]}, name)
            item = {**item, "push_tokens_end_at": end}
    output.item(context, item)
    if read_only:
        output.note(f"the last push token already given ends at {item['push_tokens_end_at']}")
    if item.get("refresh_tokens_ended"):
        output.note("refresh tokens given before have ended: their owners sign in again")


@app.command("list")
def list_(context: typer.Context) -> None:
    """List all registries."""
    from authsvc.changes import reads

    with opened(context) as parts, parts.database.read() as session:
        output.table(context, reads.registries(session), COLUMNS)


@app.command()
def show(context: typer.Context, name: Name) -> None:
    """Show a registry."""
    from authsvc.changes import reads, registries

    with opened(context) as parts, parts.database.read() as session:
        output.item(context, reads.registry(registries.found(session, name)))


@app.command()
def remove(context: typer.Context, name: Name) -> None:
    """Remove a registry with its namespaces, and the grants and robots for it alone."""
    from authsvc.changes import registries

    value = change(context, lambda tx: registries.remove(tx, name))
    counted = ", ".join(f"{value[noun]} {noun}" for noun in ("namespaces", "grants", "robots"))
    text = f"removed {name} with {counted} of it"
    output.result(context, value, text)


def _members(
    read_only: bool | None,
    ttl: str | None,
    key_header: KeyHeader | None,
    refresh_tokens: Switch | None,
    enabled: bool | None,
) -> dict[str, Any]:
    """The members that the options name, as a spec takes them."""
    members: dict[str, Any] = {"read_only": read_only, "enabled": enabled}
    members["key_header"] = key_header and key_header.value
    members["refresh_tokens"] = None if refresh_tokens is None else refresh_tokens is Switch.ON
    members = {name: value for name, value in members.items() if value is not None}
    return members if ttl is None else {**members, "ttl": _seconds(ttl)}


def _seconds(text: str) -> int | None:
    from authsvc.errors import Invalid

    if text == "default":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid(f"--ttl '{text}' is no number of seconds", advice="60 to 3600, or default")
    return int(text)


def _last_push_ends(parts: "Offline", lives: set[int | None], name: str) -> str:
    """When no token with push can be accepted any more: garbage collection waits for that.

    A worker may give one out until it has seen the change, and a registry takes it a while
    beyond its end. Tokens given before the ttl was lowered live by the old one.
    """
    from authsvc.changes import reads
    from authsvc.clock import rfc3339

    now, settings = parts.clock.now(), parts.settings
    with parts.database.read() as session:
        lives = lives | reads.lives_since(session, name, now - LONGEST_TTL - REGISTRY_LEEWAY)
    longest = max(ttl or settings.token.ttl for ttl in lives)
    return rfc3339(now + settings.cache.staleness + longest + REGISTRY_LEEWAY)

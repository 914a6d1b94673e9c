"""`authsvc limits`: who is kept waiting, and letting go of them."""

from typing import Annotated

import typer

from . import output
from .session import actor, opened

app = typer.Typer(no_args_is_help=True, help="Limits on failed sign-ins and on requests.")

COLUMNS = ("limit", "setting", "account", "address", "since", "until")

Account = Annotated[
    str | None, typer.Option("--account", metavar="NAME", help="As typed at the sign-in.")
]
Address = Annotated[str | None, typer.Option("--address", metavar="ADDR", help="IPv4 or IPv6.")]


@app.command("list")
def list_(context: typer.Context, account: Account = None, address: Address = None) -> None:
    """Show the limits in effect. A name that no account had is shown by its pseudonym."""
    from authsvc.audit.limits import in_effect
    from authsvc.audit.pseudonyms import pseudonyms
    from authsvc.changes import limits

    whose = None if account is None else limits.account(account)
    where = None if address is None else limits.address(address)
    with opened(context) as parts, parts.database.read() as session:
        pseudonym = pseudonyms(parts.keys.secret())
        names = {whose, None if whose is None else pseudonym(whose)}
        found = [
            each
            for each in in_effect(session, parts.clock.now(), pseudonym)
            if (whose is None or each["account"] in names)
            and (where is None or each["address"] == where)
        ]
    output.table(context, found, COLUMNS)


@app.command()
def clear(context: typer.Context, account: Account = None, address: Address = None) -> None:
    """Let go of limits: of an account, at an address, of the two together, or of everybody."""
    from authsvc.changes import limits

    whose = None if account is None else limits.account(account)
    where = None if address is None else limits.address(address)
    with opened(context) as parts:
        value = parts.unit_of_work.run(actor(), lambda tx: limits.clear(tx, whose, where))
    said = " at ".join(each for each in (whose, where) if each is not None)
    output.result(context, value, f"cleared the limits of {said or 'everybody'}")

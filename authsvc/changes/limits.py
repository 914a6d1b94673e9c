"""Clearing limits by the one road, so that every worker hears of it, with Redis or without."""

from ipaddress import IPv6Network, ip_address, ip_network
from typing import Any

from authsvc.audit.limits import topic_of
from authsvc.audit.records import Event
from authsvc.errors import Invalid
from authsvc.limits.keys import account_of, address_of

from . import guard
from .unit_of_work import Outcome, Transaction

SHARED = 64  # bits of an IPv6 address that limits look at


def account(name: str) -> str:
    """The account that a name means for limits. Raises Invalid for what no name can be."""
    found = account_of(name)
    if not found or ":" in found or not found.isprintable():
        raise Invalid(f"'{name[:64]}' is no account's name", advice="write it as at the sign-in")
    return found


def address(text: str) -> str:
    """What an address counts as; a /64 may be given as `limits list` shows it. Raises Invalid."""
    try:
        if "/" not in text:
            return address_of(str(ip_address(text)))
        found = ip_network(text)
    except ValueError:
        found = None
    if isinstance(found, IPv6Network) and found.prefixlen == SHARED:
        return str(found)
    raise Invalid(f"'{text[:64]}' is no address", advice="192.0.2.7, 2001:db8::1 or 2001:db8::/64")


def clear(
    tx: Transaction, whose: str | None = None, where: str | None = None
) -> Outcome[dict[str, Any]]:
    """Let go of all limits: of an account, at an address, of the two together, or of everybody.

    Both as `account` and `address` give them. Counting begins anew from nothing.
    """
    guard.administer(tx.rights, "limit")
    cleared = {"account": whose, "address": where}
    topics = frozenset({topic_of(whose, where)})
    return Outcome(cleared, Event.LIMIT, after={"cleared": cleared}, topics=topics)

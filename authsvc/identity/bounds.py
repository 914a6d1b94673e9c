"""The limits that a secret itself carries, judged each time it is shown."""

from ipaddress import ip_address

from authsvc.identity.provider import Bounds, Circumstances


def breach(bounds: Bounds, circumstances: Circumstances) -> str | None:
    """Why the secret does not count here and now, as a word for the record; None when it does.

    Its scopes are no matter of who is calling: the decision takes them into account.
    """
    if bounds.ends is not None and circumstances.now >= bounds.ends:
        return "expired"
    if bounds.registry is not None and circumstances.service != bounds.registry:
        return "other_registry"
    if bounds.networks and not _within(bounds, circumstances):
        return "address"
    return None


def _within(bounds: Bounds, circumstances: Circumstances) -> bool:
    """Whether the address is known and in one of the networks (contract section 5, rule 11)."""
    if not circumstances.address_known or not circumstances.address:
        return False
    address = ip_address(circumstances.address)
    return any(address in network for network in bounds.networks)

"""Settings with which passwords would travel in clear: they warn, at start and in /readyz."""

import ipaddress
from urllib.parse import urlsplit

from authsvc.settings import Settings

from .health import DEGRADED, OK


def passwords_in_clear(settings: Settings) -> tuple[str, ...]:
    """What lets passwords travel unencrypted, each with what to do about it; mostly nothing."""
    found = []
    server = settings.server
    encrypted = server.tls_cert is not None and server.tls_key is not None
    if not (_is_local(server.host) or encrypted or server.trusted_proxies):
        found.append(
            f"server.host {server.host} is reachable from other machines without TLS: "
            "set server.tls_cert and server.tls_key, or server.trusted_proxies"
        )
    url = urlsplit(settings.public_url)
    if url.scheme == "http" and not _is_local(url.hostname or ""):
        found.append("public_url is http: clients send passwords in clear; use https")
    return tuple(found)


def transport_state(settings: Settings) -> str:
    """The entry `transport` of /readyz."""
    return DEGRADED if passwords_in_clear(settings) else OK


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Where a grant counts: a path, or a glob over whole repository names (contract section 5).

Pure. A text with `*` or `{` is a glob; everything else is a path, which covers itself and what
is below it.
"""

import re
from ipaddress import IPv6Network, ip_network

from authsvc.protocol import names

EVERYWHERE = "**"
_WILD = re.compile(r"\*\*|\*|\{username\}")


def is_glob(pattern: str) -> bool:
    """Whether `pattern` is a glob and no path."""
    return "*" in pattern or "{" in pattern


def check_pattern(pattern: str) -> str:
    """`pattern` itself when it is a path or a glob that can match a name; raises `ValueError`.

    A glob is tried with `x` in place of each wildcard: what is no repository name then can match
    none that a client may use, such as a text with upper case letters or `//`.
    """
    if not is_glob(pattern):
        if names.is_path(pattern):
            return pattern
        raise ValueError(
            "this is no path: components of a-z, 0-9 and single '.', '_', '__' or dashes between "
            "them, joined by '/', 255 characters at most"
        )
    if "***" in pattern:
        raise ValueError("'***' means nothing: '*' is any run without '/', '**' any run with '/'")
    filled = _WILD.sub("x", pattern)
    if "{" in filled or "}" in filled:
        raise ValueError("'{username}' is the only text in braces that stands for something")
    if not names.is_path(filled):
        raise ValueError("this glob can match no repository name")
    return pattern


def check_network(text: str) -> str:
    """A CIDR in its one canonical form; raises `ValueError`.

    Host bits are refused, since 10.1.2.3/8 is usually a slip for /32 and would open a whole
    network. An IPv4 network written in IPv6 (::ffff:10.0.0.0/104) becomes the IPv4 one, because
    addresses are compared as IPv4.
    """
    try:
        network = ip_network(text)
    except ValueError as error:
        if "host bits" in str(error):
            wanted = ip_network(text, strict=False)
            raise ValueError(f"host bits are set: write {wanted} or the one address") from None
        raise ValueError("this is no network such as 10.0.0.0/8 or 2001:db8::/32") from None
    if isinstance(network, IPv6Network):
        if "%" in text:
            raise ValueError("a network has no interface")
        mapped = network.network_address.ipv4_mapped
        if mapped and network.prefixlen >= 96:
            return str(ip_network(f"{mapped}/{network.prefixlen - 96}"))
    return str(network)

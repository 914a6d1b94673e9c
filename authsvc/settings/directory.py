"""What settings of a directory have to be.

Every check raises ValueError with a text that says what would be right. Filters are read by ldap3,
as they are later; it is loaded for the first one, and who has no directory does without it.
"""

import re
from typing import Any

from .values import split_url

NAME = "{username}"  # in a filter: what was typed
_ENTRY_OF_AD = re.compile(r"<(?:GUID|WKGUID|SID)=[^<>]+>")
# As servers take them, older forms (RFC 2253: blanks, quotes, semicolons) included.
_PAIR = (
    r"\s*(?:[A-Za-z][A-Za-z0-9-]*|(?:OID\.)?[0-9]+(?:\.[0-9]+)*)\s*="
    r'(?:[^\\,+;"]|\\.|"(?:[^\\"]|\\.)*")*'
)
_DN = re.compile(f"{_PAIR}(?:[,;+]{_PAIR})*", re.DOTALL)
_LOGON_NAME = re.compile(r"[^=,@\\]+(?:@|\\)[^=,@\\]+")


def ldap_url(value: str) -> str:
    """A server alone: all else that an LDAP URL may say stands in keys of its own."""
    parts = split_url(value)
    if parts.scheme not in {"ldap", "ldaps"} or not parts.hostname:
        raise ValueError("must be a URL that starts with ldap:// or ldaps://")
    if parts.username is not None:
        raise ValueError("must not hold credentials: they are bind_dn and bind_password_file")
    if parts.path not in {"", "/"} or re.search(r"[?#]", value):
        raise ValueError("must end behind host and port: bases and filters are keys of their own")
    return value


def search_filter(value: str) -> str:
    """A filter in the form of RFC 4515, or none."""
    from ldap3.core.exceptions import LDAPExceptionError  # noqa: PLC0415 - see above
    from ldap3.operation import search  # noqa: PLC0415 - likewise

    reader: Any = search  # has no types
    try:
        if value:
            found = reader.parse_filter(
                value.replace(NAME, "name"), schema=None, auto_escape=False, auto_encode=False,
                validator=None, check_names=False,
            )  # fmt: skip
            reader.compile_filter(found.elements[0])
    except (LDAPExceptionError, ValueError, IndexError):
        raise ValueError('is no LDAP filter: one in brackets, as in "(uid=lana)"') from None
    return value


def user_filter(value: str) -> str:
    """A filter that compares what was typed."""
    if NAME not in value:
        raise ValueError(f'must hold {NAME}, as in "(uid={NAME})"')
    return search_filter(value)


def base_dn(value: str) -> str:
    """A distinguished name (RFC 4514), or Active Directory's own way to name an entry; or none."""
    if value and not (_DN.fullmatch(value) or _ENTRY_OF_AD.fullmatch(value)):
        raise ValueError('is no distinguished name such as "ou=people,dc=example,dc=com"')
    return value


def bind_dn(value: str) -> str:
    r"""As `base_dn`, or one of Active Directory's logon names: `NAME@DOMAIN`, `DOMAIN\NAME`."""
    return value if _LOGON_NAME.fullmatch(value) else base_dn(value)

"""docker_auth's answer, read off its source (auth_server/authz/acl.go, server/server.go), slowly.

It knows nothing of the import: it has its own globs, after Go's path.Match, its own filling in of
variables, and the first rule that matches. The configuration is plain data, as YAML gives it.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

PULL_PUSH_DELETE = ("delete", "pull", "push")


@dataclass(frozen=True)
class Asked:
    """One request for some actions on one resource; `account` '' shows no credentials."""

    account: str
    type: str
    name: str
    service: str
    address: str
    actions: tuple[str, ...] = PULL_PUSH_DELETE


def granted(configuration: dict, asked: Asked) -> set[str]:
    """The actions of its token; nothing for who is not let in."""
    number = first_match(configuration, asked)
    return set() if number is None else given(configuration["acl"][number], asked)


def first_match(configuration: dict, asked: Asked) -> int | None:
    """The rule that decides; None when none matches, or nobody comes in by that account."""
    users = configuration["users"]
    if users.get(asked.account) is None:
        return None
    labels = users[asked.account].get("labels", {})
    for number, rule in enumerate(configuration["acl"]):
        if matches(rule["match"], asked, labels):
            return number
    return None


def given(rule: dict, asked: Asked) -> set[str]:
    if rule["actions"] == ["*"]:
        return set(asked.actions)
    return set(asked.actions) & set(rule["actions"])


def matches(match: dict, asked: Asked, labels: dict) -> bool:
    variables = {
        "${account}": re.escape(asked.account),
        "${type}": re.escape(asked.type),
        "${name}": re.escape(asked.name),
        "${service}": re.escape(asked.service),
    }
    texts = {member: getattr(asked, member) for member in ("account", "type", "name", "service")}
    return (
        all(match.get(each) is None or fits(match[each], texts[each], variables) for each in texts)
        and ("ip" not in match or inside(match["ip"], asked.address))
        and all(
            any(fits(pattern, value, variables) for value in labels.get(label, []))
            for label, pattern in match.get("labels", {}).items()
        )
    )


def fits(pattern: str, text: str, variables: dict) -> bool:
    for name, value in variables.items():
        pattern = pattern.replace(name, value)
    if len(pattern) > 2 and pattern[0] == pattern[-1] == "/":
        return re.search(pattern[1:-1], text) is not None
    return glob(pattern, text)


def inside(network: str, address: str) -> bool:
    held = ip_network(network, strict=False)
    if held.version == 6 and held.network_address.ipv4_mapped and held.prefixlen >= 96:
        held = ip_network(f"{held.network_address.ipv4_mapped}/{held.prefixlen - 96}")
    return ip_address(address) in held


def glob(pattern: str, text: str) -> bool:
    """Go's path.Match; a pattern that it calls malformed matches nothing."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        end = text.find("/") if "/" in text else len(text)
        return any(glob(pattern[1:], text[size:]) for size in range(end + 1))
    if not text:
        return False
    if pattern[0] == "?":
        return text[0] != "/" and glob(pattern[1:], text[1:])
    if pattern[0] == "[":
        return one_of(pattern[1:], text)
    if pattern[0] == "\\":
        pattern = pattern[1:]
    return pattern[:1] == text[0] and glob(pattern[1:], text[1:])


def one_of(pattern: str, text: str) -> bool:
    """A set: `]` after the `[`, with ranges, and taken the other way round after `^`."""
    inner, closed, rest = pattern.partition("]")
    other = inner.startswith("^")
    found = re.findall(r"(.)-(.)|(.)", inner.removeprefix("^"))
    held = any(low <= text[0] <= high if low else text[0] == one for low, high, one in found)
    return bool(closed) and held is not other and glob(rest, text[1:])

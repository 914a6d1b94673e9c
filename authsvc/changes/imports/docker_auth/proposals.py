"""What to do about a line that has no equal: a command to complete, where there is one. Pure.

Words in capitals are left to the reader. What comes from the file is quoted for a shell.
"""

import shlex
from typing import Final

from authsvc.protocol import names

from . import patterns
from .configuration import OTHER_RULES, OTHER_USERS, Member, Rule
from .order import Kind, Population, given

ROLES: Final = {
    frozenset({"pull"}): "reader",
    frozenset({"pull", "push"}): "writer",
    frozenset({"pull", "push", "delete"}): "maintainer",
    frozenset({"*"}): "catalog-reader",
}
_WHOLE: Final = {Kind.REPOSITORY: "maintainer", Kind.CATALOG: "catalog-reader"}
# The account of who shows no credentials, and docker_auth's own idiom for everybody else.
_AUDIENCES: Final = {"": "everyone", "/.+/": "authenticated"}


def grant(
    rule: Rule, kind: Kind, population: Population, *, deny: bool = False, to: str = ""
) -> str:
    """The command for a grant, or a deny, that says what the rule does, as far as one can."""
    actions = given(rule, kind)
    role = ROLES.get(actions, "ROLE") if actions else _WHOLE[kind]
    words = ["authsvc", "grant", "add", "--to", to or subject(rule, population), "--role", role]
    words += ["--on", _place(rule)] if kind is Kind.REPOSITORY else []
    if rule.service is not None:
        words += ["--registry", rule.service if is_service(rule.service) else "NAME"]
    if rule.network is not None:
        words += ["--cidr", str(rule.network)]
    return shlex.join([*words, "--deny"] if deny else words)


def denial(rule: Rule, kind: Kind, population: Population) -> str:
    """What to do instead of a rule that only keeps others from giving."""
    if rule.account == "":
        return "who does not sign in has what everyone has: authsvc grant list --to everyone"
    return "if other grants give what it kept, deny it, to the rules above it as well: " + grant(
        rule, kind, population, deny=True
    )


def role(rule: Rule, kind: Kind, population: Population) -> str:
    """The commands for actions that no role built in holds."""
    actions = ",".join(sorted(given(rule, kind)))
    made = f"authsvc role add ROLE --allow repository:{actions}"
    return f"{made}, then {grant(rule, kind, population)}"


def subject(rule: Rule, population: Population) -> str:
    """Whom a grant would be to."""
    account = rule.account
    if rule.labels:
        return "group:NAME"
    if account is None:
        return "everyone" if population.anonymous else "authenticated"
    if account in _AUDIENCES:
        return _AUDIENCES[account]
    if patterns.strange(account) or not (
        patterns.is_literal(account) and names.is_user_name(account)
    ):
        return "SUBJECT"
    return f"user:{account}" if account in population.people else f"user:SOURCE:{account}"


def is_service(service: str) -> bool:
    """Whether this is the name of one registry, and one that it can have here."""
    literal = not patterns.strange(service) and patterns.is_literal(service)
    return literal and names.is_service(service)


def user(name: str) -> str:
    """The command that makes a person with a password of their own."""
    return shlex.join(["authsvc", "user", "add", name if names.is_user_name(name) else "NAME"])


def member(found: Member) -> tuple[str, str]:
    """Why a member of the configuration is not imported, and what to do instead."""
    if found.name == "ldap_auth":
        return "a directory is a source here", 'add a [[sources]] of type "ldap" to the settings'
    if found.name in OTHER_USERS:
        return "these people are not in this file", f"{user('NAME')}, or a source of the settings"
    if found.name in OTHER_RULES:
        return "these rules are not in this file", (
            "authsvc grant add --to SUBJECT --role ROLE --on PATH_OR_GLOB"
        )
    if found.name == "server.real_ip_header":
        return "whom to believe about addresses is a setting", "set server.trusted_proxies"
    return "docker_auth reads no such member", "take it out if it was meant to be another"


def _place(rule: Rule) -> str:
    if rule.name is None or not patterns.strange(rule.name, takes=patterns.ACCOUNT):
        try:
            return patterns.place_of(rule.name)
        except ValueError:
            pass
    return "PATH_OR_GLOB"

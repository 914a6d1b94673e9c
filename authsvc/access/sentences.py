"""The sentences that tests beside a policy are written in (contract section 8). Pure.

`SUBJECT can|cannot ACTION[,ACTION] NAME [on SERVICE] [from IP]`, one blank between the words.
"""

import re
from dataclasses import dataclass

from authsvc.errors import Invalid
from authsvc.principal import Kind
from authsvc.protocol.names import is_repository_name, is_service, is_user_name, parse_subject

from .conditions import parse_address
from .roles import REPOSITORY_ACTIONS

FORM = "SUBJECT can|cannot ACTION[,ACTION] NAME [on SERVICE] [from IP]"
LONGEST = 1_500  # characters: the longest subject, name and service together, and the words
_SENTENCE = re.compile(
    # A repository or registry may be called `can`; what follows it is no list of actions then.
    r"(?P<subject>.+) (?P<verb>can|cannot) (?!(?:on|from) )(?P<actions>\S+) (?P<name>\S+)"
    r"(?: on (?P<service>\S+))?(?: from (?P<address>\S+))?"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One test. `subject` is canonical text, or `anonymous`; `service` None is the only registry.

    It holds when all of `actions` are granted (`can`), or none of them is. `address` None means
    that the caller's true address is not known.
    """

    text: str
    subject: str
    can: bool
    actions: tuple[str, ...]
    name: str
    service: str | None = None
    address: str | None = None


def parse_sentence(text: str) -> Sentence:
    """The test that a sentence writes; raises `Invalid`."""
    found = _SENTENCE.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise Invalid("this is no test", advice=f"write {FORM}")
    name, service, address = found["name"], found["service"], found["address"]
    if not is_repository_name(name):
        raise Invalid(f"'{name[:60]}' is no name of a repository", advice="write a whole name")
    if service is not None and not is_service(service):
        raise Invalid(f"'{service[:60]}' is no name of a registry")
    if address is not None and parse_address(address) is None:
        raise Invalid(f"'{address[:60]}' is no IP address", advice="write 192.0.2.7 or 2001:db8::7")
    return Sentence(
        text, _subject(found["subject"]), found["verb"] == "can", _actions(found["actions"]),
        name, service, address,
    )  # fmt: skip


def _subject(text: str) -> str:
    """The subject of a question (contract section 3), or the bare name of a local person."""
    if text == Kind.ANONYMOUS:
        return text
    try:
        ref = parse_subject(f"user:{text}" if is_user_name(text) else text)
    except Invalid:
        ref = None
    if ref is None or ref.kind not in (Kind.USER, Kind.ROBOT):
        raise Invalid(
            f"'{text[:60]}' is nobody who asks for tokens",
            advice="write NAME, user:SOURCE:NAME, robot:NAME or anonymous",
        )
    return str(ref)


def _actions(text: str) -> tuple[str, ...]:
    actions = tuple(text.split(","))
    wrong = [action for action in actions if action not in REPOSITORY_ACTIONS]
    if wrong or len(set(actions)) < len(actions):
        raise Invalid(
            f"'{text[:60]}' are no actions", advice=f"of {', '.join(REPOSITORY_ACTIONS)}, each once"
        )
    return actions

"""The grammars of names, and subject texts. All are compared byte for byte, never folded.

Each pattern is matched as a whole against text of bounded length, and what may repeat in it is
told from what may follow by one character, so the time to match is linear in the text.

Repository names follow the distribution reference grammar (github.com/distribution/reference,
regexp.go) but for IPv6 literals, which distribution 2.8 does not know.
"""

import re
import unicodedata
from dataclasses import dataclass

from authsvc.errors import Invalid
from authsvc.principal import LOCAL

MAX_NAME = 255  # characters; for repositories the bound of the reference grammar
MAX_LABEL = 63  # characters of a role's or a source's name

RESERVED = frozenset({"anonymous", "authenticated", "everyone"})
ROBOT_PREFIX = "robot."
KINDS = frozenset({"user", "group", "robot"})  # first words of subject texts: no source has one

_COMPONENT_TEXT = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_PATH_TEXT = r"[a-z0-9]+(?:(?:[./]|__?|-+)[a-z0-9]+)*"
_HOST_TEXT = r"[A-Za-z0-9]+(?:(?:\.|-+)[A-Za-z0-9]+)*(?::[0-9]+)?"

_COMPONENT = re.compile(_COMPONENT_TEXT)
_PATH = re.compile(_PATH_TEXT)
_REPOSITORY = re.compile(rf"(?:{_HOST_TEXT}/)?{_PATH_TEXT}")
_SERVICE = re.compile(r"[!#-&(-+\--~]+")  # printable ASCII but " ' and ,
_LABEL = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_ROBOT = re.compile(r"[a-z0-9._-]+")


def is_repository_name(text: str) -> bool:
    """Whether this is a repository name, with a `host[:port]/` before it or without."""
    return len(text) <= MAX_NAME and _REPOSITORY.fullmatch(text) is not None


def is_path(text: str) -> bool:
    """Whether this is a namespace path: name components joined by `/`, no host before them."""
    return len(text) <= MAX_NAME and _PATH.fullmatch(text) is not None


def is_path_component(text: str) -> bool:
    """Whether this is one component of a path; only such a name fills in `{username}`."""
    return len(text) <= MAX_NAME and _COMPONENT.fullmatch(text) is not None


def is_service(text: str) -> bool:
    """Whether this can be a registry's name: printable ASCII without blank, comma or quote."""
    return len(text) <= MAX_NAME and _SERVICE.fullmatch(text) is not None


def is_user_name(text: str) -> bool:
    """Whether a person of any source can be called this.

    Printable characters of any script (no control, format or separator character but an inner
    blank), no colon, nothing reserved. What looks reserved after NFKC and case folding is too.
    """
    if not 0 < len(text) <= MAX_NAME or not text.isprintable() or ":" in text:
        return False
    folded = unicodedata.normalize("NFKC", text).casefold().strip()
    return text == text.strip() and folded not in RESERVED and not folded.startswith(ROBOT_PREFIX)


def is_group_name(text: str) -> bool:
    """Whether a group, of this service or of a directory, can be called this; as for people."""
    return is_user_name(text)


def is_role_name(text: str) -> bool:
    """Whether a role can be called this: small letters and digits, single `.`, `_`, `-` between."""
    return len(text) <= MAX_LABEL and _LABEL.fullmatch(text) is not None


def is_robot_name(text: str) -> bool:
    """Whether a robot can be called this, without the `robot.` that its login begins with."""
    return (
        len(ROBOT_PREFIX + text) <= MAX_NAME
        and not text.startswith(ROBOT_PREFIX)
        and _ROBOT.fullmatch(text) is not None
    )


def is_source_name(text: str) -> bool:
    """Whether a source can be called this; not a first word of subject texts."""
    return is_role_name(text) and text not in KINDS


@dataclass(frozen=True, slots=True)
class SubjectRef:
    """Whom a grant or a membership names. `str()` gives the canonical text.

    `kind` is user, group, robot, everyone or authenticated. `source` is '' for all but people
    and the groups of a directory; `name` is the kind itself for the last two kinds.
    """

    kind: str
    source: str
    name: str

    def __str__(self) -> str:
        if self.kind not in KINDS:
            return self.kind
        return ":".join(filter(None, (self.kind, self.source, self.name)))


EVERYONE = SubjectRef("everyone", "", "everyone")
AUTHENTICATED = SubjectRef("authenticated", "", "authenticated")


def parse_subject(text: str) -> SubjectRef:
    """The subject of a grant (contract section 3). Raises Invalid.

    `user:alice` is `user:local:alice`; `group:devs`, of this service, is never `group:corp:devs`.
    """
    if text in {"everyone", "authenticated"}:
        return EVERYONE if text == "everyone" else AUTHENTICATED
    kind, _, rest = text.partition(":")
    source, colon, name = rest.rpartition(":")
    if kind == "robot" and is_robot_name(rest.removeprefix(ROBOT_PREFIX)):
        return SubjectRef("robot", "", rest.removeprefix(ROBOT_PREFIX))
    if kind == "user" and is_user_name(name) and (not colon or is_source_name(source)):
        return SubjectRef("user", source or LOCAL, name)
    if kind == "group" and is_group_name(name) and (not colon or _is_directory(source)):
        return SubjectRef("group", source, name)
    raise Invalid(
        "this is no subject",
        advice="write user:NAME, user:SOURCE:NAME, group:NAME, group:SOURCE:NAME, robot:NAME, "
        "everyone or authenticated",
    )


def parse_member(text: str) -> SubjectRef:
    """A member of a group: `NAME`, `SOURCE:NAME`, or a person's or a group's subject.

    Raises Invalid.
    """
    named = text.startswith(("user:", "group:"))
    return parse_subject(text if named else f"user:{text}")


def _is_directory(source: str) -> bool:
    """Whether a source has groups of its own; people of the database have this service's."""
    return source != LOCAL and is_source_name(source)

"""What a personal access token may be."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, StrictBool, model_validator

from authsvc.access.roles import ALL_ACTIONS
from authsvc.errors import Invalid
from authsvc.principal import LOCAL
from authsvc.protocol import names
from authsvc.protocol.scope import parse_entry

from . import texts
from .grants import End
from .places import check_pattern
from .spec import Spec

MOST_SCOPES: Final = 64  # of one token: each is looked at for every scope that is asked
LONGEST_LABEL: Final = 100  # characters
CATALOG: Final = "registry:catalog:*"


def _label(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("a label is printable, without outer blanks")
    return text


def _user(text: str) -> str:
    try:
        return name_of(names.parse_subject(f"user:{text}"))
    except Invalid:
        raise ValueError("this is no user name: write alice or SOURCE:alice") from None


def _scope(text: str) -> str:
    """A scope in its one canonical form; raises `ValueError`."""
    entry = parse_entry(text, globs=True)
    if text == CATALOG:
        return text
    if entry is None or entry.type != "repository" or entry.class_ or not entry.name:
        raise ValueError(f"this is no scope such as repository:team/app:pull,push or {CATALOG}")
    if "{" in entry.name:
        raise ValueError("a scope holds no {username}: it is for one person anyway")
    if "*" in entry.name:
        check_pattern(entry.name)
    if not entry.actions or not set(entry.actions) <= ALL_ACTIONS:
        raise ValueError("the actions of a scope are pull, push and delete")
    return f"repository:{entry.name}:{','.join(sorted(entry.actions))}"


def _in_order(scopes: tuple[str, ...]) -> tuple[str, ...]:
    if not scopes:
        raise ValueError("name a scope, or null for a token that is not narrowed")
    return tuple(sorted(set(scopes)))


Scope = Annotated[str, AfterValidator(_scope), texts.PAT_SCOPE]


class PatSpec(Spec):
    """A personal access token. `user` None is whoever makes it; `scopes` None: not narrowed.

    `admin`: it carries its owner's management rights.
    """

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_LABEL), AfterValidator(_label)]
    user: Annotated[str, AfterValidator(_user), texts.USER] | None = None
    scopes: (
        Annotated[
            tuple[Scope, ...],
            Field(max_length=MOST_SCOPES, json_schema_extra={"minItems": 1}),
            AfterValidator(_in_order),
        ]
        | None
    ) = None
    admin: StrictBool = False
    expires_at: End = None

    @model_validator(mode="after")
    def _wide_or_narrow(self) -> "PatSpec":
        if self.admin and self.scopes is not None:
            raise ValueError("a token with scopes manages nothing: leave out admin or scopes")
        return self


def name_of(ref: names.SubjectRef) -> str:
    """A person as commands and items name them: alice, or SOURCE:alice."""
    return ref.name if ref.source == LOCAL else f"{ref.source}:{ref.name}"


def ref_of(user: str) -> names.SubjectRef:
    """Whom a name means that a `PatSpec` took."""
    return names.parse_subject(f"user:{user}")

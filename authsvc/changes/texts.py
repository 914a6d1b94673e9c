"""What the OpenAPI document says of texts, so that a caller can tell most faults beforehand.

The patterns are for the document alone: the validators of the specs judge, and they are never
looser. They are in the dialect that Python, ECMA-262 and Rust share.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from authsvc.access.sentences import LONGEST as LONGEST_SENTENCE
from authsvc.identity.passwords import LONGEST, SHORTEST
from authsvc.protocol.names import MAX_LABEL, MAX_NAME

_PATH = r"[a-z0-9]+(?:(?:[./]|__?|-+)[a-z0-9]+)*"
_LABEL = r"[a-z0-9]+(?:[._-][a-z0-9]+)*"
_NAME = r"[^:\x00-\x20\x7f](?:[^:\x00-\x1f\x7f]*[^:\x00-\x20\x7f])?"
_ROBOT = r"[a-z0-9._-]+"
_SERVICE = r"[!#-&(-+\--~]+"
_REPOSITORY = rf"(?:[A-Za-z0-9]+(?:(?:\.|-+)[A-Za-z0-9]+)*(?::[0-9]+)?/)?{_PATH}"
_ACTIONS = r"(?:pull|push|delete)(?:,(?:pull|push|delete))*"


def _said(pattern: str, longest: int = MAX_NAME) -> Any:
    whole = f"^(?:{pattern})$"
    return Field(json_schema_extra={"pattern": whole, "minLength": 1, "maxLength": longest})


_SUBJECT = rf"everyone|authenticated|(?:user|group):(?:{_LABEL}:)?{_NAME}|robot:{_ROBOT}"
_ASKER = rf"anonymous|user:(?:{_LABEL}:)?{_NAME}|robot:{_ROBOT}"
_LONGEST_SUBJECT = len("group::") + MAX_LABEL + MAX_NAME


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("U+0000 is in no text here")
    return text


RegistryName = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_no_nul)]
"""The name of a registry that is referred to."""
Remark = Annotated[str, Field(max_length=1000), AfterValidator(_no_nul)]
"""A text for people."""

SERVICE = _said(_SERVICE)
PATH = _said(_PATH)
PATTERN = _said(rf"{_PATH}|[a-z0-9._/*{{}}-]*[*{{][a-z0-9._/*{{}}-]*", 10 * MAX_NAME)
ROLE = _said(_LABEL, MAX_LABEL)
NAME = _said(_NAME)
SUBJECT = _said(_SUBJECT, _LONGEST_SUBJECT)
ASKER = _said(_ASKER, _LONGEST_SUBJECT)
ROBOT = _said(_ROBOT)
USER = _said(rf"(?:{_LABEL}:)?{_NAME}", MAX_LABEL + 1 + MAX_NAME)
MEMBER = _said(rf"(?:(?:user:|group:)?(?:{_LABEL}:)?)?{_NAME}", _LONGEST_SUBJECT)
ALLOWED = _said(rf"repository:{_ACTIONS}|registry:catalog:\*", 100)
NETWORK = _said(r"[0-9a-fA-F:.]+(?:/[0-9.]+)?", 64)
SCOPE = _said(r"[a-z0-9]+(?:\([a-z0-9]+\))?:[!-~]*:[a-z*,]+", 2048)
PAT_SCOPE = _said(rf"repository:[A-Za-z0-9._/:*-]+:{_ACTIONS}|registry:catalog:\*", 2048)
PASSWORD = Field(json_schema_extra={"minLength": SHORTEST, "maxLength": LONGEST})
REPOSITORY = _said(_REPOSITORY)
SENTENCE = _said(
    rf"(?:{_ASKER}|{_NAME}) (?:can|cannot) {_ACTIONS} {_REPOSITORY}"
    rf"(?: on {_SERVICE})?(?: from [0-9a-fA-F:.]+)?",
    LONGEST_SENTENCE,
)

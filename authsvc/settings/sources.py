"""The settings of one source of identities; a class per type."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from authsvc.principal import LOCAL

from .values import FilePath, Flag, OptionalPath, Text, Whole, url_of

# Closed, immutable, and no value of a faulty key in the text of an error: it may be a secret.
SECTION = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

Scheme = Literal["bcrypt", "argon2", "sha256_crypt", "sha512_crypt", "apr_md5", "sha1"]


def source_name(value: str) -> str:
    """Small letters, digits and single `.`, `_`, `-` between them; not `local`."""
    if len(value) > 63 or not re.fullmatch(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", value):
        raise ValueError("must be of small letters and digits, with single . _ - between them")
    if value == LOCAL:
        raise ValueError("is taken by the users in the database, who are always asked first")
    return value


def _distinct_and_some(value: tuple[Scheme, ...]) -> tuple[Scheme, ...]:
    if not value or len(set(value)) != len(value):
        raise ValueError("must name at least one scheme, and each once")
    return value


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("must name at least one server")
    return value


def _with_username(value: str) -> str:
    if "{username}" not in value:
        raise ValueError('must hold {username}, as in "(uid={username})"')
    return value


SourceName = Annotated[str, AfterValidator(source_name)]


class HtpasswdSource(BaseModel):
    """A file of `name:hash` lines, as Apache's htpasswd makes it. Plaintext and DES never count."""

    model_config = SECTION

    type: Literal["htpasswd"]
    name: SourceName
    path: FilePath
    schemes: Annotated[tuple[Scheme, ...], AfterValidator(_distinct_and_some)] = (
        "bcrypt",
        "argon2",
    )


class LdapSource(BaseModel):
    """A directory; times in seconds. An empty `group_base` means: no groups from there."""

    model_config = SECTION

    type: Literal["ldap"]
    name: SourceName
    urls: Annotated[tuple[Annotated[str, url_of("ldap", "ldaps")], ...], AfterValidator(_some)]
    start_tls: Flag = False
    ca_file: OptionalPath = None
    tls_verify: Flag = True
    bind_dn: str = ""
    bind_password: SecretStr = SecretStr("")
    user_base: Text
    user_filter: Annotated[str, AfterValidator(_with_username)] = "(uid={username})"
    active_filter: str = ""
    username_attribute: Text = "uid"
    id_attribute: Text = "entryUUID"
    password_changed_attribute: str = ""
    group_base: str = ""
    group_strategy: Literal["member", "memberof", "ad-nested", "recursive"] = "member"
    group_filter: Text = "(objectClass=groupOfNames)"
    group_attribute: Text = "cn"
    connect_timeout: Annotated[float, Field(gt=0, le=60, strict=True)] = 3
    timeout: Annotated[float, Field(gt=0, le=60, strict=True)] = 5
    cache_ttl: Annotated[Whole, Field(ge=0, le=3600)] = 60
    outage_grace: Annotated[Whole, Field(ge=0, le=604800)] = 0


Source = Annotated[HtpasswdSource | LdapSource, Field(discriminator="type")]

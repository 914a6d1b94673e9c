"""The settings of one source of identities; a class per type."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from authsvc.principal import LOCAL

from .directory import base_dn, bind_dn, ldap_url, search_filter, user_filter
from .values import FilePath, Flag, OptionalPath, Text, Whole

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


SourceName = Annotated[str, AfterValidator(source_name)]
Base = AfterValidator(base_dn)
BindDn = Annotated[str, AfterValidator(bind_dn)]
Filter = AfterValidator(search_filter)
UserFilter = Annotated[str, AfterValidator(user_filter)]


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
    urls: Annotated[tuple[Annotated[str, AfterValidator(ldap_url)], ...], AfterValidator(_some)]
    start_tls: Flag = False
    ca_file: OptionalPath = None
    tls_verify: Flag = True
    bind_dn: BindDn = ""
    bind_password: SecretStr = SecretStr("")
    user_base: Annotated[Text, Base]
    user_filter: UserFilter = "(uid={username})"
    active_filter: Annotated[str, Filter] = ""
    username_attribute: Text = "uid"
    id_attribute: Text = "entryUUID"
    password_changed_attribute: str = ""
    group_base: Annotated[str, Base] = ""
    group_strategy: Literal["member", "memberof", "ad-nested", "recursive"] = "member"
    group_filter: Annotated[Text, Filter] = "(objectClass=groupOfNames)"
    group_attribute: Text = "cn"
    connect_timeout: Annotated[float, Field(gt=0, le=60, strict=True)] = 3
    timeout: Annotated[float, Field(gt=0, le=60, strict=True)] = 5
    cache_ttl: Annotated[Whole, Field(ge=0, le=3600)] = 60
    outage_grace: Annotated[Whole, Field(ge=0, le=604800)] = 0


Source = Annotated[HtpasswdSource | LdapSource, Field(discriminator="type")]

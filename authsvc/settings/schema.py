"""All settings of contract section 2, with their defaults and ranges."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr

from .sources import SECTION, LdapSource, Source
from .values import (
    DatabaseUrl,
    Duration,
    FilePath,
    Flag,
    Limit,
    Network,
    Networks,
    OptionalPath,
    RedisUrl,
    Size,
    Text,
    WebUrl,
    Whole,
    url_of,
)

DAY = 86400
METRICS_ALLOW: tuple[Network, ...] = (
    ipaddress.IPv4Network("127.0.0.0/8"),
    ipaddress.IPv6Network("::1/128"),
)


class Server(BaseModel):
    """How the service is served; `drain` in seconds, `connections` per worker."""

    model_config = SECTION

    host: Text = "127.0.0.1"
    port: Annotated[Whole, Field(ge=1, le=65535)] = 5001
    workers: Annotated[Whole, Field(ge=1, le=1024)] = 1
    tls_cert: OptionalPath = None
    tls_key: OptionalPath = None
    trusted_proxies: Networks = ()
    metrics_allow: Networks = METRICS_ALLOW
    connections: Annotated[Whole, Field(ge=1, le=1_000_000)] = 2048
    drain: Annotated[float, Field(ge=0, le=3600, strict=True)] = 5


class Token(BaseModel):
    """Registry tokens; `ttl` in seconds, which a registry may override."""

    model_config = SECTION

    ttl: Annotated[Whole, Field(ge=60, le=3600)] = 900
    algorithm: Literal["ES256", "RS256"] = "ES256"


class Keys(BaseModel):
    """Signing certificates: how long one lives, and whether a CA for other things will do."""

    model_config = SECTION

    leaf_days: Annotated[Whole, Field(ge=1, le=730)] = 30
    allow_shared_root: Flag = False


class Cache(BaseModel):
    """What is remembered, in seconds. A worker answers 503 when it read no news for 5 s."""

    model_config = SECTION

    credential_ttl: Annotated[Whole, Field(ge=0, le=3600)] = 60
    staleness: Annotated[float, Field(ge=0.1, le=5, strict=True)] = 1.0


class Redis(BaseModel):
    """Where several replicas count together; empty = each worker counts for itself."""

    model_config = SECTION

    url: RedisUrl = SecretStr("")


class Limits(BaseModel):
    """Limits as `N/[M]unit`; empty = off."""

    model_config = SECTION

    login_failures: Limit = "10/5minutes"
    address_failures: Limit = "100/5minutes"
    account_failures: Limit = "100/hour"
    anonymous_requests: Limit = "60000/minute"
    token_requests: Limit = ""


class Refresh(BaseModel):
    """Refresh tokens; lengths in seconds once parsed."""

    model_config = SECTION

    max_age: Duration = 90 * DAY
    idle: Duration = 30 * DAY
    per_user_and_registry: Annotated[Whole, Field(ge=1, le=10_000)] = 50


class SyslogSink(BaseModel):
    """A copy of every audit record to a syslog server over TCP or TLS."""

    model_config = SECTION

    type: Literal["syslog"]
    url: Annotated[str, url_of("tls", "tcp")]


class FileSink(BaseModel):
    """A copy of every audit record as a line of a file."""

    model_config = SECTION

    type: Literal["file"]
    path: FilePath


class Audit(BaseModel):
    """Audit records; `retention` in seconds and `max_bytes` in bytes once parsed."""

    model_config = SECTION

    durability: Literal["before-response", "async"] = "before-response"
    on_failure: Literal["refuse", "allow"] = "refuse"
    retention: Duration = 90 * DAY
    max_bytes: Size = None
    sinks: tuple[Annotated[SyslogSink | FileSink, Field(discriminator="type")], ...] = ()


class Settings(BaseModel):
    """All settings, immutable. `file` is the settings file they came from, None without one."""

    model_config = SECTION

    issuer: Annotated[str, Field(max_length=255, pattern=r"\A[^\x00-\x1f\x7f]+\z")] = "authsvc"
    public_url: WebUrl = "http://localhost:5001"
    database_url: DatabaseUrl = Field(
        default=SecretStr("sqlite:///data/authsvc.db"), validate_default=True
    )
    data_dir: FilePath = Field(default=Path("data"), validate_default=True)
    certs_dir: FilePath = Field(default=Path("certs"), validate_default=True)
    server: Server = Server()
    token: Token = Token()
    keys: Keys = Keys()
    sources: tuple[Source, ...] = ()
    cache: Cache = Cache()
    redis: Redis = Redis()
    limits: Limits = Limits()
    refresh: Refresh = Refresh()
    audit: Audit = Audit()
    file: Path | None = None

    @property
    def realm(self) -> str:
        """The address of the token realm, as registries name it in their challenge."""
        return f"{self.public_url}/token"

    def _shows_secrets(self) -> bool:
        """Whether the settings file is readable by all and holds a password itself."""
        if self.file is None or not self.file.is_file() or not self.file.stat().st_mode & 0o004:
            return False
        text = self.file.read_text(encoding="utf-8", errors="replace")
        return any(secret in text for secret in self._passwords() if secret)

    def _passwords(self) -> list[str]:
        addresses = (self.database_url, self.redis.url)
        found = [urlsplit(url.get_secret_value()).password or "" for url in addresses]
        ldap = [source for source in self.sources if isinstance(source, LdapSource)]
        return [*found, *(source.bind_password.get_secret_value() for source in ldap)]

    def warnings(self) -> tuple[str, ...]:
        """What is allowed but unwise; said at every start."""
        found = [
            f"sources.{source.name}.tls_verify is false: whoever is in the way reads passwords"
            for source in self.sources
            if isinstance(source, LdapSource) and not source.tls_verify
        ]
        if self._shows_secrets():
            found.append(f"{self.file} holds a password and everybody can read it: chmod 600")
        if _is_address(urlsplit(self.public_url).hostname or ""):
            found.append("public_url is a loopback address: newer clients refuse such a realm")
        return tuple(found)


def _is_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

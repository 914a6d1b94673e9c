"""Who was authenticated (Principal) and who makes a change (Actor)."""

from dataclasses import dataclass
from enum import StrEnum

LOCAL = "local"  # the source of database users; always there, always asked first


class Kind(StrEnum):
    """Kinds of actor, as audit records name them (contract section 7)."""

    USER = "user"
    ROBOT = "robot"
    ANONYMOUS = "anonymous"
    CLI = "cli"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody whose credentials were checked, or nobody (ANONYMOUS).

    An identity is (source, id, name): `id` is stable in its source, `name` is the stored name.
    `groups` are subjects that the source itself asserts, as `group:SOURCE:NAME`.
    """

    kind: Kind
    source: str
    name: str
    id: str
    groups: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The canonical subject text that grants are made to; empty for the anonymous."""
        if self.kind is Kind.USER:
            return f"user:{self.source}:{self.name}"
        return f"robot:{self.name}" if self.kind is Kind.ROBOT else ""

    @property
    def identity(self) -> str:
        """What stays through a change of name, and no later namesake has; '' for the anonymous."""
        return f"{self.kind}:{self.source}:{self.id}" if self.id else ""

    @property
    def claim(self) -> str:
        """The `sub` of a registry token: the stored name without its source."""
        return f"robot.{self.name}" if self.kind is Kind.ROBOT else self.name


ANONYMOUS = Principal(Kind.ANONYMOUS, "", "", "")


@dataclass(frozen=True, slots=True)
class Origin:
    """How somebody came in over the network: where from, and what they showed.

    `address` is the client's behind trusted proxies; `address_known` is False when an
    X-Forwarded-For came from a peer that is not trusted. `manages` is False for a secret that does
    not carry its owner's management rights.
    """

    address: str
    address_known: bool
    peer: str
    request_id: str
    user_agent: str | None = None
    credential_kind: str = "password"
    credential_id: str | None = None
    manages: bool = True


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, as its audit record names them.

    For `cli`, `name` is the system user and `source` the host: the command line acts as an
    administrator. `principal` and `origin` are set when the actor came in over the network; then
    what they may do is looked up in the change's own transaction.
    """

    kind: Kind
    source: str | None = None
    name: str | None = None
    id: str | None = None
    principal: Principal | None = None
    origin: Origin | None = None


SYSTEM = Actor(Kind.SYSTEM)

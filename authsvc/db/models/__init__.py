"""All tables, one short file per group. Nothing here computes; constraints are in the schema."""

from .audit import AuditKey, ChainProof, Change, ChangeHead, Checkpoint, Cursor, TokenRecord
from .base import Base, UTCDateTime
from .keys import Authority, Key
from .limits import KnownAddress
from .policy import Grant, Namespace, Registry, Role
from .secrets import Robot, Secret
from .service import Answer, Lease, SchemaVersion
from .subjects import Membership, Password, Subject

__all__ = [
    "Answer",
    "AuditKey",
    "Authority",
    "Base",
    "ChainProof",
    "Change",
    "ChangeHead",
    "Checkpoint",
    "Cursor",
    "Grant",
    "Key",
    "KnownAddress",
    "Lease",
    "Membership",
    "Namespace",
    "Password",
    "Registry",
    "Robot",
    "Role",
    "SchemaVersion",
    "Secret",
    "Subject",
    "TokenRecord",
    "UTCDateTime",
]

"""What limits keep beyond a restart."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base


class KnownAddress(Base):
    """An address from which an account signed in, last seen at `seen_at`, to the day.

    Both are as limits take them: the name folded, the address one of IPv4 or a /64 of IPv6.
    Bookkeeping: written beside the road of changes, and it decides about limits alone.
    """

    __tablename__ = "known_addresses"
    __table_args__ = (Index("ix_known_addresses_address", "address"),)

    account: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]

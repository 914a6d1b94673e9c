"""What personal access tokens look like, for the OpenAPI document (contract section 4)."""

from pydantic import Field

from .items import Id, Item


class PatItem(Item):
    """A personal access token: it stands for the password of its owner."""

    id: int = Id
    name: str = Field(description="Its label.")
    user: str = Field(description="Its owner: `alice`, or `SOURCE:alice`.")
    scopes: list[str] | None = Field(description="Null: not narrowed.")
    admin: bool = Field(description="Whether it carries its owner's management rights.")
    expires_at: str | None
    last_used_at: str | None = Field(description="Does not count for the entity tag.")


class PatWithSecret(PatItem):
    """A new personal access token."""

    secret: str = Field("", description="Shown this once; left out when a request is repeated.")
    advice: str = Field("", description="What to do for a secret that was not seen; else left out.")

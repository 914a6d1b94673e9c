"""The token realm in OpenAPI. The realm is no framework route, so its part is written here."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class TokenResponse(BaseModel):
    """A registry token (distribution: spec/auth/token; RFC 6749 section 5.1)."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(
        description="The signed JWT, for clients that follow the token specification."
    )
    access_token: str = Field(description="The same JWT, for OAuth2 clients.")
    expires_in: int = Field(ge=60, description="Seconds, counted from receipt.")
    scope: str = Field(description="What was granted, in scope grammar.")
    refresh_token: str | None = Field(
        None, description="Only when asked for and allowed; it does not rotate."
    )


class RegistryError(BaseModel):
    """One error as registry clients read it."""

    model_config = ConfigDict(extra="forbid")

    code: str
    message: str
    detail: Any = None


class TokenError(BaseModel):
    """The one error body: for Docker, for other registry clients and for OAuth2 clients at once."""

    model_config = ConfigDict(extra="forbid")

    details: str
    errors: list[RegistryError]
    error: str
    error_description: str


class TokenForm(BaseModel):
    """A token request as an OAuth2 form."""

    grant_type: Literal["password", "refresh_token"]
    service: str = Field(description="The registry, exactly as its challenge names it.")
    username: str | None = None
    password: str | None = None
    refresh_token: str | None = None
    scope: str | None = Field(None, description="Scopes, separated by blanks; may be repeated.")
    client_id: str | None = Field(None, description="Recorded; neither required nor an identity.")
    access_type: str | None = None


class TokenAlone(BaseModel):
    """What revocation (RFC 7009) and introspection (RFC 7662) are asked about."""

    token: str = Field(min_length=1)
    token_type_hint: str | None = Field(None, description="Looked at by nobody.")


class Introspection(BaseModel):
    """RFC 7662, section 2.2. A token that is not active has `active` and nothing else."""

    model_config = ConfigDict(extra="forbid")

    active: bool
    sub: str | None = None
    username: str | None = None
    aud: str | None = Field(None, description="The registry that it is for.")
    iss: str | None = None
    iat: int | None = None
    exp: int | None = Field(None, description="By age, or by idleness when that comes first.")
    token_type: Literal["refresh_token"] | None = None


EXAMPLE = {
    "grant_type": "password",
    "service": "registry.example:5000",
    "username": "alice",
    "password": "four lakes and a bridge",
    "scope": "repository:team/app:pull,push",
    "client_id": "docker",
}
TOKEN_EXAMPLE = {"token": "asv_ref_0000000000000000000000000000012Zy9PA"}
STATUSES = {
    "400": "The request does not parse, asks for too much, names a service not served here, or "
    "shows a refresh token that is not valid there.",
    "401": "Credentials are missing or wrong.",
    "405": "Another method than those named here.",
    "413": "The form is larger than 256 KiB.",
    "415": "A body of another type, or a compressed one.",
    "429": "Too many attempts; Retry-After says when to come back.",
    "503": "A dependency did not answer; Retry-After says when to come back.",
}
QUERY = (
    ("service", True, "The registry, exactly as its challenge names it."),
    ("scope", False, "`type:name:actions`; may be repeated, and hold several divided by blanks."),
    ("client_id", False, "Recorded; neither required nor an identity."),
    ("offline_token", False, "`true` asks for a refresh token, where the registry allows it."),
    ("account", False, "Ignored: identity comes from the credentials alone."),
)


def paths() -> dict[str, Any]:
    """The `paths` member for GET and POST of the realm."""
    form = {"schema": _ref("TokenForm"), "example": EXAMPLE}
    content = {"application/x-www-form-urlencoded": form}
    get = {
        "summary": "A registry token by the distribution token specification",
        "parameters": [_parameter(*row) for row in QUERY],
        "security": [{"basic": []}, {}],
        "responses": _responses(),
    }
    post = {
        "summary": "A registry token by OAuth2",
        "requestBody": {"required": True, "content": content},
        "security": [{}],
        "responses": _responses(),
    }
    revoke = _managing("Revoke a refresh token (RFC 7009)", {"description": "It is not valid."})
    introspect = _managing(
        "Whether a refresh token is active (RFC 7662)",
        _answer("Of tokens of others, and of anything else: inactive.", "Introspection"),
    )
    return {
        "/token": {"get": get, "post": post},
        "/token/revoke": {"post": revoke},
        "/token/introspect": {"post": introspect},
    }


def _managing(summary: str, done: dict[str, Any]) -> dict[str, Any]:
    form = {"schema": _ref("TokenAlone"), "example": TOKEN_EXAMPLE}
    return {
        "summary": summary,
        "description": "For the owner of the token, and for administrators.",
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": form}},
        "security": [{"basic": []}],
        "responses": _responses() | {"200": done},
    }


def schemas() -> dict[str, Any]:
    """The models above as OpenAPI components."""
    template = "#/components/schemas/{model}"
    models = (
        TokenResponse, RegistryError, TokenError, TokenForm, TokenAlone, Introspection
    )  # fmt: skip
    found = {}
    for model in models:
        schema = model.model_json_schema(ref_template=template)
        schema.pop("$defs", None)
        found[model.__name__] = schema
    return found


def _parameter(name: str, required: bool, description: str) -> dict[str, Any]:  # noqa: FBT001
    return {
        "name": name, "in": "query", "required": required, "description": description,
        "schema": {"type": "string"},
    }  # fmt: skip


def _responses() -> dict[str, Any]:
    answers = {"200": _answer("The token.", "TokenResponse")}
    return answers | {code: _answer(text, "TokenError") for code, text in STATUSES.items()}


def _answer(description: str, model: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": _ref(model)}},
    }


def _ref(model: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model}"}

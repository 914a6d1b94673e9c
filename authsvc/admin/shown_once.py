"""Secrets in answers: shown to the request that made one, and kept nowhere.

What is kept of a request with an Idempotency-Key is what its edit gave, and no edit is ever given
a secret: only what is stored of it.
"""

import os
from collections.abc import Callable
from typing import Any

from authsvc.changes.unit_of_work import Outcome, Transaction
from authsvc.protocol import secrets

from .call import Call, Reply
from .preconditions import etag

Item = dict[str, Any]
MakesOne = Callable[[Transaction, bytes], Outcome[Item]]
"""An edit that is given the digest of a new secret."""


async def minted(call: Call, kind: secrets.Kind, edit: MakesOne) -> tuple[Item, str | None]:
    """What an edit with a new secret gave, and the secret.

    The secret is None when the request came before: then another one was made for it.
    """
    secret = secrets.mint(kind, os.urandom)
    digest, done = secrets.digest(secret), []

    def noted(tx: Transaction) -> Outcome[Item]:
        outcome = edit(tx, digest)
        done.append(True)
        return outcome

    item = await call.change(noted)
    return item, secret if done else None


def reply(item: Item, secret: str | None, advice: str, *, path: str = "") -> Reply:
    """The item with its secret, or with advice on how to come by another.

    With the `path` of a new item it is 201, unless the request came before.
    """
    shown = {"advice": advice} if secret is None else {"secret": secret}
    headers = {"ETag": etag(item), **({"Location": path} if path else {})}
    return Reply({**item, **shown}, 201 if path and secret else 200, headers=headers)

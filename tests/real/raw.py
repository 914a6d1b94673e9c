"""The plain HTTP client under the interface of the real ones, once by GET and once by POST."""

from pathlib import Path
from typing import ClassVar

from real.clients import Done
from real.image import Image
from real.service import Account
from real.wire import By, Reply, Wire


class RawGet:
    """Asks for tokens by GET with Basic."""

    name: ClassVar[str] = "raw GET"
    needs_root: ClassVar[bool] = False
    by: ClassVar[By] = "GET"

    def __init__(self, home: Path, registry: str) -> None:
        self._wire = Wire(registry, by=self.by)

    def move_to(self, registry: str) -> None:
        self._wire = Wire(registry, by=self.by)

    def sign_in(self, account: Account | None) -> None:
        self._wire = Wire(self._wire.host, account, self.by)

    def login(self, account: Account) -> Done:
        self.sign_in(account)
        return _done(self._wire.send("GET", "/v2/"))

    def push(self, repository: str, image: Image) -> Done:
        return _done(self._wire.push(repository, image))

    def pull(self, repository: str) -> Done:
        return _done(self._wire.manifest(repository))

    def delete(self, repository: str, image: Image) -> Done:
        return _done(self._wire.delete(repository, image))

    def catalog(self) -> Done:
        return _done(self._wire.send("GET", "/v2/_catalog"))


class RawPost(RawGet):
    """Asks by POST with the password grant, as helm's login and containerd do."""

    name: ClassVar[str] = "raw POST"
    by: ClassVar[By] = "POST"


def _done(answer: Reply) -> Done:
    status = 0 if 200 <= answer.status < 300 else answer.status
    return Done(status, f"{answer.status} {answer.body.decode(errors='replace')}")

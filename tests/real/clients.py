"""Real registry clients, each with a home, an auth file and a store of its own."""

import base64
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from real.image import Image
from real.process import BUILT, program
from real.service import Account

# Every client words a refusal in its own way; any other failure would be a fault of the test.
_REFUSALS = (
    "denied", "unauthorized", "authentication required", "authorization failed",
    "invalid username/password", "401",
)  # fmt: skip


@dataclass(frozen=True)
class Done:
    """How a client ended."""

    status: int
    text: str

    @property
    def ok(self) -> bool:
        return self.status == 0

    @property
    def refused(self) -> bool:
        """It failed, and says that the registry or the token service would not have it."""
        return not self.ok and any(words in self.text.lower() for words in _REFUSALS)


class Client:
    """A client program. `registry` is the `host:port` that stands in front of an image's name.

    What a program cannot do is no method of its class; tests ask for those that can.
    """

    name: ClassVar[str]
    needs_root: ClassVar[bool] = False

    def __init__(self, home: Path, registry: str) -> None:
        self.home = home
        self.registry = registry
        self.auth = home / "config.json"
        self.program = program(self.name)

    def run(self, *arguments: str | Path, stdin: str = "") -> Done:
        done = subprocess.run(
            [self.program, *arguments],
            input=stdin, capture_output=True, text=True, check=False, timeout=200, env=self._env(),
        )  # fmt: skip
        return Done(done.returncode, done.stdout + done.stderr)

    def sign_in(self, account: Account | None) -> None:
        """Writes the auth file that a login leaves; for nobody, one without an entry."""
        auths = {}
        if account:
            pair = base64.b64encode(f"{account.name}:{account.password}".encode()).decode()
            auths[self.registry] = {"auth": pair}
        self.auth.write_text(json.dumps({"auths": auths}))

    def hold(self, token: str) -> None:
        """Writes the auth file that a login leaves where the registry gives refresh tokens."""
        entry = {"auth": base64.b64encode(b"wendy:").decode(), "identitytoken": token}
        self.auth.write_text(json.dumps({"auths": {self.registry: entry}}))

    def move_to(self, registry: str) -> None:
        """Speaks to another `host:port` from now on; sign in again afterwards."""
        self.registry = registry

    def at(self, repository: str, tag: str = "v1") -> str:
        return f"{self.registry}/{repository}:{tag}"

    def _env(self) -> dict[str, str]:
        path = os.pathsep.join([str(BUILT), os.environ["PATH"], "/usr/sbin"])
        home = str(self.home)
        return {"PATH": path, "HOME": home, "DOCKER_CONFIG": home, "XDG_RUNTIME_DIR": home}


class Docker(Client):
    """The command alone: its login needs no daemon, all else does."""

    name = "docker"

    def login(self, account: Account) -> Done:
        return self.run(
            "login", "-u", account.name, "--password-stdin", self.registry, stdin=account.password
        )


class Skopeo(Client):
    name = "skopeo"

    def login(self, account: Account) -> Done:
        return self._with_auth(
            "login", "--tls-verify=false", "-u", account.name, "-p", account.password, self.registry
        )

    def push(self, repository: str, image: Image) -> Done:
        return self._with_auth(
            "copy", "--dest-tls-verify=false", f"oci:{image.layout}:v1", self._remote(repository)
        )

    def pull(self, repository: str) -> Done:
        return self._with_auth(
            "copy", "--src-tls-verify=false", self._remote(repository), f"oci:{self.home}/pulled:v1"
        )

    def delete(self, repository: str, image: Image) -> Done:
        return self._with_auth("delete", "--tls-verify=false", self._remote(repository))

    def _remote(self, repository: str) -> str:
        return f"docker://{self.at(repository)}"

    def _with_auth(self, verb: str, *arguments: str) -> Done:
        return self.run(verb, "--authfile", self.auth, *arguments)


class Podman(Client):
    name = "podman"
    needs_root = True

    def login(self, account: Account) -> Done:
        return self._with_auth("login", "-u", account.name, "-p", account.password, self.registry)

    def push(self, repository: str, image: Image) -> Done:
        loaded = self.run(*self._store(), "pull", "-q", f"oci:{image.layout}:v1")
        if not loaded.ok:
            raise AssertionError(loaded.text)
        return self._with_auth("push", loaded.text.split()[-1], f"docker://{self.at(repository)}")

    def pull(self, repository: str) -> Done:
        return self._with_auth("pull", f"docker://{self.at(repository)}")

    def _with_auth(self, verb: str, *arguments: str) -> Done:
        return self.run(
            *self._store(), verb, "--authfile", self.auth, "--tls-verify=false", *arguments
        )

    def _store(self) -> list[str]:
        # podman takes a --runroot of 50 characters at most.
        return ["--root", f"{self.home}/root", "--runroot", f"{self.home}/r",
                "--storage-driver", "vfs"]  # fmt: skip


class Buildah(Podman):
    name = "buildah"


class Crane(Client):
    """Its login checks no password, so it has none here."""

    name = "crane"

    def push(self, repository: str, image: Image) -> Done:
        return self.run("push", image.layout, self.at(repository))

    def pull(self, repository: str) -> Done:
        return self.run("pull", self.at(repository), self.home / "pulled.tar")

    def delete(self, repository: str, image: Image) -> Done:
        return self.run("delete", f"{self.registry}/{repository}@{image.digest}")

    def mount(self, source: str, repository: str) -> Done:
        return self.run("copy", self.at(source), self.at(repository))

    def catalog(self) -> Done:
        return self.run("catalog", self.registry)


class Oras(Client):
    name = "oras"

    def login(self, account: Account) -> Done:
        return self.run(
            "login", "--plain-http", "-u", account.name, "--password-stdin", self.registry,
            stdin=account.password,
        )  # fmt: skip

    def push(self, repository: str, image: Image) -> Done:
        return self.run(
            "cp", "--from-oci-layout", f"{image.layout}:v1", "--to-plain-http", self.at(repository)
        )

    def pull(self, repository: str) -> Done:
        return self.run(
            "cp", "--from-plain-http", self.at(repository), "--to-oci-layout",
            f"{self.home}/pulled:v1",
        )  # fmt: skip

    def delete(self, repository: str, image: Image) -> Done:
        return self.run(
            "manifest", "delete", "--plain-http", "-f",
            f"{self.registry}/{repository}@{image.digest}",
        )  # fmt: skip

    def mount(self, source: str, repository: str) -> Done:
        return self.run(
            "cp", "--from-plain-http", "--to-plain-http", self.at(source), self.at(repository)
        )

    def catalog(self) -> Done:
        return self.run("repo", "ls", "--plain-http", self.registry)


class Regctl(Client):
    name = "regctl"

    def login(self, account: Account) -> Done:
        self._plain()
        return self.run(
            "registry", "login", self.registry, "-u", account.name, "--pass-stdin",
            stdin=account.password,
        )  # fmt: skip

    def sign_in(self, account: Account | None) -> None:
        super().sign_in(account)
        self._plain()

    def hold(self, token: str) -> None:
        super().hold(token)
        self._plain()

    def push(self, repository: str, image: Image) -> Done:
        return self.run("image", "copy", f"ocidir://{image.layout}:v1", self.at(repository))

    def pull(self, repository: str) -> Done:
        return self.run("image", "copy", self.at(repository), f"ocidir://{self.home}/pulled:v1")

    def delete(self, repository: str, image: Image) -> Done:
        return self.run("manifest", "delete", f"{self.registry}/{repository}@{image.digest}")

    def mount(self, source: str, repository: str) -> Done:
        return self.run("image", "copy", self.at(source), self.at(repository))

    def catalog(self) -> Done:
        return self.run("repo", "ls", self.registry)

    def _plain(self) -> None:
        self.run("registry", "set", "--skip-check", "--tls", "disabled", self.registry)


class Ctr(Client):
    """containerd's command: it asks for tokens by POST, and has no login."""

    name = "ctr"
    needs_root = True

    def __init__(self, home: Path, registry: str, socket: Path) -> None:
        super().__init__(home, registry)
        self._socket = socket
        self._user: list[str] = []

    def sign_in(self, account: Account | None) -> None:
        self._user = ["--user", f"{account.name}:{account.password}"] if account else []

    def hold(self, token: str) -> None:
        self._user = ["--refresh", token]

    def push(self, repository: str, image: Image) -> Done:
        imported = self._images("import", "--no-unpack", image.archive(self.at(repository)))
        if not imported.ok:
            raise AssertionError(imported.text)
        return self._images("push", "--plain-http", *self._user, self.at(repository))

    def pull(self, repository: str) -> Done:
        # Content that another test left behind would not be asked for.
        return self._images(
            "pull", "--plain-http", "--snapshotter", "native", *self._user, self.at(repository)
        )

    def mount(self, source: str, repository: str) -> Done:
        """A pull leaves a label that names the source; pushing under a new name then mounts."""
        for step in (
            self.pull(source),
            self._images("tag", self.at(source), self.at(repository)),
        ):
            if not step.ok:
                return step
        return self._images("push", "--plain-http", *self._user, self.at(repository))

    def _images(self, *arguments: str | Path) -> Done:
        return self.run("-a", self._socket, "-n", self.home.name, "images", *arguments)

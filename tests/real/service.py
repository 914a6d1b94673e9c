"""authsvc itself as a user runs it: `authsvc init`, commands, `authsvc serve`, in processes."""

import http.client
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from real.process import Proc, free_port

PROGRAM = Path(sys.executable).with_name("authsvc")


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in."""

    name: str
    password: str


ADMIN = Account("admin", "the admin of all the tests")


class Service:
    """One installation in a folder of its own; `serve` may be stopped, killed and started again."""

    def __init__(
        self, folder: Path, *, database_url: str = "", settings: str = "", program: Path = PROGRAM
    ) -> None:
        folder.mkdir()
        self.program = program
        self.folder = folder
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.process: Proc | None = None
        database = f'database_url = "{database_url}"\n' if database_url else ""
        (folder / "authsvc.toml").write_text(
            f'public_url = "{self.url}"\n{database}[server]\nport = {self.port}\ndrain = 0\n'
            + settings
        )

    def init(self, service: str) -> None:
        """Makes database, keys, the admin and the first registry."""
        password = self.folder / "admin-password"
        password.write_text(ADMIN.password)
        self.cli("init", "--service", service, "--admin-password-file", str(password))

    def cli(self, *arguments: str, stdin: str = "") -> str:
        """What a command prints; an exit status other than 0 is an error of the test."""
        done = subprocess.run(
            [self.program, "--config", "authsvc.toml", *arguments],
            cwd=self.folder, input=stdin, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        if done.returncode:
            said = f"{done.stdout}{done.stderr}"
            raise AssertionError(f"authsvc {' '.join(arguments)}: {done.returncode}\n{said}")
        return done.stdout

    def add_user(self, account: Account) -> None:
        self.cli("user", "add", account.name, "--password-stdin", stdin=account.password)

    def audit(self) -> list[dict[str, object]]:
        """All records, oldest first."""
        return [json.loads(line) for line in self.cli("audit", "export").splitlines()]

    def start(self, *, until: str = "/readyz") -> None:
        """Serves, and returns when the path `until` answers 200."""
        self.process = Proc(
            [self.program, "--config", "authsvc.toml", "serve"],
            log=self.folder / "serve.log",
            ready=lambda: self.probe(until) == 200,
            cwd=self.folder,
        )

    def stop(self) -> None:
        if self.process:
            self.process.stop()
            self.process = None

    def probe(self, path: str) -> int:
        """Status of a GET, 0 when nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

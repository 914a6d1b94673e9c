"""A real registry beside the service, shown step by step: run it with `make demo`.

Every step prints the command that a reader can type; one that ends otherwise than it should ends
the demo with status 1. All of it lives in a temporary folder and on free ports of loopback.
"""

import json
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from image import make_image

AUTHSVC = Path(sys.executable).with_name("authsvc")
ALICE, BOB = "alice's long password", "bob's long password"
STALENESS = 1.0  # seconds within which every worker sees a change (cache.staleness)


class Unexpected(Exception):
    """A step did not do what the demo shows; the text says what it did."""


class Demo:
    """The folder, the two servers, and a printed line for each step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://localhost:{_free_port()}"
        self.registry = f"localhost:{_free_port()}"
        (folder / "authsvc.toml").write_text(
            f'public_url = "{self.url}"\n[server]\nport = {_port(self.url)}\ndrain = 0\n'
        )
        make_image(folder / "image", "hello from the demo\n")

    def say(self, title: str) -> None:
        print(f"\n== {title}", flush=True)

    def run(self, *argv: str, stdin: str = "", fails: bool = False, show: bool = True) -> str:
        """Prints and runs a command; `fails` when the right thing is that it does."""
        print(f"   $ {shlex.join([Path(argv[0]).name, *argv[1:]])}", flush=True)
        done = subprocess.run(
            argv, cwd=self.folder, input=stdin, capture_output=True, text=True, check=False
        )
        if show or (done.returncode != 0) != fails:
            for line in f"{done.stdout}{done.stderr}".splitlines():
                print(f"     {line}")
        if (done.returncode != 0) != fails:
            raise Unexpected(f"status {done.returncode} from {argv[0]}")
        return done.stdout

    def authsvc(
        self, *arguments: str, stdin: str = "", fails: bool = False, show: bool = True
    ) -> str:
        return self.run(str(AUTHSVC), *arguments, stdin=stdin, fails=fails, show=show)

    def secret(self, *arguments: str) -> str:
        """The secret that a command shows."""
        shown = dict(line.split() for line in self.authsvc(*arguments).splitlines())
        return shown["secret"]

    def write(self, name: str, text: str) -> None:
        """Makes a file, and shows it."""
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        print(f"   {name}:")
        for line in text.splitlines():
            print(f"     {line}")

    def login(self, name: str, password: str, *, fails: bool = False) -> None:
        self.run(
            "skopeo", "login", "--tls-verify=false", "--authfile", f"{name}.json",
            "-u", name, "--password-stdin", self.registry, stdin=password, fails=fails,
        )  # fmt: skip

    def push(self, who: str, repository: str, *, fails: bool = False) -> None:
        self.run(
            "skopeo", "copy", "-q", "--dest-tls-verify=false", "--authfile", f"{who}.json",
            "oci:image:v1", f"docker://{self.registry}/{repository}:v1", fails=fails,
        )  # fmt: skip

    def pull(self, who: str, repository: str, *, fails: bool = False) -> None:
        credentials = ["--authfile", f"{who}.json"] if who else ["--src-no-creds"]
        self.run(
            "skopeo", "copy", "-q", "--src-tls-verify=false", *credentials,
            f"docker://{self.registry}/{repository}:v1", f"oci:pulled-{who or 'anybody'}:v1",
            fails=fails,
        )  # fmt: skip

    @contextmanager
    def serving(self, port: str, *argv: str) -> Iterator[None]:
        """Runs a server while the block runs, which begins when its port is open."""
        print(f"   $ {shlex.join([Path(argv[0]).name, *argv[1:]])} &", flush=True)
        log = self.folder / f"{Path(argv[0]).name}.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                argv, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            _wait(server, int(port), log)
            print(f"     answers on port {port}")
            yield
        finally:
            server.terminate()
            server.wait(20)


def play(demo: Demo, stack: ExitStack) -> None:
    """The whole story, top to bottom."""
    demo.say("Make an installation: database, keys, an admin, and the registry it gives tokens for")
    demo.authsvc("init", "--service", demo.registry)

    demo.say("Alice may write below team/, bob may read there; open/ is for everybody to pull")
    demo.authsvc("user", "add", "alice", "--password-stdin", stdin=ALICE, show=False)
    demo.authsvc("user", "add", "bob", "--password-stdin", stdin=BOB, show=False)
    demo.authsvc("namespace", "add", "open", "--visibility", "public", show=False)
    for name, role, path in (
        ("alice", "writer", "team"),
        ("alice", "writer", "open"),
        ("bob", "reader", "team"),
    ):
        demo.authsvc(
            "grant", "add", "--to", f"user:{name}", "--role", role, "--on", path, show=False
        )

    demo.say("Serve, and start a registry with the stanza that the service prints for it")
    stack.enter_context(demo.serving(_port(demo.url), str(AUTHSVC), "serve"))
    stanza = demo.authsvc(
        "registry", "config", demo.registry, "--registry-version", "2",
        "--bundle", str(demo.folder / "roots.pem"), "--write-bundle", "roots.pem",
    )  # fmt: skip
    (demo.folder / "registry.yml").write_text(
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {demo.folder}/store}}}}\n"
        f'http: {{addr: "{demo.registry}", secret: for-one-demo}}\n' + stanza
    )
    stack.enter_context(
        demo.serving(_port(demo.registry), "docker-registry", "serve", "registry.yml")
    )

    demo.say("Sign in: the right password opens, a wrong one does not")
    demo.login("alice", ALICE)
    demo.login("bob", BOB)
    demo.login("mallory", "alice's long password", fails=True)

    demo.say("Alice pushes, bob pulls")
    demo.push("alice", "team/app")
    demo.pull("bob", "team/app")

    demo.say("Bob may not push, and nobody pulls a private image without signing in")
    demo.push("bob", "team/app", fails=True)
    demo.pull("", "team/app", fails=True)

    demo.say("Anybody pulls what is public")
    demo.push("alice", "open/hello")
    demo.pull("", "open/hello")

    rotate_a_robot(demo)
    change_policy(demo)

    demo.say("Every one of these decisions was on disk before its token left")
    records = [
        json.loads(line) for line in demo.authsvc("audit", "export", show=False).splitlines()
    ]
    for record in (record for record in records if record["event"] == "token"):
        asked = " ".join(str(entry["entry"]) for entry in record["asked"] or []) or "sign in"
        who = record["actor"]["name"] or record["claimed"] or record["actor"]["kind"]
        print(f"     {record['time']}  {record['outcome']:8}  {who:10}  {asked}")


def rotate_a_robot(demo: Demo) -> None:
    """A machine gets a secret of its own, and a new one when that was stolen."""
    demo.say("A pipeline pushes as a robot of team/: its secret is shown this once")
    stolen = demo.secret("robot", "add", "ci", "--namespace", "team", "--role", "writer")
    demo.login("robot.ci", stolen)
    demo.push("robot.ci", "team/built")

    demo.say("The secret is stolen: it is rotated and nothing is kept, in force a second later")
    secret = demo.secret("robot", "rotate", "ci", "--keep-old", "0")
    time.sleep(STALENESS)
    demo.pull("robot.ci", "team/built", fails=True)
    demo.login("robot.ci", secret)
    demo.push("robot.ci", "team/built")


def change_policy(demo: Demo) -> None:
    """A right is taken away by a change of files, and a test beside them notices."""
    demo.say("The rights as files, and beside them what must hold")
    exported = demo.authsvc("policy", "export", show=False)
    demo.write("policies/rights.yaml", exported)
    demo.write(
        "policies/tests.yaml",
        f"tests:\n- alice can pull,push team/app on {demo.registry}\n"
        f"- bob can pull team/app on {demo.registry}\n",
    )
    demo.authsvc("policy", "test", "policies", "--prune")

    demo.say("A change takes bob's grant away: the plan names who loses what, and his test fails")
    demo.run("sed", "-i.before", "/user:local:bob/d", "policies/rights.yaml")
    (demo.folder / "policies" / "rights.yaml.before").unlink()
    demo.authsvc("policy", "plan", "policies", "--prune")
    demo.authsvc("policy", "apply", "policies", "--prune", fails=True)
    demo.pull("bob", "team/app")

    demo.say("It was meant, so the test changes too: applied as one, in force a second later")
    demo.run("sed", "-i.before", "s/bob can pull/bob cannot pull/", "policies/tests.yaml")
    (demo.folder / "policies" / "tests.yaml.before").unlink()
    demo.authsvc("policy", "apply", "policies", "--prune")
    time.sleep(STALENESS)
    demo.pull("bob", "team/app", fails=True)
    demo.pull("alice", "team/app")


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Unexpected(f"nothing listens on {port}:\n{log.read_text(errors='replace')}")


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Plays the demo and says how it went."""
    missing = [name for name in ("docker-registry", "skopeo") if shutil.which(name) is None]
    if missing:
        print(f"missing: {' '.join(missing)}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="authsvc-demo-") as folder, ExitStack() as stack:
        try:
            play(Demo(Path(folder)), stack)
        except Unexpected as fault:
            print(f"\nThis should not have happened: {fault}", file=sys.stderr)
            return 1
    print("\nAll went as it should.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

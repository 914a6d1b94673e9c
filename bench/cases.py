"""The cases, each on a service of its own made through the command line."""

import base64
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from load import Measured, best
from processes import authsvc, free_port, running

HERE = Path(__file__).parent
SERVICE = "registry.example"
PASSWORD = "correct horse battery staple"
LIMITS = (  # all of them on, and none ever reached
    "[limits]\n"
    'login_failures = "900000000/minute"\naddress_failures = "900000000/minute"\n'
    'account_failures = "900000000/minute"\nanonymous_requests = "900000000/minute"\n'
    'token_requests = "900000000/minute"\n'
)
ONE = "scope=repository:open/app:pull"
TEN = "&".join(f"scope=repository:open/app{n}:pull" for n in range(10))


def basic(name: str) -> str:
    """The value of an Authorization header; everybody has the same password here."""
    return "Basic " + base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()


BASIC = f"Authorization: {basic('alice')}"


@dataclass(frozen=True)
class Case:
    """What is asked, by whom, of which installation."""

    name: str
    query: str
    header: str = ""
    grants: int = 10
    durability: str = "before-response"


CASES = (
    Case("anonymous, one scope", ONE),
    Case("remembered htpasswd, one scope", ONE, BASIC),
    Case("remembered htpasswd, ten scopes", TEN, BASIC),
    Case("remembered htpasswd, 10,000 grants", ONE, BASIC, grants=10_000),
    Case("anonymous, one scope, audit async", ONE, durability="async"),
    Case("remembered htpasswd, audit async", ONE, BASIC, durability="async"),
)


def measured_cases(folder: Path, *, seconds: int, rounds: int) -> list[dict[str, Any]]:
    """Measure the baselines and every case; progress goes to standard error."""
    options = {"seconds": seconds, "rounds": rounds}
    signature = signature_cost()
    size = answer_size(folder)
    bare = bare_cost(folder, size, options)
    floor = bare.cost + signature
    rows = [
        {"case": f"(a) bare ASGI answer of {size} bytes", **asdict(bare)},
        {"case": "(b) one ES256 signature", "cost": signature},
        {"case": "L = (a) + (b)", "cost": floor, "ratio": 1.0},
    ]
    for case in CASES:
        found = measured(folder, case, options)
        rows.append({"case": case.name, **asdict(found), "ratio": found.cost / floor})
    return rows


def progress(text: str) -> None:
    """Say what is measured now."""
    print(text, file=sys.stderr, flush=True)


def signature_cost(rounds: int = 5, count: int = 5_000) -> float:
    """Microseconds of one ES256 signature with a loaded key: the least of several rounds."""
    progress("signature")
    key, algorithm = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256())
    best_round = float("inf")
    for _ in range(rounds):
        before = time.process_time()
        for _ in range(count):
            key.sign(b"x" * 600, algorithm)
        best_round = min(best_round, time.process_time() - before)
    return best_round / count * 1e6


def bare_cost(folder: Path, size: int, options: dict[str, int]) -> Measured:
    """The bare ASGI application under uvicorn with uvloop and httptools."""
    progress("bare ASGI")
    port = free_port()
    argv = [
        sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), "bare:app", "--port", str(port),
        "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}/"
    with running(argv, url, env={"SIZE": str(size)}, log=folder / "bare.log") as pid:
        return best(pid, url, **options)


def answer_size(folder: Path) -> int:
    """Bytes in the body of a one-scope answer."""
    with (
        service(folder / "size", Case("size", ONE)) as (_, url),
        urllib.request.urlopen(url) as got,
    ):
        return len(got.read())


def measured(folder: Path, case: Case, options: dict[str, int]) -> Measured:
    """One case, with the caller's password verified once before the clock starts."""
    progress(case.name)
    headers = (case.header,) if case.header else ()
    with service(folder / case.name.replace(" ", "-").replace(",", ""), case) as (pid, url):
        check_answer(url, case)
        return best(pid, url, headers=headers, **options)


def check_answer(url: str, case: Case) -> None:
    """The token grants all that was asked; anything else would be a benchmark of refusals."""
    request = urllib.request.Request(url)
    if case.header:
        request.add_header(*case.header.split(": ", 1))
    with urllib.request.urlopen(request) as answer:
        token = json.load(answer)["token"]
    claims = token.split(".")[1]
    granted = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["access"]
    assert len(granted) == case.query.count("scope="), granted


@contextmanager
def service(folder: Path, case: Case) -> Iterator[tuple[int, str]]:
    """An installation with the case's grants, running with one worker on SQLite."""
    folder.mkdir()
    port = free_port()
    env = settings(folder, port, case)
    authsvc("init", "--service", SERVICE, env=env)
    (folder / "policy.yaml").write_text(json.dumps(policy(case.grants)))
    authsvc("policy", "apply", str(folder / "policy.yaml"), env=env)
    argv = [sys.executable, "-m", "authsvc.cli", "serve"]
    url = f"http://127.0.0.1:{port}"
    with running(argv, f"{url}/readyz", env=env, log=folder / "log") as pid:
        yield pid, f"{url}/token?service={SERVICE}&{case.query}"


def settings(folder: Path, port: int, case: Case) -> dict[str, str]:
    """Settings by environment; the file source holds alice with bcrypt 10."""
    hashed = subprocess.run(
        ["htpasswd", "-nbBC", "10", "alice", PASSWORD], capture_output=True, text=True, check=True
    )
    (folder / "htpasswd").write_text(hashed.stdout.strip() + "\n")
    config = folder / "authsvc.toml"
    config.write_text(
        f'public_url = "http://localhost:{port}"\n'
        f"[server]\nport = {port}\n"
        f'[audit]\ndurability = "{case.durability}"\n{LIMITS}'
        '[[sources]]\ntype = "htpasswd"\nname = "file"\npath = "htpasswd"\n'
    )
    return settings_of(folder)


def settings_of(folder: Path) -> dict[str, str]:
    """The environment of an installation that `service` made there."""
    return {"AUTHSVC_CONFIG": str(folder / "authsvc.toml")}


def policy(grants: int) -> dict[str, Any]:
    """A public namespace, and that many grants of which alice holds ten."""
    own = [{"subject": "user:file:alice", "role": "writer", "on": f"own{n}"} for n in range(10)]
    others = [
        {"subject": f"user:file:u{n // 10}", "role": "writer", "on": f"team{n % 977}/p{n}"}
        for n in range(max(0, grants - 10))
    ]
    return {"namespaces": [{"name": "open", "visibility": "public"}], "grants": own + others}

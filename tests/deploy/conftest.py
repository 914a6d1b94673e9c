"""Two replicas on one PostgreSQL and one Redis, and a proxy in front of them that ends TLS."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from deploy.tls import Caller
from real.authority import Authority
from real.people import introduce
from real.process import free_port
from real.redis import RedisServer, running
from real.service import Service

from deploy import fronts

PROXY = "127.0.0.1/32"
SETTINGS = """\
public_url = "https://localhost:{front}"
database_url = "{database}"
certs_dir = "{folder}/replica0/certs"
data_dir = "{folder}/replica0/data"

[server]
port = {port}
drain = 5
trusted_proxies = ["{proxy}"]

[redis]
url = "{redis}"
"""


@dataclass
class Behind:
    """What a test is given: the way in, and what is behind it."""

    kind: str
    port: int
    replicas: list[Service]
    ca: Path

    @property
    def realm(self) -> str:
        return f"https://localhost:{self.port}/token"

    def caller(self, address: str = "127.0.0.1") -> Caller:
        """Somebody who comes from that address."""
        trusted = ssl.create_default_context(cafile=self.ca)
        return Caller(self.port, address, trusted)


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    with running() as server:
        yield server


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def behind(request, rt, postgres, redis) -> Iterator[Behind]:
    folder = rt / f"behind-{request.param}"
    folder.mkdir()
    redis.say("FLUSHALL")
    made = Behind(request.param, free_port(), [], folder / "ca.crt")
    database = postgres.url(postgres.make("template0"))
    begun = []
    try:
        for number in range(2):
            one = replica(folder, number, made.port, database=database, redis=redis.url)
            made.replicas.append(one)
            if number == 0:
                introduce(one)
            one.start()
        begun.append(fronted(folder, made))
        yield made
    finally:
        for each in (*begun, *made.replicas):
            each.stop()


def replica(folder: Path, number: int, front: int, **urls: str) -> Service:
    one = Service(folder / f"replica{number}")
    settings = SETTINGS.format(front=front, folder=folder, port=one.port, proxy=PROXY, **urls)
    (one.folder / "authsvc.toml").write_text(settings)
    return one


def fronted(folder: Path, made: Behind):
    """The proxy, with a certificate as each of the two wants it."""
    certificate, key = Authority(folder).server("fullchain", "localhost", "127.0.0.1")
    certificate.rename(folder / "fullchain.pem")
    key.rename(folder / "key.pem")
    both = (folder / "fullchain.pem").read_text() + (folder / "key.pem").read_text()
    (folder / "both.pem").write_text(both)
    return fronts.start(made.kind, folder, made.port, [one.port for one in made.replicas])

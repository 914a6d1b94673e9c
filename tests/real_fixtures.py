"""Fixtures that run the real thing: authsvc, registries of several versions, registry clients."""

import itertools
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from db_fixtures import Postgres
from real import fleet
from real.clients import Client, Ctr
from real.image import Image, make_image
from real.people import ONE, TWO, introduce
from real.process import RUNNING, Proc, program
from real.raw import RawGet
from real.registries import Registry, start_registry
from real.service import Service

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def rt() -> Iterator[Path]:
    """A short folder that other system users may enter.

    pytest's own is too long for unix sockets and podman, and closed to the user of PostgreSQL. Its
    name is one that an image may have: mkdtemp's may hold underscores where podman has none.
    """
    folder = Path(tempfile.gettempdir(), f"rt-{uuid.uuid4().hex[:8]}")
    folder.mkdir(mode=0o700)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(rt: Path) -> Path:
    """The path of a folder of this test alone, not yet made."""
    return rt / f"f{next(_NUMBERS)}"


class Once:
    """What is started by the first test that asks for it, and stopped after the last test of all.

    pytest ends a fixture with parameters whenever the parameter changes, and authsvc takes too
    long to set up for that.
    """

    def __init__(self, rt: Path, postgres: Postgres) -> None:
        self._rt = rt
        self._postgres = postgres
        self._services: dict[str, Service] = {}
        self._registries: dict[tuple[int, str, str], Registry] = {}

    def service(self, engine: str) -> Service:
        if engine not in self._services:
            server = self._postgres
            url = server.url(server.make("template0")) if engine == "postgresql" else ""
            made = self._services[engine] = Service(self._rt / engine, database_url=url)
            introduce(made)
            made.start()
        return self._services[engine]

    def registry(self, service: Service, version: str, name: str) -> Registry:
        key = (service.port, version, name)
        if key not in self._registries:
            folder = self._rt / f"registry-{next(_NUMBERS)}"
            self._registries[key] = start_registry(service, version, name, folder)
        return self._registries[key]

    def stop(self) -> None:
        for registry in self._registries.values():
            registry.process.stop()
        for service in self._services.values():
            service.stop()


@pytest.fixture(scope="session")
def once(rt: Path, postgres: Postgres) -> Iterator[Once]:
    kept = Once(rt, postgres)
    yield kept
    kept.stop()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, once: Once) -> Service:
    """A running authsvc that knows the people of real/people.py, made by its commands alone."""
    return once.service(request.param)


@pytest.fixture(scope="session", params=["2.8", "3.1", pytest.param("3.0", marks=pytest.mark.all)])
def registry(request: pytest.FixtureRequest, service: Service, once: Once) -> Registry:
    """The registry ONE."""
    return once.registry(service, request.param, ONE)


@pytest.fixture(scope="session")
def other_registry(registry: Registry, service: Service, once: Once) -> Registry:
    """The registry TWO, of the same version."""
    return once.registry(service, registry.version, TWO)


@pytest.fixture(scope="session")
def both_versions(service: Service, once: Once) -> tuple[Registry, Registry]:
    """The registry ONE twice, of version 2.8 and of version 3.1."""
    return once.registry(service, "2.8", ONE), once.registry(service, "3.1", ONE)


@pytest.fixture(scope="session")
def containerd(rt: Path) -> Iterator[Path]:
    """The socket of a running containerd."""
    home = rt / "containerd"
    home.mkdir()
    socket = home / "c.sock"
    (home / "config.toml").write_text(
        f'version = 2\nroot = "{home}/root"\nstate = "{home}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\naddress = "{socket}"\n'
        # Or content that one test left behind would not be asked for by the next.
        '[plugins."io.containerd.metadata.v1.bolt"]\ncontent_sharing_policy = "isolated"\n'
    )
    daemon = Proc(
        [program("containerd"), "-c", home / "config.toml"],
        log=home / "log",
        ready=socket.exists,
        env=os.environ | {"HOME": str(home)},
    )
    yield socket
    daemon.stop()


@pytest.fixture
def client(request: pytest.FixtureRequest, registry: Registry, folder: Path) -> Client | RawGet:
    """A client with a home of its own; the test names its kind by `fleet.able`."""
    folder.mkdir()
    kind = request.param
    if kind is Ctr:
        return Ctr(folder, registry.host, request.getfixturevalue("containerd"))
    return kind(folder, registry.host)


@pytest.fixture
def image(rt: Path) -> Image:
    return make_image(rt / f"i{next(_NUMBERS)}")


@pytest.fixture
def repository() -> str:
    """A repository of the private namespace that nobody has used."""
    return f"team/{uuid.uuid4().hex[:12]}"


@pytest.fixture
def public_repository() -> str:
    return f"open/{uuid.uuid4().hex[:12]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A failure shows the ends of the logs of all that runs."""
    report = yield
    if report.failed:
        report.sections += [(f"log of {child.name}", child.tail(30)) for child in RUNNING]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if line := fleet.summary():
        terminalreporter.write_line(line)

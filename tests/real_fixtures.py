"""Fixtures that run the real thing: authsvc, registries of several versions, registry clients."""

import itertools
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
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

    pytest's own is too long for unix sockets and podman, and closed to the user of PostgreSQL.
    """
    folder = Path(tempfile.mkdtemp(prefix="rt-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(rt: Path) -> Path:
    """The path of a folder of this test alone, not yet made."""
    return rt / f"f{next(_NUMBERS)}"


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, rt: Path) -> Iterator[Service]:
    """A running authsvc that knows the people of real/people.py, made by its commands alone."""
    url = ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.url(server.make("template0"))
    running = Service(rt / f"authsvc-{request.param}", database_url=url)
    introduce(running)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session", params=["2.8", "3.1", pytest.param("3.0", marks=pytest.mark.all)])
def registry(request: pytest.FixtureRequest, service: Service, rt: Path) -> Iterator[Registry]:
    """The registry ONE."""
    yield from _running(service, request.param, ONE, rt)


@pytest.fixture(scope="session")
def other_registry(registry: Registry, service: Service, rt: Path) -> Iterator[Registry]:
    """The registry TWO, of the same version."""
    yield from _running(service, registry.version, TWO, rt)


@pytest.fixture(scope="session")
def both_versions(service: Service, rt: Path) -> Iterator[tuple[Registry, Registry]]:
    """The registry ONE twice, of version 2.8 and of version 3.1."""
    started = [_start(service, version, ONE, rt) for version in ("2.8", "3.1")]
    yield started[0], started[1]
    for each in started:
        each.process.stop()


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


def _running(service: Service, version: str, name: str, rt: Path) -> Iterator[Registry]:
    started = _start(service, version, name, rt)
    yield started
    started.process.stop()


def _start(service: Service, version: str, name: str, rt: Path) -> Registry:
    return start_registry(service, version, name, rt / f"registry-{next(_NUMBERS)}")

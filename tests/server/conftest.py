"""A served tiny application for each test that asks for one, in a process of its own."""

import json
import os
import ssl
import subprocess
import sys

import pytest
import served


@pytest.fixture
def serve(tmp_path):
    """Starts the tiny application with these settings of [server] and bounds."""
    running = []

    def start(*, bounds=None, ready=True, environ=None, public_url=None, **server):
        port = server.setdefault("port", served.free_port())
        plan = {"server": {"drain": 0, **server}, "bounds": bounds or {}}
        if public_url:
            plan["public_url"] = public_url
        log = tmp_path / f"{port}-{len(running)}.log"
        environment = {
            **os.environ,
            "TMPDIR": str(tmp_path),
            "PYTHONPATH": str(served.HERE),
            **(environ or {}),
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, str(served.HERE / "tiny.py"), json.dumps(plan)],
                stdout=output, stderr=output, env=environment,
            )  # fmt: skip
        running.append(process)
        found = served.Served(port, process, log)
        if ready:
            served.until(lambda: process.poll() is not None or served.listens(port))
            assert process.poll() is None, log.read_text()
        return found

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture
def unverified():
    """A TLS client that takes any certificate: tests compare it themselves."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.fixture
def pki(tmp_path):
    return served.Pki(tmp_path)

import pytest
from audit.forwards import forwarded, wait_until, written
from real.authority import Authority
from syslog_receiver import Receiver, server_context

from authsvc.audit.sinks.syslog import SyslogSink

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def receiving(authority, *hosts):
    return Receiver(server_context(*authority.server("siem", *hosts)))


def test_a_server_that_the_store_vouches_for_gets_all(database, authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    receiver = receiving(authority, "localhost")
    written(database, 1_000)
    with forwarded(database, SyslogSink("syslog", f"tls://localhost:{receiver.port}")):
        wait_until(lambda: len(receiver.records) == 1_000)
        receiver.kill()
        written(database, 10, writer="writer-2")
        receiver.start()
        wait_until(lambda: len({each["id"] for each in receiver.records}) == 1_010)
    receiver.kill()


@pytest.mark.parametrize(
    ("trusted", "host"),
    [
        pytest.param(False, "localhost", id="an authority that nobody knows"),
        pytest.param(True, "siem.example", id="another name"),
    ],
)
def test_any_other_gets_nothing(sqlite_url, authority, monkeypatch, capsys, trusted, host):
    from authsvc.db.engine import Database

    monkeypatch.setattr("authsvc.audit.forwarder.LATE", 0.3)
    database = Database(sqlite_url)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    receiver = receiving(authority, host)
    written(database, 5)
    url = f"tls://localhost:{receiver.port}"
    with forwarded(database, SyslogSink("syslog", url)) as forwarding:
        wait_until(lambda: forwarding.states["sink syslog"]() == "degraded")
        wait_until(lambda: len(receiver.faults) > 2)
    receiver.kill()
    database.dispose()
    assert receiver.records == []
    said = [line for line in capsys.readouterr().err.splitlines() if "takes no records" in line]
    assert len(said) == 1
    assert "certificate" in said[0].lower()

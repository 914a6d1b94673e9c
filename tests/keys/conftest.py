"""An installation of keys: a folder, a database and a clock that stands."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from authsvc.changes import registries
from authsvc.changes.key_maker import KeyMaker
from authsvc.changes.unit_of_work import UnitOfWork
from authsvc.clock import FrozenClock
from authsvc.db.engine import Database
from authsvc.keys import rows
from authsvc.keys.certificates import Issuer, chain_pem, key_pem
from authsvc.keys.keyring import Keyring
from authsvc.keys.store import Folder
from authsvc.principal import SYSTEM
from authsvc.settings import Settings

DAY = 86400.0
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC).timestamp()
STALENESS = 1.0


@dataclass
class Installation:
    """What one replica works with; `path` is its certs_dir."""

    database: Database
    clock: FrozenClock
    path: Path
    settings: Settings

    def __post_init__(self):
        self.unit_of_work = UnitOfWork(self.database, self.clock, lambda: None)
        self.folder = Folder(self.path)
        self.maker = KeyMaker(self.settings, self.database, self.unit_of_work, self.clock)
        self.keyring = Keyring(self.database, self.folder, self.clock, STALENESS)

    def replica(self, path, **settings):
        """Another process on the same database, with a folder of its own."""
        return Installation(self.database, self.clock, path, settings_for(path, **settings))

    def again(self, **settings):
        """A new process on the same folder, with other settings."""
        return Installation(
            self.database, self.clock, self.path, settings_for(self.path, **settings)
        )

    def init(self, **options):
        return self.maker.initialise(SYSTEM, **options)

    def rotate(self, **options):
        return self.maker.rotate(SYSTEM, **options)

    def add_registry(self, name, **members):
        spec = registries.RegistrySpec(name=name, **members)
        return self.unit_of_work.run(SYSTEM, lambda tx: registries.add(tx, spec))

    def keys(self):
        """All keys as items, the newest first."""
        with self.database.read() as session:
            return rows.items(session)

    def states(self):
        return [item["state"] for item in self.keys()]

    def pinned(self):
        with self.database.read() as session:
            return {n: kid for kid, names in rows.pinned(session).items() for n in names}

    def signer(self, ttl=900, *, refresh=True):
        if refresh:
            self.keyring.refresh()
        return self.keyring.signer("x5c", None, self.clock.now(), ttl)

    def libtrust(self, kid):
        self.keyring.refresh()
        return self.keyring.signer("libtrust", kid, self.clock.now(), 900)

    def leaf_path(self, kid):
        return self.path / f"leaf-{kid}.pem"


def settings_for(path, *, algorithm="ES256", leaf_days=30, shared=False, tls_cert=None):
    return Settings.model_validate(
        {
            "certs_dir": path,
            "token": {"algorithm": algorithm},
            "keys": {"leaf_days": leaf_days, "allow_shared_root": shared},
            "server": {"tls_cert": tls_cert, "tls_key": tls_cert},
        }
    )


@pytest.fixture
def installation(database, tmp_path):
    """On both engines; nothing is initialised yet."""
    path = tmp_path / "certs"
    return Installation(database, FrozenClock(NOW), path, settings_for(path))


@pytest.fixture
def on_sqlite(sqlite_url, tmp_path):
    """On the embedded database, for tests to which the engine makes no difference."""
    database = Database(sqlite_url)
    path = tmp_path / "certs"
    yield Installation(database, FrozenClock(NOW), path, settings_for(path))
    database.dispose()


class Authority:
    """A CA that somebody else made, in any shape; issues certificates of any shape."""

    def __init__(self, name, *, path_length=0, above=None, ca=True, key=None, days=3000):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.above = above
        issuer = above or self
        self.certificate = _certificate(
            name,
            name if above is None else above.certificate.subject,
            self.key.public_key(),
            issuer.key,
            days,
            x509.BasicConstraints(ca=ca, path_length=path_length if ca else None),
        )

    def issue(self, name="a leaf", *, key=None, days=90, start=NOW):
        """A key and its certificate."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        basic = x509.BasicConstraints(ca=False, path_length=None)
        subject = self.certificate.subject
        made = _certificate(name, subject, key.public_key(), self.key, days, basic, start)
        return key, made

    @property
    def chain(self):
        """From this CA up to the root."""
        return (self.certificate, *(self.above.chain if self.above else ()))

    def put(self, path, *, key=True):
        """Place ca.crt, and ca.key when `key`."""
        Folder(path).write_issuer(Issuer(self.chain, self.key if key else None))

    def put_leaf(self, path, name="bought.pem", **options):
        """Place a leaf file, with the chain up to but not including the root."""
        key, made = self.issue(**options)
        folder = Folder(path)
        folder.prepare()
        folder.write(name, key_pem(key) + chain_pem((made, *self.chain[:-1])))
        return key


def _certificate(name, issuer, public, signing_key, days, basic, start=NOW):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = subject if isinstance(issuer, str) else issuer
    begin = dt.datetime.fromtimestamp(start, dt.UTC) - dt.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=days + 1))
        .add_extension(basic, critical=True)
        .sign(signing_key, hashes.SHA256())
    )


@pytest.fixture
def authority():
    """The class, so that tests need not import this file."""
    return Authority

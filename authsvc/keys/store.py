"""The files of certs_dir, the one secret folder that every replica holds.

`ca.crt` (the CA, and those above it up to the root), `ca.key` (absent when the CA is offline),
one `*.pem` per leaf with key and chain together, `secret.key` (keyed hashes), `audit.key` (signs
checkpoints over the audit log; older ones may stay beside it as `audit-NAME.key`).
"""

import contextlib
import fcntl
import itertools
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from authsvc.audit.proofs import key_id, pem, read_public
from authsvc.errors import Conflict, Invalid, InvalidSettings

from .certificates import Issuer, chain_pem, fingerprint, key_pem, read_chain, read_key, signed
from .leaves import Leaf, file_bytes, file_name

CA_CERTIFICATE = "ca.crt"
CA_KEY = "ca.key"
SECRET = "secret.key"  # noqa: S105 - the name of a file
AUDIT_KEY = "audit.key"
LOCK = ".lock"
_SECRET_BYTES = 32
_LARGEST = 1 << 20


Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Content:
    """A file as it was read; `stamp` changes whenever the file does."""

    stamp: Stamp
    data: bytes


@dataclass(frozen=True, slots=True)
class Folder:
    """certs_dir. Reading never makes anything; every write is whole or not at all."""

    path: Path

    def issuer(self) -> Issuer | None:
        """The CA, None when there is none here.

        Raises InvalidSettings when its files cannot be used as they are.
        """
        certificate, key = self.path / CA_CERTIFICATE, self.path / CA_KEY
        try:
            if not certificate.exists():
                return None
            chain = read_chain(certificate.read_bytes())
            private = read_key(read_private(key).data) if key.exists() else None
        except (Invalid, OSError) as fault:
            raise _unusable(certificate, fault) from None
        if private is not None and private.public_key() != chain[0].public_key():
            raise _unusable(key, Invalid("is not the key of the first certificate in ca.crt"))
        if not all(signed(c, above) for c, above in itertools.pairwise(chain)):
            raise _unusable(certificate, Invalid("is no chain: each must be signed by the next"))
        return Issuer(chain, private)

    def leaf_files(self) -> list[Path]:
        """The files that hold a leaf, by name."""
        return sorted(p for p in self.path.glob("*.pem") if not p.name.startswith("."))

    def write_issuer(self, issuer: Issuer) -> None:
        """Put a CA in the place of the one before.

        Without `ca.crt` there is no CA, so it goes first and comes last: what is cut short in
        between is begun anew by the next `init`.
        """
        self.prepare()
        (self.path / CA_CERTIFICATE).unlink(missing_ok=True)
        if issuer.key is not None:
            self.write(CA_KEY, key_pem(issuer.key))
        self.write(CA_CERTIFICATE, chain_pem(issuer.chain))

    def write_leaf(self, leaf: Leaf) -> Path:
        """Keep a leaf in a file of its own."""
        self.write(file_name(leaf), file_bytes(key_pem(leaf.key), leaf))
        return self.path / file_name(leaf)

    def secret(self) -> bytes:
        """The key of keyed hashes. Raises InvalidSettings when it is missing or unusable."""
        path = self.path / SECRET
        try:
            text = read_private(path).data
            found = bytes.fromhex(text.decode("ascii").strip())
        except FileNotFoundError:
            raise InvalidSettings(
                f"{path} is missing", advice="run: authsvc init, or copy a running replica's folder"
            ) from None
        except (Invalid, OSError) as fault:
            raise _unusable(path, fault) from None
        except ValueError:
            raise _unusable(path, Invalid("is not hexadecimal")) from None
        if len(found) < _SECRET_BYTES:
            raise _unusable(path, Invalid("is too short"))
        return found

    def ensure_secret(self) -> None:
        """Make `secret.key` when there is none."""
        self.prepare()
        if not (self.path / SECRET).exists():
            self.write(SECRET, secrets.token_hex(_SECRET_BYTES).encode() + b"\n")

    def audit_key_files(self) -> list[Path]:
        """The files of the keys that sign checkpoints: the current one first, if it is there."""
        current = self.path / AUDIT_KEY
        older = sorted(self.path.glob("audit-*.key"))
        return [*([current] if current.exists() else []), *older]

    def audit_keys(self) -> tuple[Ed25519PrivateKey, ...]:
        """The keys that sign checkpoints, the current one first; none without `audit.key`.

        Raises InvalidSettings for a file that cannot be used.
        """
        return self.all_audit_keys() if (self.path / AUDIT_KEY).exists() else ()

    def all_audit_keys(self) -> tuple[Ed25519PrivateKey, ...]:
        """The same, and the older ones also where there is no current one."""
        return tuple(_audit_key(path) for path in self.audit_key_files())

    def former_audit_keys(self) -> tuple[Ed25519PublicKey, ...]:
        """The public halves of keys that were replaced because others may have them.

        Raises InvalidSettings for a file that holds none.
        """
        found = []
        for path in sorted(self.path.glob("audit-*.pub")):
            try:
                found.append(read_public(path.read_text("ascii")))
            except (ValueError, OSError, UnsupportedAlgorithm) as fault:
                raise _unusable(path, Invalid(f"is no public key ({fault})")) from None
        return tuple(found)

    def retire_audit_keys(self) -> None:
        """Keep nothing of the keys that sign checkpoints but their public halves."""
        for path in self.audit_key_files():
            public = _audit_key(path).public_key()
            self.write(f"audit-{key_id(public)[:8]}.pub", pem(public).encode())
            path.unlink()

    def write_audit_key(self) -> None:
        """Make `audit.key`, in the place of one that is there."""
        key = Ed25519PrivateKey.generate()
        self.write(AUDIT_KEY, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def prepare(self) -> None:
        """Make the folder itself when it is missing, for its owner's eyes alone."""
        if not self.path.exists():
            self.path.mkdir(mode=0o700, parents=True)
            _give_to_owner(self.path, self.path.parent)

    def write(self, name: str, data: bytes) -> None:
        """Write a private file: whole on the disk under another name first, then renamed."""
        temporary = self.path / f".{name}.{secrets.token_hex(4)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _give_to_owner(temporary, self.path)
            temporary.replace(self.path / name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(self.path)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder against other processes that would make keys in it; waits."""
        self.prepare()
        descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _give_to_owner(self.path / LOCK, self.path)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _audit_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(read_private(path).data, None)
    except (Invalid, OSError) as fault:
        raise _unusable(path, fault) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unusable(path, Invalid("is no private key in PEM without a password")) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, Invalid("is no Ed25519 key"))
    return key


def stamp_of(status: os.stat_result) -> Stamp:
    """What changes whenever a file does, its mode included."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def read_private(path: Path) -> Content:
    """A file with a private key or secret.

    Raises OSError, and Invalid with the fix when anybody but its owner can read it.
    """
    # Without waiting: opening a pipe would wait for somebody who writes into it, for ever.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Invalid("is no regular file")
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Invalid("others can read it", advice=f"run: chmod 600 {path}")
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise Invalid("is larger than any key")
    return Content(stamp_of(status), data)


def check_readers(folder: Folder) -> None:
    """Refuse a folder with a private file that others can read (threat PX-12).

    Raises InvalidSettings that names every such file with its fix.
    """
    if folder.path.exists() and folder.path.stat().st_mode & stat.S_IWOTH:
        fix = f"run: chmod 700 {folder.path}"
        raise InvalidSettings(f"{folder.path}: everybody may put keys into it", advice=fix)
    names = [
        folder.path / CA_KEY, folder.path / SECRET,
        *folder.audit_key_files(), *folder.leaf_files(),
    ]  # fmt: skip
    open_ = [p for p in names if p.exists() and p.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    if open_:
        fix = "run: chmod 600 " + " ".join(str(p) for p in open_)
        raise InvalidSettings(
            f"{open_[0]}: others can read this private file",
            advice=fix,
            faults=[(str(p), f"others can read it; run: chmod 600 {p}") for p in open_],
        )


def check_against(folder: Folder, known: str | None) -> None:
    """Stop where the database knows a CA (`known`, its fingerprint) that the folder lacks.

    Raises Conflict: a second CA beside the first would make tokens that registries refuse.
    """
    issuer = folder.issuer()
    if known is None or (issuer is not None and fingerprint(issuer.root) == known):
        return
    lacks = "holds another CA than the one that" if issuer else "lacks the CA that"
    raise Conflict(
        f"{folder.path} {lacks} the database knows ({known[:16]}…)",
        advice="copy the folder of a running replica, or replace the CA in every registry: "
        "authsvc init --new-ca",
    )


def _unusable(path: Path, fault: Exception) -> InvalidSettings:
    text = fault.message if isinstance(fault, Invalid) else getattr(fault, "strerror", str(fault))
    advice = fault.advice if isinstance(fault, Invalid) else ""
    return InvalidSettings(f"{path}: {text}", advice=advice, faults=[(str(path), str(fault))])


def _give_to_owner(path: Path, like: Path) -> None:
    """What root makes belongs to the owner of its folder (contract section 3)."""
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

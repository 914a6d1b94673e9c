"""TLS of the listener: 1.2 or newer, and a renewed certificate without a restart."""

import ssl
import stat
from pathlib import Path

from cryptography import x509

from authsvc import logs
from authsvc.clock import Clock
from authsvc.errors import InvalidSettings

# RFC 9325, 4.2: forward secrecy and authenticated encryption only; TLS 1.3 has nothing else.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
SOON = 14 * 86400  # seconds before a certificate's end at which we begin to say so

_log = logs.get(__name__)


class Certificates:
    """The certificate of the listener, as its files were last found right."""

    def __init__(self, certificate: Path, key: Path, clock: Clock) -> None:
        """Read the files. Raises InvalidSettings when they cannot be used."""
        self._certificate = certificate
        self._key = key
        self._clock = clock
        self._seen = self._stamp()
        try:
            self.context = self._load()
        except (OSError, ValueError) as error:
            raise InvalidSettings(
                f"server.tls_cert {certificate} with server.tls_key {key}: {_why(error)}",
                advice="name a certificate chain and its key, both PEM and readable by this user",
            ) from None

        if key.stat().st_mode & stat.S_IROTH:
            _log.warning("everybody can read the TLS key", path=str(key), fix=f"chmod o-rwx {key}")

    def renew(self) -> None:
        """Take over changed files; broken or half-written ones leave the old in use."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self.context = self._load()
        except (OSError, ValueError) as error:
            _log.warning("the renewed TLS certificate cannot be used", why=_why(error))
        else:
            _log.info("the TLS certificate was renewed")

    def _stamp(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(self._certificate), _stamp(self._key)]

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CIPHERS)
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_SINGLE_ECDH_USE
        context.set_alpn_protocols(["http/1.1"])
        # A key with a password would ask on the terminal; the service has none.
        context.load_cert_chain(self._certificate, self._key, password=_no_password)
        self._warn(x509.load_pem_x509_certificates(self._certificate.read_bytes())[0])
        return context

    def _warn(self, certificate: x509.Certificate) -> None:
        left = certificate.not_valid_after_utc.timestamp() - self._clock.now()
        end = certificate.not_valid_after_utc.isoformat()
        if left <= 0:
            _log.warning("the TLS certificate has expired: clients refuse it", end=end)
        elif left < SOON:
            _log.warning("the TLS certificate ends soon", end=end)


def _no_password() -> bytes:
    return b""


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error)

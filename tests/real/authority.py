"""A CA of the tests' own, and the server certificates it signs."""

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_NO_CA = x509.BasicConstraints(ca=False, path_length=None)
_CA = x509.BasicConstraints(ca=True, path_length=0)


class Authority:
    """`ca` is the file that its clients trust."""

    def __init__(self, folder: Path, name: str = "Test CA") -> None:
        self.folder = folder
        self._name = _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.ca = folder / "ca.crt"
        self.ca.write_bytes(_pem(self._signed(self._name, self._key.public_key(), _CA, [], 90)))

    def server(self, file: str, *hosts: str, days: int = 90) -> tuple[Path, Path]:
        """Certificate and key of a server of these names and addresses, valid for so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._signed(_named(file), key.public_key(), _NO_CA, hosts, days)
        certificate, private = self.folder / f"{file}.crt", self.folder / f"{file}.key"
        certificate.write_bytes(_pem(made))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, private

    def _signed(self, subject, public_key, constraints, hosts, days) -> x509.Certificate:
        end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - dt.timedelta(days=400))
            .not_valid_after(end)
            .add_extension(constraints, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(authority, critical=False)
        )
        if constraints.ca:
            builder = builder.add_extension(_SIGNS, critical=True)
        else:
            names = x509.SubjectAlternativeName([_general(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())


_SIGNS = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False,
    data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
    encipher_only=False, decipher_only=False,
)  # fmt: skip


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)

"""TLS to a directory, with certificates and names checked by the standard library.

ldap3's own checking is off by default, and on Python 3.12 and later it is a copy of an old one that
refuses addresses in certificates and accepts what the standard library refuses.
"""

import ssl
from typing import Any

from ldap3 import Tls

from authsvc.identity.ldap.timed_socket import Left, TimedSocket, in_pieces
from authsvc.settings.sources import LdapSource


def context_of(settings: LdapSource) -> ssl.SSLContext:
    """A context of this source's own; TLS 1.2 at least. Raises OSError (ssl.SSLError is one)."""
    context = ssl.create_default_context(cafile=settings.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not settings.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class HostTls(Tls):
    """What ldap3 wraps a socket with: `context`, for the server that the settings call `host`.

    `left` bounds the handshake.
    """

    def __init__(self, context: ssl.SSLContext, host: str, left: Left) -> None:
        super().__init__(validate=context.verify_mode)
        self._context = context
        self._host = host
        self._left = left

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - ldap3's signature
        """Raises OSError: the handshake failed, or the certificate is not good for this host."""
        plain = connection.socket
        timed = isinstance(plain, TimedSocket)
        wrapped = self._context.wrap_socket(
            plain.inner if timed else plain,
            server_hostname=self._host,
            do_handshake_on_connect=False,
        )
        try:
            in_pieces(wrapped, self._left, wrapped.do_handshake)
        except BaseException:
            wrapped.close()
            raise
        connection.socket = plain.around(wrapped) if timed else wrapped

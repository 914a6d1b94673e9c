"""What must hold before `serve` signs and before `init` makes anything more."""

from authsvc.errors import Conflict
from authsvc.settings import Settings

from . import roots
from .certificates import Issuer
from .store import CA_CERTIFICATE, Folder, check_against, check_readers


def check(settings: Settings, known: str | None) -> None:
    """Stop where certs_dir cannot be used as it is; `known` is the CA that the database knows.

    Raises InvalidSettings for a private file that others can read or a CA that is shared, and
    Conflict when the folder lacks the CA, or nothing was initialised.
    """
    check_folder(settings)
    if known is None:
        raise Conflict("there is no CA for registry tokens yet", advice="run: authsvc init")
    check_against(Folder(settings.certs_dir), known)


def check_folder(settings: Settings) -> None:
    """What can be said of certs_dir without the database. Raises InvalidSettings."""
    folder = Folder(settings.certs_dir)
    check_readers(folder)
    issuer = folder.issuer()
    if issuer is not None:
        check_root(settings, issuer)


def check_root(settings: Settings, issuer: Issuer) -> None:
    """Refuse a CA that also issues for others, unless the settings accept it."""
    if not settings.keys.allow_shared_root:
        place = settings.certs_dir / CA_CERTIFICATE
        roots.check(issuer, place=place, tls_cert=settings.server.tls_cert)

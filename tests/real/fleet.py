"""Which clients there are, which of them this machine has, and which can do what."""

import os

import pytest
from real.clients import Buildah, Client, Crane, Ctr, Docker, Oras, Podman, Regctl, Skopeo
from real.process import find
from real.raw import RawGet, RawPost

_ALL: tuple[type[Client | RawGet], ...] = (
    RawGet, RawPost, Docker, Skopeo, Podman, Buildah, Ctr, Crane, Oras, Regctl,
)  # fmt: skip


def able(verb: str, *kinds: type[Client | RawGet]) -> pytest.MarkDecorator:
    """Runs a test once for every client (of these kinds, if any) that has the method `verb`."""
    chosen = [kind for kind in kinds or _ALL if hasattr(kind, verb) and not left_out(kind)]
    return pytest.mark.parametrize(
        "client", [pytest.param(kind, id=kind.name) for kind in chosen], indirect=True
    )


def left_out(kind: type[Client | RawGet]) -> str:
    """Why there are no cases of this client here; empty when there are.

    Only the docker command is optional: it is in no package of its own that Debian 12 has.
    """
    if kind is Docker and find(kind.name) is None:
        return "not on this machine"
    if kind.needs_root and os.geteuid() != 0:
        return "needs root"
    return ""


def summary() -> str:
    """One line about the clients without cases, empty when there are none."""
    missing = [f"{kind.name} ({left_out(kind)})" for kind in _ALL if left_out(kind)]
    return f"registry clients left out: {', '.join(missing)}" if missing else ""

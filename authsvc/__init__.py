"""authsvc: the token authorization service for Docker and OCI registries."""

__version__ = "0.1.0"

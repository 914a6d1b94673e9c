"""authsvc: the token authorization service for Docker and OCI registries."""

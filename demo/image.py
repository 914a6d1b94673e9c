"""A tiny image in an OCI layout, made from nothing, so that the demo needs no network."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

_OCI = "application/vnd.oci.image"


def make_image(layout: Path, text: str) -> None:
    """Writes an image of one layer with one file, `hello`, under the tag `v1`."""
    (layout / "blobs" / "sha256").mkdir(parents=True)
    content = _tar("hello", text.encode())
    layer = _store(layout, f"{_OCI}.layer.v1.tar+gzip", gzip.compress(content))
    config = _store(
        layout,
        f"{_OCI}.config.v1+json",
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [_digest(content)]},
        },
    )
    media_type = f"{_OCI}.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [layer]}
    entry = _store(layout, media_type, manifest)
    entry["annotations"] = {"org.opencontainers.image.ref.name": "v1"}
    index = {"schemaVersion": 2, "manifests": [entry]}
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (layout / "index.json").write_text(json.dumps(index))


def _store(layout: Path, media_type: str, blob: bytes | dict[str, object]) -> dict[str, object]:
    """Stores a blob and gives its descriptor."""
    data = blob if isinstance(blob, bytes) else json.dumps(blob).encode()
    algorithm, name = _digest(data).split(":")
    (layout / "blobs" / algorithm / name).write_bytes(data)
    return {"mediaType": media_type, "digest": f"{algorithm}:{name}", "size": len(data)}


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _tar(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()

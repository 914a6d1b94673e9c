"""OCI image layouts made from nothing, so that no test needs a network or somebody's image."""

import gzip
import hashlib
import io
import json
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Image:
    """An image of one layer in an OCI layout, under the tag `v1`."""

    layout: Path
    digest: str
    manifest: bytes
    config: bytes
    layer: bytes

    def archive(self, reference: str) -> Path:
        """The layout as a tar file that containerd imports under `reference`."""
        index = json.loads((self.layout / "index.json").read_text())
        index["manifests"][0]["annotations"]["io.containerd.image.name"] = reference
        path = self.layout.with_suffix(".tar")
        with tarfile.open(path, "w") as tar:
            for member in ("oci-layout", "blobs"):
                tar.add(self.layout / member, member)
            _add(tar, "index.json", json.dumps(index).encode())
        return path


def make_image(layout: Path, *, size: int = 1000) -> Image:
    """A new image that no registry has seen: its only file holds `size` random bytes."""
    content = _tar("random", os.urandom(size))
    layer = gzip.compress(content)
    config = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(content)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
        }
    )
    _write_layout(layout, manifest, (manifest, config, layer))
    return Image(layout, digest(manifest), manifest, config, layer)


def digest(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()


def _write_layout(layout: Path, manifest: bytes, blobs: tuple[bytes, ...]) -> None:
    folder = layout / "blobs" / "sha256"
    folder.mkdir(parents=True)
    for blob in blobs:
        (folder / digest(blob).removeprefix("sha256:")).write_bytes(blob)
    named = {"annotations": {"org.opencontainers.image.ref.name": "v1"}}
    entry = _descriptor(_MANIFEST, manifest) | named
    (layout / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    (layout / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [entry]}))


def _descriptor(media_type: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(blob), "size": len(blob)}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _tar(name: str, blob: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        _add(tar, name, blob)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, blob: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(blob)
    tar.addfile(info, io.BytesIO(blob))

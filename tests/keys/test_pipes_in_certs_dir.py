"""A pipe among the key files is named and left alone; nothing waits for it."""

import os

import pytest

from authsvc.errors import Invalid
from authsvc.keys.store import read_private
from authsvc.settings.secret_files import read


def test_a_pipe_is_no_key(tmp_path):
    path = tmp_path / "x.pem"
    os.mkfifo(path, 0o600)
    with pytest.raises(Invalid, match="no regular file"):
        read_private(path)


def test_a_pipe_is_no_secret(tmp_path):
    path = tmp_path / "secret"
    os.mkfifo(path, 0o600)
    with pytest.raises(ValueError, match="no regular file"):
        read(path)

"""A real pgbouncer in transaction pooling before a PostgreSQL: statements share few sessions."""

import os
import shutil
from pathlib import Path

from db_fixtures import Postgres
from real.process import Proc, free_port, listens, program

SESSIONS = 3  # of PostgreSQL, far fewer than the connections of one worker


class Pgbouncer:
    """Listens on `port`; every database of the server is there under its own name."""

    def __init__(self, folder: Path, server: Postgres) -> None:
        folder.mkdir()
        self.port = free_port()
        config = folder / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host=127.0.0.1 port={server.port} user=postgres\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\n"
            "unix_socket_dir =\nauth_type = any\npool_mode = transaction\n"
            f"default_pool_size = {SESSIONS}\nmax_db_connections = {SESSIONS}\n"
            "max_client_conn = 200\nserver_reset_query =\n"
        )
        user = None
        if os.geteuid() == 0:  # it refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
            user = "postgres"
        self.process = Proc(
            [program("pgbouncer"), config], log=folder / "log", user=user,
            ready=lambda: listens(self.port),
        )  # fmt: skip

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        self.process.stop()

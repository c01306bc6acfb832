"""PgBouncer in front of a PostgreSQL, in transaction mode, with fewer connections than clients."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.ports import held_port
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["pooling"]

_CONFIGURATION = """
[databases]
* = {target}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
server_reset_query_always = 1
server_reset_query = DISCARD ALL
"""


@contextmanager
def pooling(url: str, folder: Path) -> Iterator[str]:
    """Give the URL of a PgBouncer before a server; skips where Debian's package is missing."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname])[-1]
    user = parts.username or "postgres"
    target = f"host={host} port={parts.port or 5432} user={user}"
    file = folder / "pgbouncer.ini"
    command = [program, str(file)]
    if os.geteuid() == 0:  # it refuses to run as root, and only the server's user sees its socket
        command = [program, "--user", "embedded_postgres", str(file)]
    with held_port() as port:
        file.write_text(_CONFIGURATION.format(target=target, port=port))
        with Program(command) as running:
            running.listens(port)
            yield f"postgresql://{user}@127.0.0.1:{port}{parts.path}"

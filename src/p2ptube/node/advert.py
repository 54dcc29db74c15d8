"""D/node.json, by which other commands of the same user find the running node."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..errors import StorageError
from .views import Ports


def write_node_json(path: Path, *, token: str, peer_id: str, ports: Ports) -> None:
    """Write the file with mode 0600, since it holds the token. Raises StorageError."""
    content = {
        "api": f"http://127.0.0.1:{ports.web}/api/v1",
        "token": token,
        "peer_id": peer_id,
        "ports": {
            "overlay": ports.overlay,
            "swarm": ports.swarm,
            "web": ports.web,
            "public": ports.public,
        },
    }
    aside = path.with_suffix(".new")
    try:
        aside.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(aside, flags, 0o600), "w") as out:
            json.dump(content, out)
        aside.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error

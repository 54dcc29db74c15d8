"""D/node.json, by which other commands of the same user find the running node."""

from __future__ import annotations

import json
from pathlib import Path

from .private_file import write_private
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
    write_private(path, json.dumps(content))

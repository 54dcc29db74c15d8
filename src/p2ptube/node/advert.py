"""D/node.json, by which other commands of the same user find the running node."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from ..library import Library
from .private_file import write_private
from .views import Ports

TOKEN_SETTING = "api-token"  # noqa: S105  the name of a setting


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


async def api_token(library: Library) -> str:
    """The token of the API, made at the first start. Raises StorageError."""
    # Kept over restarts, so that an open page stays signed in.
    token: str | None = await library.get_setting(TOKEN_SETTING)
    if token is None:
        token = secrets.token_urlsafe(32)
        await library.put_setting(TOKEN_SETTING, token)
    return token

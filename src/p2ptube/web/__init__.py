"""The HTTP shells of the node: the user's own interface, and what strangers may see."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent / "static"  # what the build makes of webui/

"""Peer-to-Peer Tube: share, search and watch videos with no video server."""

from importlib.metadata import version

__version__ = version("p2ptube")

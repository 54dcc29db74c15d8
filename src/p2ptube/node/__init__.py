"""The composition root: a node, and its six verbs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .node import Node

__all__ = ["Node"]


def __getattr__(name: str) -> Any:
    # A worker process needs one function of this package, and would load all of the node with it.
    if name == "Node":
        from .node import Node

        return Node
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

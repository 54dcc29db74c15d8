"""The composition root: a node, and its six verbs."""

from .node import Node

__all__ = ["Node"]

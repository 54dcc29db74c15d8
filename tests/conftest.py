"""Settings of the whole test run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests.nodes import Start, nodes

# How long an example takes says more of the machine's other work than of the code.
settings.register_profile("p2ptube", deadline=None)
settings.load_profile("p2ptube")

# Hundreds of processes run the program: it is compiled once, and not by each of them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts nodes, which end with the test."""
    with nodes() as starter:
        yield starter

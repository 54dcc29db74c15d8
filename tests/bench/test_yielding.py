"""A real node yields its uplink, which the laboratory makes a narrow one, to a flow beside it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest
from bench.lab.bound import Link, Visit
from bench.lab.clients.ours import Ours
from bench.lab.films import Film
from bench.lab.node import LabNode
from bench.lab.run import on
from bench.lab.trial import Plan, stage
from bench.neighbour import Sink, flow
from tests.bench.test_lab import namespaces_work
from tests.clips import make_clip

SECONDS = 60
NARROW, WIDE = Link(2, 40), Link(40, 40)  # Mbit/s
LINE = 250_000  # bytes/s of the narrow uplink
LOOK_SECONDS = 0.1


def test_uploads_yield_to_a_flow_beside_them(tmp_path: Path) -> None:
    if not namespaces_work():
        pytest.skip("needs root, network namespaces and tbf")
    path = make_clip(tmp_path / "film.mp4", seconds=8, bit_rate=4_000_000, faststart=True)
    film = Film.of(path)
    plan = Plan((NARROW,), (Visit(WIDE),))
    with stage(Ours, plan, film.path, film.seconds, tmp_path / "run") as on_stage:
        seed, viewer = on_stage.origins[0], on_stage.viewers[0]
        assert isinstance(seed, Ours)
        with contextlib.closing(Sink(viewer.host)) as sink:
            on(viewer.host, lambda: viewer.click(watching=False))
            with flow(seed.host, sink):
                on(seed.host, lambda: wait_until_it_yields(seed.node))
                assert sink.received > 0


def wait_until_it_yields(node: LabNode) -> None:
    """Wait until the node limits its uploads to clearly less than the line."""
    end = time.monotonic() + SECONDS
    with node.api() as api:
        while not 0 < (now := api.get("node").json())["yielding_limit"] < 0.75 * LINE:
            assert time.monotonic() < end, now
            time.sleep(LOOK_SECONDS)
        assert now["upload_limit"] == 0

"""The tracker's routes of the web server: what it counts, and requests of unusual form."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..tracker.tracker import TrackerStats
from .exchange import as_json
from .tracker_door import packed
from .tracker_server import Load, TrackerServer

_BENCODED = {"cache-control": "no-store"}


class TrackerRoutes:
    """Translates between HTTP and a tracker."""

    def __init__(
        self, server: TrackerServer, client: Callable[[Request], str] | None = None
    ) -> None:
        """`client` gives the IP address that a request comes from; else its connection does."""
        self._server = server
        self._client = client or _connected_from
        self._registry = CollectorRegistry()
        self._registry.register(_Metrics(server))

    def routes(self) -> list[BaseRoute]:
        """The routes, relative to `/`."""
        return [
            Route("/announce", self.announce, methods=["GET"]),
            Route("/scrape", self.scrape, methods=["GET"]),
            Route("/stats", self.stats, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
        ]

    async def announce(self, request: Request) -> Response:
        """`GET /announce` (BEP 3), where the fast path left it to us."""
        source = packed(self._client(request))
        query: bytes = request.scope["query_string"]
        answer = self._server.tracker.announce_http(query, source, self._server.clock())
        return Response(answer, headers=_BENCODED, media_type="text/plain")

    async def scrape(self, request: Request) -> Response:
        """`GET /scrape` (BEP 48)."""
        query: bytes = request.scope["query_string"]
        answer = self._server.tracker.scrape_http(query, self._server.clock())
        return Response(answer, headers=_BENCODED, media_type="text/plain")

    async def stats(self, _: Request) -> Response:
        """`GET /stats`: what the tracker has and did, as JSON."""
        stats, load = _counts(self._server)
        both = {**msgspec.structs.asdict(stats), **msgspec.structs.asdict(load)}
        return as_json(both, headers=_BENCODED)

    async def metrics(self, _: Request) -> Response:
        """`GET /metrics`: the same for Prometheus."""
        text = generate_latest(self._registry)
        return Response(text, headers=_BENCODED, media_type=CONTENT_TYPE_LATEST)


class _Metrics(Collector):
    def __init__(self, server: TrackerServer) -> None:
        self._server = server

    def collect(self) -> Iterable[Metric]:
        stats, load = _counts(self._server)
        gauges = {
            "swarms": (stats.swarms, "Swarms with a peer"),
            "connections": (load.connections, "TCP connections that are no WebSocket"),
            "websockets": (load.websockets, "WebSockets"),
        }
        for name, (value, text) in gauges.items():
            yield GaugeMetricFamily(f"p2ptube_tracker_{name}", text, value)
        peers = GaugeMetricFamily("p2ptube_tracker_peers", "Peers", labels=["kind"])
        peers.add_metric(["address"], stats.peers - stats.webrtc_peers)
        peers.add_metric(["webrtc"], stats.webrtc_peers)
        yield peers
        announces = CounterMetricFamily(
            "p2ptube_tracker_announces", "Announces that were answered", labels=["transport"]
        )
        announces.add_metric(["http"], stats.announces_http)
        announces.add_metric(["udp"], stats.announces_udp)
        announces.add_metric(["websocket"], stats.announces_websocket)
        yield announces
        counters = {
            "scrapes": (stats.scrapes, "Scrapes that were answered"),
            "refused": (stats.refused, "Requests that were answered with an error"),
            "offers": (stats.offers, "WebRTC offers that were handed on"),
            "answers": (stats.answers, "WebRTC answers that were handed on"),
            "answers_refused": (stats.answers_refused, "WebRTC answers to no offer"),
        }
        for name, (value, text) in counters.items():
            yield CounterMetricFamily(f"p2ptube_tracker_{name}", text, value)


def _counts(server: TrackerServer) -> tuple[TrackerStats, Load]:
    return server.tracker.stats(server.clock()), server.load()


def _connected_from(request: Request) -> str:
    return request.client.host if request.client else ""

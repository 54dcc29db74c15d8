"""`/api/v1`: the node, its peers, its events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from sse_starlette import ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..node import Node
from .exchange import as_json, event_stream, read_json, server_sent_event, until


class PeerAddress(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST peers`."""

    address: str


class Rebuild(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST peers/rebuild`: from where (known peers if None), how many hops far."""

    address: str | None = None
    hops: int | None = None


class NodeRoutes:
    """Translates between HTTP and the node. `stopping` ends the open event streams."""

    def __init__(self, node: Node, stopping: asyncio.Event) -> None:
        self._node = node
        self._stopping = stopping

    def routes(self) -> list[Route]:
        """The routes, relative to `/api/v1`."""
        return [
            Route("/node", self.node, methods=["GET"]),
            Route("/events", self.events, methods=["GET"]),
            Route("/settings", self.settings, methods=["GET"]),
            Route("/settings", self.change_settings, methods=["PATCH"]),
            Route("/trackers", self.trackers, methods=["GET"]),
            Route("/peers", self.peers, methods=["GET"]),
            Route("/peers", self.add_peer, methods=["POST"]),
            Route("/peers/graph", self.peer_graph, methods=["GET"]),
            Route("/peers/refresh", self.refresh_peers, methods=["POST"]),
            Route("/peers/rebuild", self.rebuild_peers, methods=["POST"]),
            Route("/peers/{id}", self.remove_peer, methods=["DELETE"]),
        ]

    async def node(self, _: Request) -> Response:
        """`GET node`."""
        return as_json(self._node.view())

    async def peers(self, _: Request) -> Response:
        """`GET peers`."""
        return as_json(self._node.peers())

    async def settings(self, _: Request) -> Response:
        """`GET settings`."""
        return as_json(self._node.settings())

    async def change_settings(self, request: Request) -> Response:
        """`PATCH settings` with some of the settings: how they are now."""
        return as_json(await self._node.change_settings(await read_json(request, dict[str, Any])))

    async def trackers(self, _: Request) -> Response:
        """`GET trackers`: how each stands."""
        return as_json(self._node.trackers())

    async def peer_graph(self, _: Request) -> Response:
        """`GET peers/graph`: who knows whom."""
        return as_json(await self._node.peer_graph())

    async def add_peer(self, request: Request) -> Response:
        """`POST peers`: 201 with the peer."""
        body = await read_json(request, PeerAddress)
        return as_json(await self._node.add_peer(body.address), 201)

    async def remove_peer(self, request: Request) -> Response:
        """`DELETE peers/ID`: 204."""
        await self._node.remove_peer(request.path_params["id"])
        return Response(status_code=204)

    async def refresh_peers(self, _: Request) -> Response:
        """`POST peers/refresh`: the peers that are left."""
        return as_json(await self._node.refresh_peers())

    async def rebuild_peers(self, request: Request) -> Response:
        """`POST peers/rebuild`: the peers found."""
        body = await read_json(request, Rebuild)
        return as_json(await self._node.rebuild_peers(body.address, body.hops))

    async def events(self, _: Request) -> Response:
        """`GET events`: an event `ready` once subscribed, then one per change, named by kind."""

        async def stream() -> AsyncIterator[ServerSentEvent]:
            yield server_sent_event("ready", {})
            async for event in until(self._node.events(), self._stopping):
                yield server_sent_event(event.kind, event.data)

        return event_stream(stream())

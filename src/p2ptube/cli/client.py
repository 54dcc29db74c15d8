"""The HTTP client of a node: of the running one of a data directory, else of one of our own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from ..errors import NoHolder, NotFound, P2PTubeError, PeerUnreachable
from ..web.guards import capability
from .command import Command

ANSWER_SECONDS = 120.0  # joining or resolving asks other peers, which may be slow
PROBE_SECONDS = 3.0

Json = Any  # what json.loads gives


class Api:
    """Calls `/api/v1` of a node. Whatever fails is raised as P2PTubeError, in one line."""

    def __init__(self, origin: str, token: str, *, owned: bool) -> None:
        """`origin` is `http://127.0.0.1:PORT`; `owned`: the node ends with this command."""
        self.origin = origin.rstrip("/")
        self.owned = owned
        self._token = token
        self._http = httpx.AsyncClient(
            base_url=f"{self.origin}/api/v1/",
            headers={"authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=PROBE_SECONDS),
            trust_env=False,  # a proxy has no business between us and our own machine
        )

    async def __aenter__(self) -> Api:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    def stream_url(self, video_id: str) -> str:
        """The URL that any player can open."""
        return f"{self.origin}/stream/{video_id}?token={capability(self._token, video_id)}"

    def captions_url(self, video_id: str, language: str) -> str:
        """The URL of a video's captions that any player can open."""
        key = capability(self._token, video_id)
        return f"{self.origin}/captions/{video_id}/{segment(language)}?token={key}"

    def page_url(self, video_id: str) -> str:
        """The page that plays the video."""
        return f"{self.origin}/#/watch/{video_id}"

    async def get(self, path: str) -> Json:
        """GET; `path` is relative to the prefix."""
        return await self._call("GET", path)

    async def post(self, path: str, body: Mapping[str, object] | None = None) -> Json:
        """POST with a JSON body."""
        return await self._call("POST", path, body or {})

    async def patch(self, path: str, body: Mapping[str, object]) -> Json:
        """PATCH with a JSON body."""
        return await self._call("PATCH", path, body)

    async def delete(self, path: str) -> Json:
        """DELETE; None where there is nothing to say."""
        return await self._call("DELETE", path)

    async def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Json:
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise self._gone(error) from error
        if answer.is_error:
            raise _problem(answer)
        return answer.json() if answer.content else None

    @contextlib.asynccontextmanager
    async def events(
        self, path: str = "events", params: Mapping[str, str] | None = None
    ) -> AsyncIterator[AsyncIterator[tuple[str, Json]]]:
        """Open a stream of server-sent events: pairs of name and data; `("", None)` keeps alive."""
        try:
            async with self._http.stream(
                "GET", path, params=params, headers={"accept": "text/event-stream"}
            ) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise _problem(answer)
                yield parse_events(answer.aiter_bytes())
        except httpx.HTTPError as error:
            raise self._gone(error) from error

    def _gone(self, error: httpx.HTTPError) -> PeerUnreachable:
        return PeerUnreachable(f"the node at {self.origin} does not answer: {error or 'timeout'}")


async def parse_events(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, Json]]:
    """Parse server-sent events whose data is JSON.

    Split at LF only: `str.splitlines` would also split at U+2028 and others inside the JSON.
    """
    rest, name, data = b"", "", b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for raw in lines:
            line = raw.removesuffix(b"\r")
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if line.startswith(b":"):
                yield "", None
            elif field == b"event":
                name = value.decode()
            elif field == b"data":
                data += value
            elif not line and data:
                yield name, json.loads(data)
                name, data = "", b""


def segment(text: str) -> str:
    """Quote a part of a path."""
    return quote(text, safe="")


def _problem(answer: httpx.Response) -> P2PTubeError:
    try:
        document = answer.json()
        text = document.get("detail") or document["title"]
    except (ValueError, KeyError, AttributeError):
        text = f"the node answered {answer.status_code} {answer.reason_phrase}"
    kinds: dict[int, type[P2PTubeError]] = {kind.status: kind for kind in (NoHolder, NotFound)}
    return kinds.get(answer.status_code, P2PTubeError)(str(text))


async def find_running(data_dir: Path) -> Api | None:
    """The API of the data directory's running node, or None.

    node.json may be left over from a crash, and its port may belong to somebody else by now: only
    who answers to its token is our node.
    """
    try:
        known = json.loads((data_dir / "node.json").read_bytes())
        parts = urlsplit(known["api"])
        origin, token = f"http://{parts.netloc}", str(known["token"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    api = Api(origin, token, owned=False)
    try:
        answer = await api._http.get("node", timeout=PROBE_SECONDS)
        if answer.status_code == httpx.codes.OK and "peer_id" in answer.json():
            return api
    except httpx.TimeoutException as error:
        await api.__aexit__(None, None, None)
        raise PeerUnreachable(f"the node at {origin} is running but does not answer") from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        pass
    await api.__aexit__(None, None, None)
    return None


@contextlib.asynccontextmanager
async def connect(command: Command) -> AsyncIterator[Api]:
    """Give the API of the running node, or of a full node that runs meanwhile."""
    running = await find_running(command.config().data_dir)
    if running is not None:
        async with running as api:
            yield api
        return
    from ..web.server import running_node  # half a second, which a running node saves

    async with (
        running_node(command.one_shot_config()) as (node, url),
        Api(url, node.token, owned=True) as api,
    ):
        yield api

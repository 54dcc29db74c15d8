"""`p2ptube demo`: three nodes on this machine share, search, fetch and play a clip."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Coroutine, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import typer

from ..errors import NoHolder, NotFound, P2PTubeError, StorageError
from ..tasks import cancel_all
from .browser import open_page
from .client import Api
from .command import Command, Json, of, run, until_interrupted
from .demo_nodes import DemoNode, nodes
from .demo_report import FirstByte, NodeProof, Proof, Sha256, Transfer, failure, show
from .output import Advance, Output, size
from .videos import ENDED, next_jobs, next_video

T = TypeVar("T")

CLIP_NAME = "A minute of colours.mp4"
CLIP_TITLE, WORD = "A minute of colours", "colours"
CLIP_SECONDS = 60
UPLOAD_LIMIT = 1_000_000  # bytes per second: slow enough to watch the clip arrive
HEAD_START = 0.25  # how much B has when C begins
SEARCH_SECONDS = 10.0
STEP_SECONDS = 120.0  # a slow machine may take its time, but not for ever


def demo(
    ctx: typer.Context,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End when the clip has been fetched and checked.")
    ] = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page of a node.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Three nodes on this machine share, search, fetch and play a clip.

    Nothing leaves the machine. Without --once the nodes run on until Ctrl-C, so that their pages
    can be looked at; then nothing is left of them.
    """
    command = of(ctx, None, as_json, None)
    run(_demo(command, once=once, browser=browser))


async def _demo(command: Command, *, once: bool, browser: bool) -> None:
    output = command.output
    with _temporary_directory() as directory:
        async with nodes(directory, "ABC", UPLOAD_LIMIT) as three:
            proof = await _while_all_run(three, Demonstration(output, directory, three).run())
            output.document(proof)
            show(output, proof)
            if reason := failure(proof):
                raise P2PTubeError(reason)
            if once:
                return
            if browser:
                open_page(proof.watch)
            output.note("The nodes run on until Ctrl-C; then nothing is left of them.")
            await until_interrupted(_while_all_run(three, asyncio.Event().wait()))


@contextlib.contextmanager
def _temporary_directory() -> Iterator[Path]:
    try:
        directory = tempfile.TemporaryDirectory(prefix="p2ptube-demo-", ignore_cleanup_errors=True)
    except OSError as error:
        raise StorageError(f"cannot make a temporary directory: {error.strerror}") from error
    with directory as name:
        yield Path(name)


async def _while_all_run(three: list[DemoNode], work: Coroutine[Any, Any, T]) -> T:
    """Do `work`. Raises P2PTubeError as soon as one of the nodes has ended."""
    task = asyncio.create_task(work)
    ends = [asyncio.create_task(node.ended()) for node in three]
    try:
        await asyncio.wait([task, *ends], return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            if end.done():
                raise P2PTubeError(end.result())
        return task.result()
    finally:
        await cancel_all(task, *ends)


class Demonstration:
    """The steps, in order. B knows A only, C knows B only."""

    def __init__(self, output: Output, directory: Path, three: list[DemoNode]) -> None:
        self._output = output
        self._clip = directory / CLIP_NAME
        self._a, self._b, self._c = three
        self._began = time.monotonic()
        self._found: dict[str, float] = {}

    async def run(self) -> Proof:
        """Run all of it. Raises P2PTubeError where a step fails or takes too long."""
        try:
            async with asyncio.timeout(STEP_SECONDS):
                await self._prepare()
                shared = await self._share()
                for node in (self._b, self._c):
                    await self._search(node, shared["id"])
            async with asyncio.timeout(STEP_SECONDS):
                return await self._transfer(shared)
        except TimeoutError:
            raise P2PTubeError(f"the demonstration did not end in {STEP_SECONDS:.0f} s") from None

    def _say(self, text: str) -> None:
        self._output.line(f"{time.monotonic() - self._began:5.1f} s  {text}")

    async def _prepare(self) -> None:
        """Start the nodes and make the clip at the same time."""
        self._say(f"making a clip of {CLIP_SECONDS} seconds, and starting three nodes")
        stop = threading.Event()
        making = asyncio.create_task(asyncio.to_thread(_make_clip, self._clip, stop))
        try:
            await self._a.start()
            await self._b.start(join=self._a)
            await self._c.start(join=self._b)
            await making
        finally:
            stop.set()
            await asyncio.gather(making, return_exceptions=True)
        self._say("three nodes are running: A, B who was told of A, C who was told of B")

    async def _share(self) -> Any:
        api = self._a.api
        async with api.events() as events:
            await anext(events)
            job = await api.post("videos", {"path": str(self._clip)})
            jobs = {job["id"]: job}
            while jobs[job["id"]]["state"] not in ENDED:
                await next_jobs(api, events, jobs)
        job = jobs[job["id"]]
        if job["video"] is None:
            raise P2PTubeError(f"A cannot share the clip: {job['error'] or job['state']}")
        video = await api.get(f"videos/{job['video']}")
        limit = f"sending at most {size(UPLOAD_LIMIT)}/s"
        self._say(f"A shares {video['title']!r}, {size(video['size'])}, {limit}")
        return video

    async def _search(self, node: DemoNode, video_id: str) -> None:
        asked = time.monotonic()
        parameters = {"q": WORD, "timeout": str(SEARCH_SECONDS)}
        async with node.api.events("search", parameters) as events:
            async for kind, data in events:
                if kind == "result" and data["id"] == video_id:
                    self._found[node.name] = time.monotonic() - asked
                    self._say(f"{node.name} searches for {WORD!r} and finds it")
                    return
        raise NotFound(f"{node.name} did not find the clip")

    async def _transfer(self, shared: Any) -> Proof:
        """B fetches; C joins in and plays. Both run to the end."""
        video_id = shared["id"]
        source_progress, first_byte, stream_sum = await self._fetch_and_play(video_id)
        self._say("B and C have all of it")
        kept = await self._c.api.get(f"videos/{video_id}")
        return Proof(
            video=video_id,
            title=shared["title"],
            size=shared["size"],
            nodes=tuple([await self._node_proof(node) for node in (self._a, self._b, self._c)]),
            source_progress=source_progress,
            first_byte=first_byte,
            transfers=await self._transfers(video_id),
            sha256=Sha256(
                descriptor=shared["sha256"],
                stream=stream_sum,
                file=await asyncio.to_thread(_sha256_of, Path(kept["path"])),
            ),
            seconds=time.monotonic() - self._began,
        )

    async def _fetch_and_play(self, video_id: str) -> tuple[float, FirstByte, str]:
        """Give how far B was when C began, C's first byte, and the SHA-256 of what C played."""
        ahead: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        try:
            with Advance(self._output) as advance:
                async with _http() as http, asyncio.TaskGroup() as group:
                    group.create_task(_fetch(self._b, video_id, advance, ahead))
                    source_progress = await ahead
                    self._say(f"B has {source_progress:.0%}: C fetches from A and B, and plays")
                    clicked = time.monotonic()
                    await self._c.api.post(f"videos/{video_id}/fetch", {"keep": True})
                    playing = group.create_task(_play(http, self._c.api, video_id, clicked))
                    group.create_task(_fetch(self._c, video_id, advance))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return source_progress, *playing.result()

    async def _node_proof(self, node: DemoNode) -> NodeProof:
        peers = await node.api.get("peers")
        return NodeProof(
            name=node.name,
            pid=node.pid,
            peer_id=node.view["peer_id"],
            page=node.page,
            data_dir=str(node.directory),
            knows=tuple(sorted(peer["name"] for peer in peers)),
            found=self._found.get(node.name),
        )

    async def _transfers(self, video_id: str) -> tuple[Transfer, ...]:
        """Count at both ends: who was dialled is seen at a port that nobody knows."""
        three = (self._a, self._b, self._c)
        names = {node.view["ports"]["swarm"]: node.name for node in three}
        counted = []
        for node in three:
            for peer in (await node.api.get(f"videos/{video_id}/swarm"))["peers"]:
                other = names.get(int(peer["address"].rpartition(":")[2]))
                if other is not None:
                    counted.append(Transfer(node.name, other, peer["downloaded"]))
                    counted.append(Transfer(other, node.name, peer["uploaded"]))
        return tuple(transfer for transfer in counted if transfer.bytes)


def _make_clip(path: Path, stop: threading.Event) -> None:
    from .demo_clip import make_clip  # FFmpeg's libraries take a moment to load

    make_clip(path, CLIP_SECONDS, stop.is_set)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _progress(api: Api, video_id: str) -> AsyncGenerator[Any, None]:
    """Yield the video now and whenever it changed, while it is being fetched."""
    async with api.events() as events:
        await anext(events)
        video = await api.post(f"videos/{video_id}/fetch", {"keep": True})
        yield video
        while video["state"] == "fetching":
            video = await next_video(api, events, video)
            yield video


async def _fetch(
    node: DemoNode, video_id: str, advance: Advance, ahead: asyncio.Future[float] | None = None
) -> None:
    """Fetch it to the end; `ahead` is told once HEAD_START of it is there."""
    async with contextlib.aclosing(_progress(node.api, video_id)) as changes:
        async for video in changes:
            advance.show(node.name, "fetches", video["progress"])
            if ahead is not None and not ahead.done() and video["progress"] >= HEAD_START:
                ahead.set_result(video["progress"])
    if video["state"] != "complete":
        raise NoHolder(f"{node.name} cannot fetch the clip: {video['detail'] or video['state']}")


def _http() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, timeout=STEP_SECONDS)


async def _play(
    http: httpx.AsyncClient, api: Api, video_id: str, clicked: float
) -> tuple[FirstByte, str]:
    """Read the stream as a player does that buffers all it can; its beginning and its SHA-256."""
    first: FirstByte | None = None
    digest = hashlib.sha256()
    url, headers = api.stream_url(video_id), {"range": "bytes=0-"}
    try:
        async with http.stream("GET", url, headers=headers) as answer:
            answer.raise_for_status()
            async for chunk in answer.aiter_raw():
                if first is None:
                    seconds = time.monotonic() - clicked
                    progress = (await api.get(f"videos/{video_id}"))["progress"]
                    first = FirstByte(seconds, progress)
                digest.update(chunk)
    except httpx.HTTPError as error:
        raise P2PTubeError(f"C cannot play the clip: {error}") from error
    if first is None:
        raise P2PTubeError("C got an empty stream")
    return first, digest.hexdigest()

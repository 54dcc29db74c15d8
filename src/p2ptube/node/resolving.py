"""From what a user names - an id, a magnet link, a torrent, a URL - to a video."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from ..descriptor import is_plain_file_name
from ..errors import InvalidInput, NotFound, P2PTubeError, PeerUnreachable, StorageError
from ..media.jobs import JobControl
from ..media.worker import run_in_worker
from ..models import PeerAddress, VideoState
from ..overlay.peer import Peer
from ..swarm import parse_info, parse_magnet, parse_torrent, says_unlisted
from ..swarm.metainfo import MAX_METADATA
from .catalog import Catalog, Remote
from .merging import merged
from .searching import kind_of_target
from .trackers import Trackers

log = logging.getLogger(__name__)

FIND_SECONDS = 3.0
HTTP_SECONDS = 30.0


class Resolver:
    """Finds out what a target is; what it learns goes to the catalog."""

    def __init__(
        self,
        catalog: Catalog,
        peer: Peer,
        trackers: Trackers,
        *,
        proxy: str = "",
        stranger: Callable[[str], Awaitable[bool]],
        dial: Callable[[str, Iterable[PeerAddress]], Awaitable[None]],
    ) -> None:
        """`proxy` is the URL of the one that the web is asked through, if any.

        `stranger` finds a torrent that no peer of the overlay knows by its info-hash; `dial`
        connects the one of a fetch under way to more of its peers.
        """
        self._stranger = stranger
        self._dial = dial
        self._proxy = proxy
        self._catalog = catalog
        self._peer = peer
        self._trackers = trackers

    async def resolve(self, target: str) -> str:
        """Return the id of the video. Raises InvalidInput, NotFound, PeerUnreachable."""
        target = target.strip()
        kind = kind_of_target(target)
        if kind == "id":
            return await self._by_id(target.lower())
        if kind == "magnet":
            return await self._by_magnet(target)
        if kind == "url":
            return await self._by_torrent(await _download_torrent(target, self._proxy))
        return await self._by_torrent(await asyncio.to_thread(_read_torrent, Path(target)))

    async def _by_id(self, video_id: str) -> str:
        known = self._catalog.record(video_id) is not None
        if known or await self._ask_network(video_id) or self._catalog.knows(video_id):
            return video_id
        if not await self._stranger(video_id):
            self._catalog.remote(video_id)  # raises: nothing is known of it
        return video_id

    async def _by_magnet(self, link: str) -> str:
        magnet = parse_magnet(link)
        remote = Remote(
            magnet.info_hash,
            title=magnet.name or magnet.info_hash,
            magnet=link,
            trackers=magnet.trackers,
            unlisted=magnet.unlisted,
        )
        video_id = await self._learn(remote)
        await self._dial(video_id, (PeerAddress(*peer) for peer in magnet.peers))
        return video_id

    async def _by_torrent(self, data: bytes) -> str:
        info, trackers = parse_torrent(data)
        layout = parse_info(info)
        remote = Remote(
            layout.info_hash,
            title=layout.name,
            info=info,
            trackers=trackers,
            unlisted=says_unlisted(data),
        )
        return await self._learn(remote)

    async def _learn(self, remote: Remote) -> str:
        record = self._catalog.record(remote.id)
        if record is None:
            # A descriptor, where the network has one, tells more than the torrent.
            await self._ask_network(remote.id)
            self._catalog.learn(remote)
        elif record.state is not VideoState.COMPLETE and not record.mine:
            # Who tries another link hopes that it leads to somebody who has it.
            trackers = tuple(dict.fromkeys((*remote.trackers, *record.trackers)))
            magnet = remote.magnet or record.magnet
            if (trackers, magnet) != (record.trackers, record.magnet):
                await self._catalog.update(record.id, trackers=trackers, magnet=magnet)
        return remote.id

    async def _ask_network(self, video_id: str) -> bool:
        try:
            async with asyncio.timeout(FIND_SECONDS):
                asked = self._peer.find(video_id), self._trackers.search(video_id, 1)
                async with aclosing(merged(*asked)) as answers:
                    async for found in answers:
                        if self._catalog.heard(found) == video_id:
                            return True
        except (TimeoutError, P2PTubeError) as error:
            log.debug("nobody told of %s: %s", video_id, error)
        return False


def _read_torrent(path: Path) -> bytes:
    try:
        with path.expanduser().open("rb") as file:
            return file.read(MAX_METADATA + 1)
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidInput(
            f"not an id, magnet link, or readable .torrent file: {str(path)[:200]}"
        ) from error


async def _download_torrent(url: str, proxy: str) -> bytes:
    data = bytearray()
    try:
        async with _client(proxy) as client, client.stream("GET", url) as response:
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > MAX_METADATA:
                    raise InvalidInput("too large for a .torrent file")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PeerUnreachable(f"cannot get {url[:200]}: {_words(error)}") from error
    return bytes(data)


async def download(url: str, directory: Path, control: JobControl, *, proxy: str = "") -> Path:
    """Bring a video from the web into `directory`: the file itself, or what yt-dlp finds there.

    Raises InvalidInput, PeerUnreachable, StorageError.
    """
    try:
        async with _client(proxy) as client, client.stream("GET", url) as response:
            response.raise_for_status()
            name = _file_name(str(response.url))
            media_type = response.headers.get("content-type", "").partition(";")[0].strip()
            if media_type != "text/html":
                path = directory / name
                await _save(response, path, control)
                return path
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PeerUnreachable(f"cannot get {url[:200]}: {_words(error)}") from error
    except OSError as error:
        raise StorageError(f"cannot store the download: {error.strerror}") from error
    return await run_in_worker(
        download_page,
        url,
        directory,
        proxy,
        on_progress=lambda fraction: control.report("download", fraction),
    )


async def _save(response: httpx.Response, path: Path, control: JobControl) -> None:
    expected = int(response.headers.get("content-length") or 0)
    received = 0
    with path.open("xb") as file:
        async for chunk in response.aiter_bytes(1024 * 1024):
            await asyncio.to_thread(file.write, chunk)
            received += len(chunk)
            if expected:
                control.report("download", min(1.0, received / expected))


def download_page(url: str, directory: Path, proxy: str, report: Callable[[float], None]) -> Path:
    """Download the video of a web page with yt-dlp (extra `ytdlp`). Runs in a worker process."""
    try:
        import yt_dlp
    except ImportError as error:
        raise InvalidInput(
            "this URL is a web page, not a video file: install the extra p2ptube[ytdlp] for those"
        ) from error

    def progressed(status: dict[str, Any]) -> None:
        total = status.get("total_bytes") or status.get("total_bytes_estimate")
        if total:
            report(min(1.0, status.get("downloaded_bytes", 0) / total))

    options = {
        "outtmpl": {"default": str(directory / "%(title).150B.%(ext)s")},
        "noplaylist": True,
        "quiet": True,
        "noprogress": True,
        "progress_hooks": [progressed],
        **({"proxy": proxy} if proxy else {}),
    }
    try:
        with yt_dlp.YoutubeDL(options) as downloader:
            downloader.download([url])
    except yt_dlp.utils.DownloadError as error:
        raise PeerUnreachable(f"cannot download {url[:200]}: {error}") from error
    files = sorted(directory.iterdir(), key=lambda path: path.stat().st_size)
    if not files:
        raise NotFound(f"no video at {url[:200]}")
    return files[-1]


def _client(proxy: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(follow_redirects=True, timeout=HTTP_SECONDS, proxy=proxy or None)


def _file_name(url: str) -> str:
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    return name if is_plain_file_name(name) else "video"


def _words(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"{error.response.status_code} {error.response.reason_phrase}".strip()
    return str(error) or type(error).__name__


def is_torrent_url(url: str) -> bool:
    """Whether a URL names a .torrent file, going by its path."""
    return PurePosixPath(urlsplit(url).path).suffix.lower() == ".torrent"

"""`p2ptube doctor`: does this machine have what it takes?"""

from __future__ import annotations

import asyncio
import ctypes.util
import datetime
import importlib.util
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from ..config import Config
from ..errors import P2PTubeError
from .browser import can_open
from .client import find_running
from .command import Command, DataDir, Json, of, run
from .doctor_public import Finding, check_public
from .output import size

OLDEST_PYTHON = (3, 11)
LOW_SPACE = 1_000_000_000  # bytes
VIDEO_ENCODERS = ("libx264", "aac", "mjpeg")
DECODERS = ("h264", "hevc", "vp9", "av1", "mpeg4", "aac", "opus", "mp3")


def doctor(ctx: typer.Context, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Check this machine, and say what to do about what is missing."""
    command = of(ctx, data_dir, as_json, None)
    findings = run(_examine(command))
    command.output.document(findings)
    for finding in findings:
        command.output.line(f"{finding.state:4}  {finding.check}: {finding.text}")
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(1)


async def _examine(command: Command) -> list[Finding]:
    config = command.config()
    node = None
    trouble = ""
    try:
        running = await find_running(config.data_dir)
        if running is not None:
            async with running as api:
                node = await api.get("node")
    except P2PTubeError as error:
        trouble = str(error)
    findings = [_python(), _libtorrent(), _codecs(), *_data_dir(config.data_dir)]
    findings += await asyncio.to_thread(lambda: list(_ports(config, node)))
    findings += check_public(config, datetime.datetime.now(datetime.UTC))
    return [*findings, *_players(), uplink(config, node), _node(node, trouble)]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Finding("Python", "fail", f"{version} is too old: install 3.11 or newer")
    return Finding("Python", "ok", version)


def _attempt(check: str, probe: Callable[[], str], advice: str) -> Finding:
    try:
        return Finding(check, "ok", probe())
    except Exception as error:  # a broken library fails in any way it likes
        return Finding(check, "fail", f"{' '.join(str(error).split())}: {advice}")


def _libtorrent() -> Finding:
    def probe() -> str:
        import importlib

        importlib.import_module("p2ptube.swarm.session")
        from importlib.metadata import version

        return version("libtorrent")

    return _attempt("libtorrent", probe, "reinstall p2ptube, or `pip install 'libtorrent>=2.1'`")


def _codecs() -> Finding:
    def probe() -> str:
        import av

        missing = [name for name in VIDEO_ENCODERS if not _has_codec(name, "w")]
        missing += [name for name in DECODERS if not _has_codec(name, "r")]
        if missing:
            raise LookupError(f"PyAV lacks {', '.join(missing)}")
        return f"PyAV {av.__version__} with H.264 and AAC"

    return _attempt("codecs", probe, "install PyAV from its wheel: `pip install --force av`")


def _has_codec(name: str, mode: Any) -> bool:
    import av

    try:
        av.Codec(name, mode)
    except ValueError:  # av.codec.UnknownCodecError
        return False
    return True


def _data_dir(directory: Path) -> Iterator[Finding]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=directory):
            pass
        free = shutil.disk_usage(directory).free
    except OSError as error:
        text = f"{directory} cannot be written ({error.strerror}): choose another with --data-dir"
        yield Finding("data directory", "fail", text)
        return
    yield Finding("data directory", "ok", str(directory))
    if free < LOW_SPACE:
        yield Finding("disk space", "warn", f"only {size(free)} free: videos need room")
    else:
        yield Finding("disk space", "ok", f"{size(free)} free")


def _ports(config: Config, node: Any) -> Iterator[Finding]:
    ours = set(node["ports"].values()) if node else set()
    wanted = (
        ("overlay port", "--port", config.host, config.port),
        ("swarm port", "--swarm-port", config.host, config.swarm_port),
        ("web port", "--web-port", "127.0.0.1", config.web_port),
        ("public port", "--public-port", config.host, config.public_port),
    )
    for check, flag, host, port in wanted:
        if port is None:
            continue
        if port == 0:
            yield Finding(check, "ok", "any free one")
        elif port in ours:
            yield Finding(check, "ok", f"{port} is used by the running node")
        elif reason := _cannot_bind(host, port):
            # With a running node the ports of the settings are not needed again.
            state = "warn" if node else "fail"
            yield Finding(check, state, f"{port}: {reason}; choose another with {flag} (0: any)")
        else:
            yield Finding(check, "ok", f"{port} is free")


def _cannot_bind(host: str, port: int) -> str:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


def _players() -> Iterator[Finding]:
    if importlib.util.find_spec("vlc") is None:
        yield Finding("VLC", "warn", "python-vlc is missing: `pip install 'p2ptube[vlc]'`")
    elif ctypes.util.find_library("vlc") is None:
        yield Finding("VLC", "warn", "libvlc is missing: install VLC to use --player vlc")
    else:
        yield Finding("VLC", "ok", "python-vlc and libvlc are there")
    if shutil.which("mpv"):
        yield Finding("mpv", "ok", "is there")
    else:
        yield Finding("mpv", "warn", "is missing: install it to use --player mpv")
    if can_open():
        yield Finding("browser", "ok", "is there")
    else:
        text = "none found: open the address that `p2ptube` prints where there is one"
        yield Finding("browser", "warn", text)


def uplink(config: Config, node: Any) -> Finding:
    """Whether uploads leave the line to others, and how it stands in the running node."""
    check = "uplink"
    linux = sys.platform == "linux"
    if not config.yielding:
        advice = ": if others share your line, see --yielding" if linux else ""
        return Finding(check, "ok", f"uploads do not yield to other traffic{advice}")
    if not linux:
        text = "uploads cannot yield on this system: set an upload limit below what your line has"
        return Finding(check, "ok", text)
    words = ["uploads yield to other traffic"]
    if node is not None:
        delay, limit = node.get("uplink_delay"), node.get("yielding_limit")
        words.append("nothing is measured now" if delay is None else f"wait {1000 * delay:.0f} ms")
        words.append(f"limited to {size(limit)}/s" if limit else "not limited by it now")
        by_hand = node.get("upload_limit")
        words += [f"at most {size(by_hand)}/s at this hour"] if by_hand else []
    return Finding(check, "ok", ", ".join(words))


def _node(node: Any, trouble: str) -> Finding:
    if trouble:
        return Finding("node", "fail", f"{trouble}: stop it and start it anew")
    if node is None:
        return Finding("node", "ok", "none is running: start it with `p2ptube`")
    peers = "1 peer" if node["peers"] == 1 else f"{node['peers']} peers"
    return Finding("node", "ok", f"{node['peer_id']} answers and knows {peers}")

"""TLS at the public port: a node with a certificate, wrong files, a renewed certificate."""

from __future__ import annotations

import datetime
import logging
import os
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.clips import make_clip
from tests.nodes import nodes
from tests.web.certificates import Pair, make_pair

from p2ptube.cli.doctor_public import check_public
from p2ptube.config import load_config
from p2ptube.errors import InvalidInput
from p2ptube.web.listening import LOOPBACK, WebServer
from p2ptube.web.tls import Certificate


def trusting(pair: Pair) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(pair.cert))


def test_a_node_with_a_certificate_speaks_tls_only(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    flags = ("--public-port", "0", "--tls-cert", str(pair.cert), "--tls-key", str(pair.key))
    with nodes() as start:
        node = start(tmp_path / "n", *flags)
        video = node.add(make_clip(tmp_path / "a.mp4", seconds=2, size=(320, 180), faststart=True))
        port = node.info["ports"]["public"]
        url = f"https://127.0.0.1:{port}"
        assert node.get("node")["public_url"].startswith("https://")
        with httpx.Client(base_url=url, verify=trusting(pair), timeout=30) as web:
            page = web.get(f"/watch/{video['id']}").text
            assert f'content="{url}/stream/{video["id"]}"' in page
            assert f'"trackers": ["wss://127.0.0.1:{port}/announce"]' in page
            assert web.get(f"/stream/{video['id']}").content == (tmp_path / "a.mp4").read_bytes()
            announce = "info_hash=" + "a" * 20 + "&peer_id=" + "b" * 20 + "&port=1&left=1"
            assert web.get(f"/announce?{announce}").content.startswith(b"d8:complete")
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"http://127.0.0.1:{port}/")


@pytest.fixture
async def server() -> AsyncIterator[WebServer]:
    made = WebServer(LOOPBACK, 0, "--public-port")
    yield made
    await made.stop()


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"fine"})


async def test_a_renewed_certificate_is_used_for_new_connections(
    tmp_path: Path, server: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    old, new = make_pair(tmp_path, "old"), make_pair(tmp_path, "new")
    used = Pair(tmp_path / "used.crt", tmp_path / "used.key")
    replace(old, used, 1)
    certificate = Certificate(*used)
    await server.start(app, tls=certificate.context)
    url = f"https://127.0.0.1:{server.port}/"

    async def answers(pair: Pair) -> bool:
        async with httpx.AsyncClient(verify=trusting(pair)) as web:
            try:
                return (await web.get(url)).text == "fine"
            except httpx.ConnectError:
                return False

    assert await answers(old)
    assert not certificate.renew()
    replace(new, used, 2)
    assert certificate.renew()
    assert await answers(new)
    assert not await answers(old)

    used.key.write_text("rubbish")
    with caplog.at_level(logging.WARNING):
        assert not certificate.renew()
    assert "cannot be used" in caplog.text
    assert await answers(new)


def replace(source: Pair, target: Pair, moment: int) -> None:
    for before, after in zip(source, target, strict=True):
        shutil.copy(before, after)
        os.utime(after, (moment, moment))  # whatever the clock of the file system


def test_wrong_files_are_named(tmp_path: Path) -> None:
    good, other = make_pair(tmp_path, "good"), make_pair(tmp_path, "other")
    locked = make_pair(tmp_path, "locked", password=b"secret")
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("no certificate")
    for cert, key, words in (
        (tmp_path / "nothing", good.key, "--tls-cert .*nothing: no such file"),
        (good.cert, tmp_path / "nothing", "--tls-key .*nothing: no such file"),
        (tmp_path, good.key, "--tls-cert .*: is a directory"),
        (good.cert, other.key, "other.key: this is not the key of the certificate"),
        (rubbish, good.key, "no PEM certificate"),
        (good.cert, rubbish, "no PEM certificate"),
        (locked.cert, locked.key, "the key is encrypted"),
    ):
        with pytest.raises(InvalidInput, match=words):
            Certificate(cert, key)


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="tls_cert and tls_key belong together"):
        load_config(data_dir=tmp_path, tls_cert=tmp_path / "x")
    with nodes() as start, pytest.raises(AssertionError, match=r"--tls-cert .*no such file"):
        flags = ("--public-port", "0", "--tls-cert", "/nowhere/x", "--tls-key", "/nowhere/y")
        start(tmp_path / "n", *flags)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://Tube.Example/", "https://tube.example"),
        ("http://192.0.2.1:5681", "http://192.0.2.1:5681"),
        ("https://[2001:db8::1]:81", "https://[2001:db8::1]:81"),
        ("", ""),
    ],
)
def test_public_urls_are_origins(tmp_path: Path, url: str, kept: str) -> None:
    assert load_config(data_dir=tmp_path, public_url=url).public_url == kept


@pytest.mark.parametrize(
    "url",
    [
        *(
            "tube.example",
            "ftp://tube.example",
            "https://",
            "https://a/b",
            "https://a?b",
            "https://a#b",
        ),
        *("https://u@a", "https://a:0", "https://a:70000", "https://a b", "https://é.example"),
        *("https://a\n", "https://[::1", "https://a:b", 'https://a"b', "https://a;b"),
    ],
)
def test_what_is_no_origin_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidInput, match="setting public_url"):
        load_config(data_dir=tmp_path, public_url=url)


# --- the doctor ---------------------------------------------------------------------------


def states(tmp_path: Path, **settings: Any) -> dict[str, str]:
    config = load_config(data_dir=tmp_path / "d", **settings)
    now = datetime.datetime.now(datetime.UTC)
    return {finding.check: finding.state for finding in check_public(config, now)}


def test_the_doctor_looks_at_the_certificate(tmp_path: Path) -> None:
    def certificate(pair: Pair) -> str:
        return states(tmp_path, public_port=1, tls_cert=pair.cert, tls_key=pair.key)["certificate"]

    good = make_pair(tmp_path, "good")
    assert certificate(good) == "ok"
    assert certificate(make_pair(tmp_path, "soon", days=3)) == "warn"
    assert certificate(make_pair(tmp_path, "expired", days=-1, begins=-2)) == "fail"
    assert certificate(make_pair(tmp_path, "early", begins=2)) == "fail"
    assert certificate(Pair(good.cert, tmp_path / "nothing")) == "fail"


def test_the_doctor_looks_at_the_public_address(tmp_path: Path) -> None:
    url = "https://tube.example"
    assert states(tmp_path) == {}
    assert states(tmp_path, public_url=url) == {"public web": "warn"}
    assert states(tmp_path, public_port=1, public_url=url) == {"public address": "ok"}
    pair = make_pair(tmp_path)
    tls = {"public_port": 1, "tls_cert": pair.cert, "tls_key": pair.key}
    found = states(tmp_path, public_url="http://tube.example", **tls)
    assert found == {"public address": "warn", "certificate": "ok"}

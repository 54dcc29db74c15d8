"""Announces over HTTP, at a real port that also has a web server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import libtorrent
import pytest
from tests.web.certificates import make_pair
from tests.web.tracking import HASH, SECONDS, Port, query, request, tracker_port
from websockets.exceptions import InvalidStatus

from p2ptube.errors import Conflict
from p2ptube.web import tracker_door, tracker_server
from p2ptube.web.listening import LOOPBACK
from p2ptube.web.public_port import PublicPort
from p2ptube.web.tls import Certificate
from p2ptube.web.tracker_door import TrackerDoor

CLOSE = "Connection: close"


def bdecode(data: bytes) -> Any:
    return libtorrent.bdecode(data)


def bodies(data: bytes) -> list[Any]:
    """The bencoded bodies of answers that came one after the other."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK"), head
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        found.append(bdecode(rest[:length]))
        data = rest[length:]
    return found


async def test_announces_meet(port: Port) -> None:
    assert bodies(await port.ask(request(1, CLOSE)))[0][b"peers"] == b""
    (answer,) = bodies(await port.ask(request(2, CLOSE)))
    assert answer[b"peers"] == bytes([127, 0, 0, 1]) + (1001).to_bytes(2)
    assert answer[b"incomplete"] == 2


async def test_a_request_in_pieces(port: Port) -> None:
    whole = request(1, CLOSE)
    for cut in (1, 5, 13, 14, 60, len(whole) - 1):
        (answer,) = bodies(await port.ask(whole[:cut], whole[cut:]))
        assert answer[b"incomplete"] == 1
    await port.ask(*(whole[at : at + 1] for at in range(len(whole))))
    assert port.server.tracker.stats(0).announces_http == 7


async def test_many_requests_on_one_connection(port: Port) -> None:
    scrape = b"GET /scrape?info_hash=%b HTTP/1.1\r\n\r\n" % HASH
    answers = bodies(
        await port.ask(request(1) + request(2) + scrape, request(3), request(4, CLOSE))
    )
    assert [answer.get(b"incomplete") for answer in answers] == [1, 2, None, 3, 4]
    assert answers[2][b"files"] == {
        HASH: {b"complete": 0, b"downloaded": 0, b"incomplete": 2},
    }


async def test_http_1_0_ends_the_connection(port: Port) -> None:
    old = request(1).replace(b"HTTP/1.1", b"HTTP/1.0")
    assert len(bodies(await port.ask(old))) == 1
    kept = old.replace(b"Host: t", b"Connection: Keep-Alive")
    assert len(bodies(await port.ask(kept + kept + old))) == 3


async def test_refusals_are_bencoded(port: Port) -> None:
    for target in (b"/announce", b"/announce?", b"/announce?info_hash=%ff", b"/scrape"):
        (answer,) = bodies(
            await port.ask(
                b"GET %b HTTP/1.1\r\n%b\r\n\r\n" % (target, b"a: b\r\n" + CLOSE.encode())
            )
        )
        assert b"failure reason" in answer


async def test_other_requests_go_to_the_web_server(port: Port) -> None:
    async with httpx.AsyncClient(
        base_url=f"http://{LOOPBACK}:{port.port}", trust_env=False
    ) as client:
        home = await client.get("/")
        assert f"ws://{LOOPBACK}:{port.port}/announce" in home.text
        stats = (await client.get("/stats")).json()
        assert (stats["peers"], stats["websockets"]) == (0, 0)
        # On the connection that the web server has by now, the tracker answers as well.
        announced = await client.get(f"/announce?{query(1).decode()}")
        assert bdecode(announced.content)[b"incomplete"] == 1
        scraped = await client.get("/scrape?info_hash=" + "h" * 20)
        assert bdecode(scraped.content)[b"files"][HASH][b"incomplete"] == 1
        metrics = (await client.get("/metrics")).text
        assert 'p2ptube_tracker_peers{kind="address"} 1.0' in metrics
        assert 'p2ptube_tracker_announces_total{transport="http"} 1.0' in metrics
        assert (await client.post("/announce")).status_code == 405
        assert (await client.head(f"/announce?{query(2).decode()}")).status_code == 200
        assert (await client.get("/announcements")).status_code == 404
        assert (await client.get("/favicon.ico")).headers["content-type"] == "image/svg+xml"


async def test_the_web_server_takes_over_in_the_middle(port: Port) -> None:
    home = b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
    answer = await port.ask(request(1) + home[:9], home[9:])
    assert answer.count(b"HTTP/1.1 200") == 2
    assert b"incompletei1e" in answer
    assert b"a tracker" in answer


@pytest.mark.parametrize(
    "data",
    [
        b"GET /announce?" + b"x" * 20_000,
        b"\x16\x03\x01\x02\x00nonsense\r\n\r\n",
        b"GET /announce\r\n\r\n",
    ],
)
async def test_what_is_no_http(port: Port, data: bytes) -> None:
    reader, writer = await port.open()
    writer.write(data)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), SECONDS)
    assert not answer or answer.startswith(b"HTTP/1.1 400")
    writer.close()
    assert port.server.load().connections == 0


async def test_a_body_is_left_to_the_web_server(port: Port) -> None:
    with_body = request(1, CLOSE, "Content-Length: 5") + b"12345"
    assert len(bodies(await port.ask(with_body))) == 1


async def test_whoever_only_connects_is_sent_away(port: Port) -> None:
    reader, writer = await port.open()
    async with asyncio.timeout(SECONDS):
        while not port.server.doors:
            await asyncio.sleep(0.01)
    for _ in range(tracker_server.DOOR_SWEEPS):
        port.server.sweep()
    assert await asyncio.wait_for(reader.read(), SECONDS) == b""
    writer.close()


async def test_whoever_takes_no_answer_is_sent_away(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_door, "MAX_UNSENT", 2**40)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, (LOOPBACK, port.port))
    sending = asyncio.create_task(loop.sock_sendall(sock, request(1) * 50_000))
    async with asyncio.timeout(SECONDS):
        while not any(map(_owes, port.server.doors)):
            await asyncio.sleep(0.01)
    for _ in range(tracker_server.DOOR_SWEEPS + 1):
        port.server.sweep()
    with contextlib.suppress(OSError):
        await asyncio.wait_for(sending, SECONDS)
    async with asyncio.timeout(SECONDS):
        while port.server.doors:
            port.server.sweep()
            await asyncio.sleep(0.01)
    sock.close()


def _owes(door: TrackerDoor) -> bool:
    return door._transport.get_write_buffer_size() > 0


async def test_who_is_blocked_is_refused_also_behind_a_proxy() -> None:
    async with tracker_port(behind_proxy=True, blocks=lambda host: host == "8.0.0.1") as port:
        for target in (b"/announce?" + query(1), b"/scrape?info_hash=" + HASH, b"/"):
            said = [f"X-Forwarded-For: {host}".encode() for host in ("8.0.0.1", "8.0.0.2")]
            refused, answered = [
                await port.ask(
                    b"GET %b HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%b\r\n\r\n"
                    % (target, header)
                )
                for header in said
            ]
            assert refused.startswith(b"HTTP/1.1 403"), target
            assert answered.startswith(b"HTTP/1.1 200"), target
        with pytest.raises(InvalidStatus, match="403"):
            async with port.socket(additional_headers={"X-Forwarded-For": "8.0.0.1"}):
                pass


async def test_so_many_connections_of_an_address(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker_server, "PER_ADDRESS", 2)
    first, second = await port.open(), await port.open()
    for _, writer in (first, second):
        writer.write(request(1))
        await writer.drain()
    await asyncio.wait_for(first[0].readuntil(b"e"), SECONDS)
    await asyncio.wait_for(second[0].readuntil(b"e"), SECONDS)
    assert (await port.ask()).startswith(b"HTTP/1.1 429")
    first[1].close()
    async with asyncio.timeout(SECONDS):
        while len(port.server.doors) > 1:
            await asyncio.sleep(0.01)
    assert len(bodies(await port.ask(request(2, CLOSE)))) == 1
    second[1].close()


async def test_a_reverse_proxy_says_who_asks() -> None:
    async with tracker_port(behind_proxy=True) as port:
        for number, said in enumerate(["8.0.0.1", "evil, 8.0.0.2", "8.0.0.3, 2001:db8::3"]):
            await port.ask(request(number, CLOSE, f"X-Forwarded-For: {said}"))
        async with port.socket(additional_headers={"X-Forwarded-For": "8.0.0.9"}) as end:
            (socket,) = port.server.sockets
            assert socket.source == bytes([8, 0, 0, 9])
            assert end is not None
        (answer,) = bodies(await port.ask(request(7, CLOSE, "X-Forwarded-For: 8.0.0.7")))
        assert answer[b"peers"] == bytes([8, 0, 0, 1, 3, 232, 8, 0, 0, 2, 3, 233])
        assert len(answer[b"peers6"]) == 18
        assert answer[b"external ip"] == bytes([8, 0, 0, 7])


async def test_nobody_else_may_say_it(port: Port) -> None:
    await port.ask(request(1, CLOSE, "X-Forwarded-For: 8.0.0.1"))
    (answer,) = bodies(await port.ask(request(2, CLOSE)))
    assert answer[b"peers"] == bytes([127, 0, 0, 1]) + (1001).to_bytes(2)


async def test_over_tls(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    trust = ssl.create_default_context(cafile=pair.cert)
    context = Certificate(pair.cert, pair.key).context
    async with tracker_port(tls=context, trust=trust) as port:
        assert len(bodies(await port.ask(request(1), request(2, CLOSE)))) == 2
        home = await port.ask(b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        assert b"https://t/announce" in home
        assert b"wss://t/announce" in home


async def test_both_families() -> None:
    async with tracker_port(host="::") as port:
        await port.ask(request(1, CLOSE))
        reader, writer = await asyncio.open_connection("::1", port.port)
        writer.write(request(2, CLOSE))
        (answer,) = bodies(await asyncio.wait_for(reader.read(), SECONDS))
        assert answer[b"peers"] == bytes([127, 0, 0, 1]) + (1001).to_bytes(2)
        writer.close()


async def test_one_number_for_tcp_and_udp() -> None:
    first = PublicPort(LOOPBACK, 0)
    with pytest.raises(Conflict, match=f"{first.port} is in use.*--public-port"):
        PublicPort(LOOPBACK, first.port)
    first.close()
    PublicPort(LOOPBACK, first.port).close()

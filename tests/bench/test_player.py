"""The player: when the picture starts, when it stands still, and what it reads."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Iterator

import pytest
from bench.lab.clients.base import LOOPBACK, stream
from bench.lab.player import IN_HAND_SECONDS, Screen, watch
from hypothesis import given
from hypothesis import strategies as st

RATE = 1000.0

# Bytes that arrive, and the seconds between.
arrivals = st.lists(
    st.tuples(st.integers(1, 5_000), st.floats(0, 4, allow_nan=False)), min_size=1, max_size=40
)


def seen(steps: list[tuple[int, float]]) -> tuple[Screen, float]:
    """A screen after all of these, and the time then."""
    screen, now = Screen(sum(count for count, _ in steps), RATE), 0.0
    for count, wait in steps:
        now += wait
        screen.arrived(count, now)
    return screen, now


def test_starts_with_a_second_in_hand() -> None:
    screen = Screen(10_000, RATE)
    screen.arrived(999, 1.0)
    assert screen.viewing.start is None
    screen.arrived(1, 2.0)
    assert screen.viewing.start == 2.0


def test_stalls_until_a_second_is_in_hand_again() -> None:
    screen = Screen(10_000, RATE)
    screen.arrived(2_000, 0.0)
    screen.arrived(500, 5.0)  # it stood still at 2.0
    screen.arrived(500, 6.0)
    assert screen.viewing.stalls == [pytest.approx(4.0)]


def test_the_last_bytes_start_at_once() -> None:
    screen = Screen(1_500, RATE)
    screen.arrived(1_000, 0.0)
    screen.arrived(500, 4.0)
    assert screen.viewing.stalls == [pytest.approx(3.0)]


def test_a_stall_counts_until_one_looks_away() -> None:
    screen = Screen(10_000, RATE)
    screen.arrived(1_000, 0.0)
    screen.settle(3.5)
    assert screen.viewing.stalls == [pytest.approx(2.5)]


@given(arrivals)
def test_what_arrives_early_enough_never_stalls(steps: list[tuple[int, float]]) -> None:
    screen, now = seen([(count, 0.0) for count, _ in steps])
    screen.settle(now + 1e6)
    assert (screen.viewing.start, screen.viewing.stalls) == (0.0, [])


@given(arrivals)
def test_time_is_played_or_waited(steps: list[tuple[int, float]]) -> None:
    """From the first picture on: what was not played was stalled."""
    screen, now = seen(steps)
    viewing = screen.viewing
    assert viewing.start is not None  # all of it is there
    assert all(stall >= 0 for stall in viewing.stalls)
    total = sum(count for count, _ in steps)
    played = total / RATE - screen.in_hand
    assert played <= now - viewing.start - sum(viewing.stalls) + 1e-6
    assert screen.in_hand >= -1e-6


@given(arrivals, st.floats(0.1, 2))
def test_a_faster_link_starts_no_later(steps: list[tuple[int, float]], factor: float) -> None:
    slow, _ = seen(steps)
    fast, _ = seen([(count, wait * min(1, factor)) for count, wait in steps])
    assert fast.viewing.start is not None
    assert slow.viewing.start is not None
    assert fast.viewing.start <= slow.viewing.start


BODY = bytes(index % 251 for index in range(60_000))


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves BODY from where the range says; /short ends too early."""

    def do_GET(self) -> None:
        first = int((self.headers["Range"] or "bytes=0-")[6:-1])
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(BODY) - first))
        self.end_headers()
        self.wfile.write(BODY[first : 30_000 if self.path == "/short" else None])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("first", [0, 40_000])
def test_reads_all_from_a_place_on(port: int, first: int) -> None:
    asked = []

    def connect(place: int) -> http.client.HTTPResponse:
        asked.append(place)
        return stream(LOOPBACK, port, "/all", place)

    viewing, missing = watch(connect, len(BODY), 1e9, threading.Event(), first=first)
    assert (missing, asked) == (0, [first])
    assert viewing.start is not None


def test_a_stream_that_ends_early_is_an_error(port: int) -> None:
    with pytest.raises((OSError, http.client.IncompleteRead)):
        watch(
            lambda first: stream(LOOPBACK, port, "/short", first),
            len(BODY),
            1e9,
            threading.Event(),
        )


def test_once_nobody_looks_it_may_end_early(port: int) -> None:
    stop = threading.Event()
    stop.set()
    _, missing = watch(lambda first: stream(LOOPBACK, port, "/short", first), len(BODY), 1e9, stop)
    assert missing == len(BODY)


def test_stops_after_so_many_seconds(port: int) -> None:
    viewing, missing = watch(
        lambda first: stream(LOOPBACK, port, "/all", first),
        len(BODY),
        len(BODY) / (4 * IN_HAND_SECONDS),
        threading.Event(),
        seconds=0.0,
    )
    assert viewing.start is not None
    assert missing > 0

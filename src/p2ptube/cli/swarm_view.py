"""Pure: how a video arrives, drawn for a terminal from what the API tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .output import clock, safe, size

_WORDS = frozenset({"Peer", "Client", "By"})
# From how many columns of the terminal on, which ones of the table.
_COLUMNS = (
    (84, ("Peer", "Client", "By", "Has", "↓", "↑", "Got", "Gave")),
    (64, ("Peer", "Has", "↓", "↑", "Got", "Gave")),
    (0, ("Peer", "↓", "Got")),
)
_FULL, _PARTLY, _ASKED, _MISSING = "█", "▓", "▒", "░"
_HEAD = "▼"


@dataclass(frozen=True)
class Buffer:
    """What a player has in hand: the bytes that are here from its position on, without a gap.

    `seconds` is how long they last, None where the bit rate is not known.
    """

    position: int
    bytes: int
    seconds: float | None


def video_pieces(swarm: Mapping[str, Any], video_size: int) -> str:
    """The pieces that hold bytes of the video: `swarm["pieces"]` has those of the whole torrent."""
    length = swarm["piece_length"]
    if length <= 0:
        return ""
    first = swarm["offset"] // length
    end = -(-(swarm["offset"] + video_size) // length) if video_size > 0 else None
    pieces: str = swarm["pieces"][first:end]
    return pieces


def buffers(video: Mapping[str, Any], swarm: Mapping[str, Any]) -> list[Buffer]:
    """What each player has in hand, the one who reads furthest ahead first."""
    length, total, duration = swarm["piece_length"], video["size"], video["duration"]
    pieces = video_pieces(swarm, total)
    rate = total / duration if duration > 0 else 0.0
    found = []
    for position in swarm["playheads"]:
        if not pieces or not 0 <= position <= total:
            continue
        start = swarm["offset"] % length + position
        at = min(start // length, len(pieces))
        gap = at
        while gap < len(pieces) and pieces[gap] == "1":
            gap += 1
        here = max(0, min(gap * length - swarm["offset"] % length, total) - position)
        found.append(Buffer(position, here, here / rate if rate else None))
    return sorted(found, key=lambda buffer: -buffer.position)


def piece_bar(pieces: str, width: int, heads: Sequence[float] = ()) -> Text:
    """The pieces in `width` columns, each as full as its part is; two lines with playheads above.

    `heads` are the places of the players, 0..1.
    """
    bar = Text(no_wrap=True)
    if heads:
        marks = {min(width - 1, int(head * width)) for head in heads if 0 <= head <= 1}
        bar.append("".join(_HEAD if n in marks else " " for n in range(width)) + "\n", "yellow")
    for column in range(width):
        start = column * len(pieces) // width
        end = max(start + 1, (column + 1) * len(pieces) // width)
        part = pieces[start:end]
        have = part.count("1")
        if have == len(part) and part:
            bar.append(_FULL, "green")
        elif have:
            bar.append(_PARTLY, "green")
        elif "2" in part:
            bar.append(_ASKED, "cyan")
        else:
            bar.append(_MISSING, "bright_black")
    return bar


def render(
    video: Mapping[str, Any],
    swarm: Mapping[str, Any],
    *,
    width: int,
    height: int,
    keys: str = "",
) -> RenderableType:
    """The whole view, at most `width` columns and `height` lines; `keys` says which there are."""
    width, height = max(width, 1), max(height, 1)
    in_hand = buffers(video, swarm)
    total = video["size"]
    heads = [buffer.position / total for buffer in in_hand] if total > 0 else []
    pieces = video_pieces(swarm, total) or ("1" if video["state"] == "complete" else "0")
    bar = piece_bar(pieces, width, heads)
    lines = [
        _line(video["title"], "bold"),
        _line(_progress(video, swarm)),
        *bar.split("\n"),
        _line(_buffer(in_hand, video), "yellow" if _is_short(in_hand) else ""),
        _line(_rates(swarm)),
    ]
    rows = max(0, height - len(lines) - bool(keys) - 2)
    peers = sorted(swarm["peers"], key=_weight, reverse=True)
    shown = peers[: rows if len(peers) <= rows else max(0, rows - 1)]
    parts: list[RenderableType] = [*lines]
    if shown:
        parts += [Text(""), _peers(shown, width)]
    if len(peers) > len(shown) and rows:
        parts.append(_line(f"and {len(peers) - len(shown)} more", "bright_black"))
    if keys:
        parts.append(_line(keys, "bright_black"))
    return Group(*parts[:height])


def plain_line(video: Mapping[str, Any], swarm: Mapping[str, Any]) -> str:
    """The same in one line, for who has no terminal."""
    text = f"{video['title']}: {_progress(video, swarm)}, {_rates(swarm)}"
    return " ".join(safe(text).split())


def closing_line(video: Mapping[str, Any], swarm: Mapping[str, Any]) -> str:
    """What came of it, in one line."""
    total = video["size"]
    came = f"{video['progress']:.0%} of {size(total)}" if total > 0 else "nothing came"
    if total > 0:
        came += " is here" if video["keep"] else " was here, nothing is kept"
    moved = f"got {size(swarm['downloaded'])}, gave {size(swarm['uploaded'])}"
    return " ".join(safe(f"{video['title']}: {came}, {moved}").split())


def _line(text: str, style: str = "") -> Text:
    return Text(" ".join(safe(text).split()), style, no_wrap=True, overflow="ellipsis")


def _progress(video: Mapping[str, Any], swarm: Mapping[str, Any]) -> str:
    total, done = video["size"], video["progress"]
    parts = [f"{done:.0%} of {size(total)}" if total > 0 else "waiting for what it is"]
    rate = swarm["download_rate"]
    if video["state"] == "complete":
        parts = [f"complete, {size(total)}"]
    elif rate > 0 and total > 0:
        parts.append(f"{clock((1 - done) * total / rate)} left")
    if video["detail"]:
        parts.append(video["detail"])
    return ", ".join(parts)


def _buffer(in_hand: Sequence[Buffer], video: Mapping[str, Any]) -> str:
    if not in_hand:
        return "no player reads it yet" if video["state"] != "complete" else "all of it is here"
    buffer = in_hand[0]
    if buffer.seconds is None:
        return f"player at {size(buffer.position)}, {size(buffer.bytes)} in hand"
    at = buffer.position / video["size"] * video["duration"]
    where = f"player at {clock(at)} of {clock(video['duration'])}"
    digits = 0 if buffer.seconds >= 10 else 1
    return f"{where}, {buffer.seconds:.{digits}f} s in hand"


def _is_short(in_hand: Sequence[Buffer]) -> bool:
    return bool(in_hand) and in_hand[0].bytes == 0


def _rates(swarm: Mapping[str, Any]) -> str:
    connected = sum(bool(peer["connected"]) for peer in swarm["peers"])
    return (
        f"↓ {size(swarm['download_rate'])}/s  ↑ {size(swarm['upload_rate'])}/s  "
        f"got {size(swarm['downloaded'])}, gave {size(swarm['uploaded'])}, "
        f"{connected} {'peer' if connected == 1 else 'peers'}"
    )


def _weight(peer: Mapping[str, Any]) -> tuple[bool, int, int]:
    moved = peer["downloaded"] + peer["uploaded"]
    return bool(peer["connected"]), peer["download_rate"] + peer["upload_rate"], moved


def _peers(peers: Sequence[Mapping[str, Any]], width: int) -> Table:
    """The table; with fewer columns where the terminal has fewer."""
    heads = next(heads for least, heads in _COLUMNS if width >= least)
    table = Table(box=None, pad_edge=False, expand="Client" in heads, header_style="bright_black")
    for head in heads:
        # Of what is too long, the client's name is cut first.
        table.add_column(
            head,
            justify="left" if head in _WORDS else "right",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if head == "Client" else None,
        )
    for peer in peers:
        cells = {
            "Peer": peer["address"],
            "Client": peer["client"],
            "By": peer["transport"],
            "Has": f"{peer['progress']:.0%}",
            "↓": _rate(peer["download_rate"]),
            "↑": _rate(peer["upload_rate"]),
            "Got": size(peer["downloaded"]),
            "Gave": size(peer["uploaded"]),
        }
        texts = (Text(" ".join(safe(cells[head]).split())) for head in heads)
        table.add_row(*texts, style="" if peer["connected"] else "bright_black")
    return table


def _rate(rate: int) -> str:
    return f"{size(rate)}/s" if rate else ""

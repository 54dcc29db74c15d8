"""What the demonstration shows: a proof as data, and as a table for people."""

from __future__ import annotations

import msgspec
from rich.box import ROUNDED
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .output import Output, size

EARLY = 0.2  # what plays before more than this has arrived, plays "while it arrives"


class NodeProof(msgspec.Struct, frozen=True, kw_only=True):
    """One of the nodes. `knows`: the names of its peers; `found`: seconds its search took."""

    name: str
    pid: int
    peer_id: str
    page: str
    data_dir: str
    knows: tuple[str, ...]
    found: float | None = None


class Transfer(msgspec.Struct, frozen=True):
    """How many payload bytes `giver` sent to `receiver`."""

    receiver: str
    giver: str
    bytes: int


class FirstByte(msgspec.Struct, frozen=True):
    """When the player had its first bytes: `seconds` after the click, at which `progress` 0..1."""

    seconds: float
    progress: float


class Sha256(msgspec.Struct, frozen=True):
    """Of the whole video: as its publisher signed it, as the player got it, as C's file is."""

    descriptor: str
    stream: str
    file: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What happened. `source_progress`: how much of the video B had when C began, 0..1."""

    video: str
    title: str
    size: int
    nodes: tuple[NodeProof, ...]
    source_progress: float
    first_byte: FirstByte
    transfers: tuple[Transfer, ...]
    sha256: Sha256
    seconds: float

    @property
    def watch(self) -> str:
        """The page at C that plays the clip."""
        return f"{self.nodes[-1].page}#/watch/{self.video}"

    def sent(self, giver: str, receiver: str) -> int:
        """The bytes that went from one node to another."""
        return sum(t.bytes for t in self.transfers if (t.giver, t.receiver) == (giver, receiver))


def failure(proof: Proof) -> str:
    """What the proof lacks, in one line; empty when it is whole."""
    sums = {proof.sha256.descriptor, proof.sha256.stream, proof.sha256.file}
    if len(sums) != 1:
        return "the SHA-256 of what arrived is not that of what was shared"
    for giver in ("A", "B"):
        if not proof.sent(giver, "C"):
            return f"C got nothing from {giver}"
    if proof.source_progress >= 1:
        return "B was done before C began"
    if proof.first_byte.progress > EARLY:
        return f"C began to play only when it had {proof.first_byte.progress:.0%}"
    return ""


def show(output: Output, proof: Proof) -> None:
    """Without --json: draw it."""
    if output.json:
        return
    parts = Group(_transfers(proof), Text(), _facts(proof))
    output.line("")
    output.console.print(
        Panel(parts, title="What happened", box=ROUNDED, expand=False, padding=(1, 2))
    )
    # Outside of the frame, which would cut them short on a narrow screen.
    for node in proof.nodes:
        output.line(f"  the page of {node.name}: {node.page}")
    output.line(f"  watch it at C: {proof.watch}")


def _transfers(proof: Proof) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    names = [node.name for node in proof.nodes]
    table.add_column("Received")
    for name in names:
        table.add_column(f"from {name}", justify="right")
    table.add_column("in all", justify="right")
    for receiver in names[1:]:
        counts = [proof.sent(giver, receiver) for giver in names]
        cells = [size(count) if count else "-" for count in counts]
        table.add_row(f"by {receiver}", *cells, Text(size(sum(counts)), style="bold"))
    return table


def _facts(proof: Proof) -> Table:
    table = Table.grid(padding=(0, 2))
    for node in proof.nodes:
        if node.found is not None:
            table.add_row(f"{node.name} found it", f"{node.found * 1000:.0f} ms after it asked")
    table.add_row("C began", f"when B had {proof.source_progress:.0%}")
    first = proof.first_byte
    table.add_row(
        "C played", f"{first.seconds * 1000:.0f} ms later, with {first.progress:.0%} of it here"
    )
    sums = proof.sha256
    for word, value in (("shared", sums.descriptor), ("played", sums.stream), ("kept", sums.file)):
        equal = value == sums.descriptor
        text = Text(f"{value[:32]}... ")
        text.append("equal" if equal else "DIFFERENT", style="green" if equal else "bold red")
        table.add_row(f"SHA-256 {word}", text)
    table.add_row("In all", f"{proof.seconds:.1f} s")
    return table

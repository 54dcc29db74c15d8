"""What the program prints: tables and progress for people, plain lines for pipes, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
)
from rich.table import Table
from rich.text import Text

from ..models import Visibility

STEP = 0.1  # plain lines: one per tenth


class Output:
    """Writes to stdout what was asked for, and to stderr what is said on the way."""

    def __init__(self, *, json: bool) -> None:
        self.json = json
        self.console = Console(markup=False, highlight=False, emoji=False)

    @property
    def for_people(self) -> bool:
        """Whether a person looks at stdout."""
        return self.console.is_terminal and not self.json

    def document(self, value: Any) -> None:
        """With --json: `value` as one line of JSON."""
        if self.json:
            sys.stdout.flush()
            sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")  # UTF-8, as RFC 8259 says
            sys.stdout.buffer.flush()

    def line(self, text: str) -> None:
        """Without --json: a line."""
        if not self.json:
            sys.stdout.write(safe(text) + "\n")
            sys.stdout.flush()

    def note(self, text: str) -> None:
        """Something said on the way, to stderr."""
        sys.stderr.write(safe(text) + "\n")
        sys.stderr.flush()

    def ask(self, text: str) -> None:
        """A question, to stderr; the answer is typed behind it."""
        sys.stderr.write(f"{safe(text)} ")
        sys.stderr.flush()

    def rows(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Without --json: a table for people, tab-separated lines for pipes."""
        if self.json:
            return
        if not self.for_people:
            for row in rows:
                self.line("\t".join(" ".join(cell.split()) for cell in row))
            return
        table = Table(*heads, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(Text(safe(cell)) for cell in row))
        self.console.print(table)


class Remaining(ProgressColumn):
    """The rate and the time remaining, as the task's fields `rate` and `remaining` say."""

    def render(self, task: Task) -> Text:
        """Draw the cell."""
        parts = []
        if task.fields.get("rate"):
            parts.append(f"{size(task.fields['rate'])}/s")
        if task.fields.get("remaining") is not None:
            parts.append(f"{clock(task.fields['remaining'])} left")
        return Text(", ".join(parts))


class Advance:
    """Progress of several things, each with a label: bars for people, else a line per tenth."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._last: dict[str, tuple[str, float]] = {}
        self._tasks: dict[str, TaskID] = {}
        self._bars: Progress | None = None
        if output.for_people:
            self._bars = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                Remaining(),
                console=output.console,
                transient=True,
            )

    def __enter__(self) -> Advance:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def show(
        self,
        label: str,
        stage: str,
        progress: float,
        rate: float = 0,
        remaining: float | None = None,
    ) -> None:
        """Show how far it is: `progress` 0..1, `rate` in bytes/s, `remaining` in seconds."""
        if self._bars is not None:
            if label not in self._tasks:
                self._tasks[label] = self._bars.add_task(safe(label), total=1.0)
            self._bars.update(
                self._tasks[label],
                description=safe(f"{label} {stage}".strip()),
                completed=progress,
                rate=rate,
                remaining=remaining,
            )
            return
        before = self._last.get(label, ("", -1.0))
        if stage != before[0] or progress >= before[1] + STEP:
            self._last[label] = (stage, progress)
            self._output.line(f"{label}: {stage} {progress:.0%}")


def safe(text: str) -> str:
    """Text from the network without control characters, which a terminal would obey."""
    return "".join(
        c if c.isprintable() or c in "\t\n" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def size(count: float) -> str:
    """Bytes in words."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"


def video_row(video: Mapping[str, Any]) -> tuple[str, ...]:
    """The cells of a video: id, state, duration, size, holders, title."""
    state = video["state"]
    if state == "fetching":
        state = f"fetching {video['progress']:.0%}"
    if video["visibility"] != Visibility.PUBLIC:
        state += f", {video['visibility']}"
    return (
        video["id"],
        state,
        clock(video["duration"]),
        size(video["size"]),
        str(len(video["holders"])),
        video["title"],
    )


VIDEO_HEADS = ("ID", "State", "Length", "Size", "Holders", "Title")

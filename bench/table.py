"""A table of results, as Markdown."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

IMAGES = "benchmarks"


@dataclass(frozen=True)
class Plot:
    """A picture of results: a PNG file, and what it shows in words."""

    path: Path
    shows: str


@dataclass
class Table:
    """Rows of cells under a title, and plots; `note` says how it was measured."""

    title: str
    columns: tuple[str, ...]
    note: str = ""
    rows: list[tuple[str, ...]] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def markdown(self) -> str:
        """Plots are expected in the folder `benchmarks` beside the page."""
        lines = [f"## {self.title}", ""]
        if self.note:
            lines += [self.note, ""]
        lines += [_line(self.columns), _line(("---",) * len(self.columns))]
        lines += [_line(row) for row in self.rows]
        for plot in self.plots:
            lines += ["", f"![{plot.shows}]({IMAGES}/{plot.path.name})"]
        return "\n".join([*lines, ""])


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"

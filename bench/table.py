"""A table of results, as Markdown."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Table:
    """Rows of cells under a title; `note` says how it was measured."""

    title: str
    columns: tuple[str, ...]
    note: str = ""
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def markdown(self) -> str:
        lines = [f"## {self.title}", ""]
        if self.note:
            lines += [self.note, ""]
        lines += [_line(self.columns), _line(("---",) * len(self.columns))]
        lines += [_line(row) for row in self.rows]
        return "\n".join([*lines, ""])


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"

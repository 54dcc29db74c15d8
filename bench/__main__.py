"""Measurements, side by side with other programs: `python -m bench [--write] [NAME...]`.

Prints a table per part; `--write` puts them into docs/benchmarks.md as well.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import media, page, tracker, transfer
from bench.lab import flash
from bench.table import Table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
PARTS: dict[str, Callable[[Path], list[Table]]] = {
    "media": media.tables,
    "transfer": transfer.tables,
    "page": page.tables,
    "tracker": tracker.tables,
    "lab": flash.tables,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--write", action="store_true", help=f"update docs/{PAGE.name}")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - PARTS.keys()
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    names = arguments.names or list(PARTS)
    tables = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="p2ptube-bench-") as directory:
            for table in PARTS[name](Path(directory)):
                print(table.markdown(), flush=True)
                tables.append(table)
    if arguments.write:
        PAGE.write_text(document(names, tables))


def document(names: list[str], tables: list[Table]) -> str:
    parts = "" if names == list(PARTS) else " " + " ".join(names)
    head = (
        "# Benchmarks\n\n"
        f"Written by `python -m bench --write{parts}` on {time.strftime('%Y-%m-%d')}: "
        f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}, "
        f"Python {platform.python_version()}. All processes of a measurement share these cores, "
        "and all traffic is on loopback. Ratios compare what ran in the same minutes; the rates "
        "themselves are those of this one machine. `make bench` prints the tables anew.\n\n"
    )
    return head + "\n".join(table.markdown() for table in tables)


if __name__ == "__main__":
    main()

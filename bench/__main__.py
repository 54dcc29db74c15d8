"""Measurements, side by side with other programs: `python -m bench [NAME...]`.

Prints a table per part; --write puts them into docs/benchmarks.md as well. The name of a group
(`lab`) stands for all of its parts (`lab.flash`). The laboratory obeys BENCH_LAB_RUNS (how often
our own program is measured), BENCH_LAB_RIVALS (0, or names with commas between) and
BENCH_LAB_TRACE (1, or a file: what every host sent, second by second).
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.lab.scenarios import arrivals, churn, flash, lan, many, mix, seeks, slow, watch
from bench.table import IMAGES, Table

from bench import document, media, no_keep, one_to_one, page, tracker, transfer, yielding

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
PARTS: dict[str, Callable[[Path], list[Table]]] = {
    "media": media.tables,
    "transfer": transfer.tables,
    "one": one_to_one.tables,
    "no-keep": no_keep.tables,
    "yielding": yielding.tables,
    "page": page.tables,
    "tracker": tracker.tables,
    "lab.flash": flash.tables,
    "lab.watch": watch.tables,
    "lab.arrivals": arrivals.tables,
    "lab.churn": churn.tables,
    "lab.mix": mix.tables,
    "lab.slow": slow.tables,
    "lab.lan": lan.tables,
    "lab.seeks": seeks.tables,
    "lab.many": many.tables,
}
GROUPS = sorted({name.partition(".")[0] for name in PARTS if "." in name})


def main() -> None:
    # An orderly end: the laboratory takes its network down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    arguments, names = _arguments()
    if os.geteuid() != 0 and any(name.startswith("lab.") for name in names):
        print("lab: needs root, for network namespaces; left out", file=sys.stderr)
        names = [name for name in names if not name.startswith("lab.")]
    for name in names:
        with tempfile.TemporaryDirectory(prefix="p2ptube-bench-") as directory:
            tables = PARTS[name](Path(directory))
            for table in tables:
                print(table.markdown(), flush=True)
            if arguments.plots is not None:
                _keep_plots(tables, arguments.plots)
            # After each part: what was measured is not lost where a later one fails.
            if arguments.write and tables:
                _keep_plots(tables, PAGE.parent / IMAGES)
                old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
                new = {name: section(name, tables)}
                PAGE.write_text(document.merged(old, new, PARTS), encoding="utf-8")


def _arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    known = ", ".join([*PARTS, *GROUPS])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {known}; all without one")
    parser.add_argument("--write", action="store_true", help=f"update docs/{PAGE.name}")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="put the plots there")
    arguments = parser.parse_args()
    try:
        return arguments, expand(arguments.names)
    except ValueError as error:
        parser.error(str(error))


def expand(names: Sequence[str]) -> list[str]:
    """The parts that are meant, in their order; ValueError for a name that is none."""
    unknown = [name for name in names if name not in PARTS and name not in GROUPS]
    if unknown:
        raise ValueError(f"no such part: {', '.join(unknown)}")
    return [part for part in PARTS if not names or part in names or part.partition(".")[0] in names]


def section(name: str, tables: Sequence[Table]) -> str:
    """What the page says of a part: when, where and how it was measured, and its tables."""
    head = (
        f"*`python -m bench --write {name}`, {time.strftime('%Y-%m-%d')}: {os.cpu_count()} cores "
        f"({platform.machine()}), {platform.system()}, Python {platform.python_version()}*"
    )
    return "\n".join([f"{head}\n", *(table.markdown() for table in tables)])


def _keep_plots(tables: Sequence[Table], directory: Path) -> None:
    for table in tables:
        for plot in table.plots:
            directory.mkdir(parents=True, exist_ok=True)
            shutil.copy(plot.path, directory / plot.path.name)


if __name__ == "__main__":
    main()

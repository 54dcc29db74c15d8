"""Pure: the page of all measurements, in which each part has its own section.

A section stands between two comments with the part's name, so that measuring one part again
leaves the others as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

HEAD = (
    "# Benchmarks\n\n"
    "Each section was written by `python -m bench --write NAME`, with the name that stands in it; "
    "without a name all parts are measured, and `make bench` prints their tables. All processes "
    "of a measurement share the cores of one machine, and all traffic stays on it: on loopback, "
    "and in the laboratory (`lab`) on network namespaces with shaped links, which need root. "
    "Ratios compare what ran in the same minutes; the rates themselves are those of the machine. "
    "How it is done and what can be chosen: [bench/README.md](../bench/README.md).\n"
)
_SECTION = re.compile(
    r"^<!-- part (?P<name>[\w.-]+) -->\n\n(?P<body>.*?)^\n<!-- end (?P=name) -->\n",
    re.MULTILINE | re.DOTALL,
)


def sections(page: str) -> dict[str, str]:
    """The sections of a page by the names of their parts."""
    return {found["name"]: found["body"] for found in _SECTION.finditer(page)}


def merged(page: str, new: Mapping[str, str], order: Iterable[str]) -> str:
    """The page with the `new` sections in it, in this order. A part that is not in it goes."""
    known = sections(page) | {name: f"{body.strip()}\n" for name, body in new.items()}
    parts = [
        f"<!-- part {name} -->\n\n{known[name]}\n<!-- end {name} -->\n"
        for name in order
        if name in known
    ]
    return "\n".join([HEAD, *parts])

"""Pure: what an HTTP range request asks for (RFC 9110, sections 8.8.3, 13 and 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_RANGES = 16
# More digits than any file has; `int` takes quadratic time and refuses beyond 4300.
MAX_DIGITS = 1000

Spec = tuple[int | None, int | None, int | None]  # first, last, suffix

_SPEC = re.compile(r"(?P<first>[0-9]+)-(?P<last>[0-9]*)|-(?P<suffix>[0-9]+)")
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAG_LIST = re.compile(rf"[ \t,]*{_TAG}[ \t]*(?:,[ \t]*(?:{_TAG}[ \t]*)?)*")
_ONE_TAG = re.compile(_TAG)


@dataclass(frozen=True)
class Range:
    """The bytes [start, end) of a content of `size` bytes; never empty."""

    start: int
    end: int
    size: int

    @property
    def content_range(self) -> str:
        """The value of Content-Range, whose last position is inclusive."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


@dataclass(frozen=True)
class Unsatisfiable:
    """A valid request for nothing that a content of `size` bytes has: status 416."""

    size: int

    @property
    def content_range(self) -> str:
        """The value of Content-Range."""
        return f"bytes */{self.size}"


def parse_range(header: str | None, size: int) -> Range | Unsatisfiable | None:
    """Return what a Range header asks for, or None where the whole content is to be sent.

    The whole is the answer to no header, another unit, malformed text and to several ranges with
    gaps; several that overlap or touch are joined. RFC 9110 allows each of these (section 14.2).
    """
    specs = _range_specs(header)
    if specs is None:
        return None
    spans = []
    for first, last, suffix in specs:
        start, end = _span(first, last, suffix, size)
        if start < end:
            spans.append((start, end))
        elif suffix:  # satisfiable, but Content-Range has no form for an empty part
            return None
    if not spans:
        return Unsatisfiable(size)
    spans.sort()
    start, end = spans[0]
    for next_start, next_end in spans[1:]:
        if next_start > end:
            return None
        end = max(end, next_end)
    return Range(start, end, size)


def _range_specs(header: str | None) -> list[Spec] | None:
    """Split the header; None where it must be ignored."""
    unit, equals, text = (header or "").partition("=")
    if not equals or unit.strip(" \t").lower() != "bytes":
        return None
    specs: list[Spec] = []
    for element in (part.strip(" \t") for part in text.split(",")):
        if not element:
            continue  # a list may have empty elements (section 5.6.1.2)
        match = _SPEC.fullmatch(element)
        if match is None or len(element) > MAX_DIGITS or len(specs) >= MAX_RANGES:
            return None
        first, last, suffix = (
            int(n) if n else None for n in match.group("first", "last", "suffix")
        )
        if first is not None and last is not None and last < first:
            return None
        specs.append((first, last, suffix))
    return specs or None


def _span(first: int | None, last: int | None, suffix: int | None, size: int) -> tuple[int, int]:
    if first is None:
        return max(0, size - (suffix or 0)), size
    return first, size if last is None else min(last + 1, size)


def if_range_matches(header: str, etag: str, last_modified: str | None) -> bool:
    """Whether a Range may be honoured under this If-Range (section 13.1.5).

    Only a strong entity tag or exactly the date that we sent matches; give `last_modified` only
    where it is a strong validator (section 8.8.2.2).
    """
    value = header.strip(" \t")
    if value.endswith('"'):
        return not value.startswith("W/") and not etag.startswith("W/") and value == etag
    return last_modified is not None and value == last_modified


def if_match(header: str, etag: str) -> bool:
    """Whether If-Match holds for an existing content: strong comparison (section 13.1.1)."""
    return header.strip(" \t") == "*" or (not etag.startswith("W/") and etag in _tags(header))


def if_none_match(header: str, etag: str) -> bool:
    """Whether If-None-Match holds, i.e. no tag matches: weak comparison (section 13.1.2)."""
    opaque = etag.removeprefix("W/")
    return header.strip(" \t") != "*" and opaque not in (
        t.removeprefix("W/") for t in _tags(header)
    )


def _tags(header: str) -> list[str]:
    return _ONE_TAG.findall(header) if _TAG_LIST.fullmatch(header) else []

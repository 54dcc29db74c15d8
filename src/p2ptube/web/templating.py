"""Pages that are made on the server: jinja2 templates, in which all text is escaped."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Path(__file__).parent / "templates"
_UNITS = ("kB", "MB", "GB", "TB", "PB")


def render(name: str, **values: Any) -> str:
    """Return the template `name`, filled in."""
    return _environment.get_template(name).render(values)


def size_text(size: int) -> str:
    """A size in bytes for people, such as `1.5 GB`."""
    if size < 1000:
        return f"{size} bytes"
    power = min(len(str(size)) - 1, 3 * len(_UNITS)) // 3
    amount = size / 1000**power
    unit = _UNITS[power - 1]
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:.0f} {unit}"


def duration_text(seconds: float) -> str:
    """A duration for people, such as `3:07` or `1:02:03`."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours}:{minutes:02}:{whole % 60:02}"
    return f"{minutes}:{whole % 60:02}"


def duration_code(seconds: float) -> str:
    """A duration as HTML and RFC 3339 write it, such as `PT187S`."""
    return f"PT{round(seconds)}S"


def day_text(moment: float) -> str:
    """The day of a Unix time, in UTC, as `2024-05-31`; empty where no calendar has it."""
    try:
        return datetime.datetime.fromtimestamp(moment, datetime.UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def _make_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "size": size_text,
        "duration": duration_text,
        "duration_code": duration_code,
        "day": day_text,
    }
    return environment


_environment = _make_environment()

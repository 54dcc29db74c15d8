"""Makes pictures small enough to be kept with the sources."""

from __future__ import annotations

from pathlib import Path

import av

_QUALITY = "88"  # text keeps its edges; a screen of posters takes about 100 kB


def to_webp(file: Path) -> Path:
    """Replace a PNG by a WebP of the same name; returns its path."""
    with av.open(str(file)) as source:
        frame = next(source.decode(video=0))
    made = file.with_suffix(".webp")
    with av.open(str(made), "w", format="webp") as out:
        options = {"quality": _QUALITY, "preset": "text"}
        stream = out.add_stream("libwebp", options=options)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "bgra"
        # The encoder makes its own YUV of it, whose range is right.
        out.mux(stream.encode(frame.reformat(format="bgra")))
        out.mux(stream.encode(None))
    file.unlink()
    return made

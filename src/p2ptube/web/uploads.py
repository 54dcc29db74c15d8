"""Multipart uploads (RFC 7578), handed on as they arrive: nothing is collected or put aside."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from ..errors import Cancelled, InvalidInput
from ..models import Visibility

FIELD = b"file"
TITLE = b"title"
VISIBILITY = b"visibility"
MOST_TITLE_BYTES = 2000  # 500 characters in UTF-8 at the longest


class Upload(NamedTuple):
    """What came in front of a file's bytes, and those as they arrive."""

    file_name: str
    chunks: AsyncIterator[bytes]
    title: str | None
    visibility: Visibility


class FileField:
    """Finds the one part named `file` in a multipart body that is fed piece by piece.

    `name` is None until the part's header has been read. The parts `title` and `visibility` are
    collected, to be of use if they come before the file; other parts are skipped.
    """

    def __init__(self, boundary: bytes) -> None:
        self.name: str | None = None
        self.ended = False  # the closing boundary was seen
        self._inside = b""  # the name of the part that is being read, if it is one of ours
        self._texts = {TITLE: bytearray(), VISIBILITY: bytearray()}
        self._field = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._data: list[bytes] = []
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes of the body, give the bytes of the file in them.

        Raises InvalidInput where the body is malformed, holds a second file, or a title that is
        too long.
        """
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise InvalidInput(f"malformed multipart body: {error}") from error
        data = b"".join(self._data)
        self._data.clear()
        return data

    @property
    def title(self) -> str | None:
        """The title, as far as it was read; None without one."""
        return self._texts[TITLE].decode("utf-8", "replace").strip() or None

    @property
    def visibility(self) -> Visibility:
        """The visibility; public without one. Raises InvalidInput for one that there is not."""
        text = self._texts[VISIBILITY].decode("utf-8", "replace").strip()
        try:
            return Visibility(text or Visibility.PUBLIC)
        except ValueError as error:
            raise InvalidInput("visibility is public, unlisted or private") from error

    def _part_begin(self) -> None:
        self._disposition = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"")
        if name in self._texts:
            if name == VISIBILITY and self.name is not None:
                # Too late: the file before it would have been public for a moment.
                raise InvalidInput("send the visibility in front of the file")
            self._inside = name
        if options.get(b"name") != FIELD:
            return
        if b"filename" not in options:
            raise InvalidInput("the part `file` has no file name")
        if self.name is not None:
            raise InvalidInput("send one file per request")
        self.name = base_name(options[b"filename"])
        self._inside = FIELD

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._inside == FIELD:
            self._data.append(data[start:end])
        elif self._inside in self._texts:
            text = self._texts[self._inside]
            text += data[start:end]
            if len(text) > MOST_TITLE_BYTES:
                name = self._inside.decode()
                raise InvalidInput(f"the {name} is too long: 500 characters are the most")

    def _part_end(self) -> None:
        self._inside = b""

    def _end(self) -> None:
        self.ended = True


def base_name(raw: bytes) -> str:
    """The last component of a client's file name, without control characters."""
    text = re.split(r"[/\\]", raw.decode("utf-8", "replace"))[-1]
    return "".join(c for c in text if c.isprintable()).strip() or "video"


async def receive_file(request: Request) -> Upload:
    """Return the file's name, its bytes, and the title and visibility in front of it.

    The bytes are read from the network as they are asked for.

    Raises InvalidInput where the body is not multipart with a part `file`; so does the iterator
    where the body breaks off, and Cancelled where the client goes away.
    """
    _, options = parse_options_header(request.headers.get("content-type"))
    if not options.get(b"boundary"):
        raise InvalidInput("the multipart body has no boundary")
    try:
        field = FileField(options[b"boundary"])
    except FormParserError as error:
        raise InvalidInput(f"malformed multipart body: {error}") from error
    body = _body(request)
    async for chunk in body:
        first = field.feed(chunk)
        if field.name is not None:
            return Upload(field.name, _rest(field, first, body), field.title, field.visibility)
    raise InvalidInput("the multipart body has no part named `file`")


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect as error:
        raise Cancelled("the upload was broken off") from error


async def _rest(field: FileField, first: bytes, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for chunk in body:
        if data := field.feed(chunk):
            yield data
    if not field.ended:
        raise InvalidInput("the upload ends too early")

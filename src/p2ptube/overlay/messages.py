"""The payload grammar of every message, both ways. Pure.

Classic messages are UTF-8 text, tokens parted by white space. Extensions are JSON. Whatever is
malformed raises ProtocolViolation and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec

from ..errors import InvalidInput, ProtocolViolation
from ..models import ClassicFile, Found, Hex40, Hex64, Holder, Model, PeerAddress, Port, ShortText

NAME = "NAME"
LIST = "LIST"
JOIN = "JOIN"
QUERY = "QUER"
RESPONSE = "RESP"
GET_FILE = "FGET"
QUIT = "QUIT"
PING = "PING"
HELLO = "HELO"
FIND = "FIND"
METADATA = "META"
BLOB = "BLOB"
ANNOUNCE = "ANNO"

JOIN_ADDED = "Join: peer added: {}"
JOIN_FULL = "Join: too many peers"
JOIN_KNOWN = "Join: peer already inserted {}"
JOIN_MALFORMED = "Join: incorrect arguments"
QUERY_ACK = "Query ACK: {}"
QUERY_MALFORMED = "Query: incorrect arguments"
QUIT_REMOVED = "Quit: peer removed: {}"
QUIT_UNKNOWN = "Quit: peer not found: {}"
FILE_NOT_FOUND = "File not found"
FILE_UNREADABLE = "Error reading file"
HELLO_MALFORMED = "Hello: incorrect arguments"
FIND_MALFORMED = "Find: incorrect arguments"
FIND_DUPLICATE = "Find: duplicate query"
METADATA_MALFORMED = "Metadata: incorrect arguments"
METADATA_NOT_FOUND = "Metadata not found"
BLOB_MALFORMED = "Blob: incorrect arguments"
BLOB_NOT_FOUND = "Blob not found"
ANNOUNCE_MALFORMED = "Announce: incorrect arguments"
ANNOUNCE_UNKNOWN = "Announce: no such torrent"

MAX_LISTED = 1000  # peers taken from one answer to LIST
MAX_NAME = 1024  # characters in a file name, as in models.ClassicFile
MAX_KEY = 500
MAX_LEECHERS = 64  # told in one answer to ANNO

Age = Annotated[float, msgspec.Meta(ge=0)]  # in seconds

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")


class Hello(Model, frozen=True, kw_only=True):
    """HELO and its answer: who speaks. `key` is an Ed25519 public key, base64 in JSON."""

    peer: ShortText
    name: Annotated[str, msgspec.Meta(max_length=100)] = ""
    key: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    versions: Annotated[tuple[int, ...], msgspec.Meta(min_length=1, max_length=16)] = (1,)
    swarm_port: Port = 0
    public_url: ShortText = ""


class Find(Model, frozen=True, kw_only=True, omit_defaults=True):
    """FIND: a search that is flooded. An answer is a `models.Found` in each REPL.

    `peer` is the id of the peer that sent this copy, which then need not get it back. `classic`
    is the id to which classic peers shall send RESP: whoever relays the FIND asks its classic
    peers with a QUER in that name.
    """

    id: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z_-]{1,64}\\Z")]
    text: ShortText
    ttl: Annotated[int, msgspec.Meta(ge=0, le=255)]
    limit: Annotated[int, msgspec.Meta(ge=0, le=10_000)]
    peer: ShortText = ""
    classic: ShortText = ""


class MetadataRequest(Model, frozen=True, kw_only=True):
    """META: ask for a torrent's info dictionary."""

    info_hash: Hex40


class BlobRequest(Model, frozen=True, kw_only=True):
    """BLOB: ask for an attachment."""

    sha256: Hex64


class Announce(Model, frozen=True, kw_only=True, omit_defaults=True):
    """ANNO: the sender fetches a torrent, or does so no more. As in BEP 3, among peers.

    `peer` is its overlay id. It listens for the swarm on `port` of the address it sends from.
    `lane`: whether it passes on what it gets, as fast as others do, so that it may have a lane.
    """

    info_hash: Hex40
    peer: ShortText
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    stopped: bool = False
    lane: bool = True


class Announced(Model, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to ANNO: who else fetches that torrent, and whether the answerer has it whole.

    `ages` tells for each of the leechers for how many seconds it has been known to fetch it,
    `lanes` whether it has a lane.
    """

    complete: bool = False
    leechers: Annotated[tuple[Holder, ...], msgspec.Meta(max_length=MAX_LEECHERS)] = ()
    ages: Annotated[tuple[Age, ...], msgspec.Meta(max_length=MAX_LEECHERS)] = ()
    lanes: Annotated[tuple[bool, ...], msgspec.Meta(max_length=MAX_LEECHERS)] = ()


@dataclass(frozen=True)
class PeerEntry:
    """`peer-id host port`: the payload of JOIN, and a line of the answer to LIST."""

    peer_id: str
    address: PeerAddress


@dataclass(frozen=True)
class Query:
    """QUER: `return-peer-id key ttl`. `token` is the key as it stood in the message."""

    return_peer: PeerAddress
    key: str
    ttl: int
    token: str


def quote(name: str) -> str:
    """Percent-encode what would break a classic peer's tokens: space, control, `%`, `:`, `/`.

    Raises InvalidInput where the name is empty or no Unicode text.
    """
    if not name:
        raise InvalidInput("an empty name cannot be sent")
    try:
        name.encode()
    except UnicodeError as error:
        raise InvalidInput(f"not Unicode text: {name[:100]!r}") from error
    return "".join(_quoted(c) if _is_special(c) else c for c in name)


def unquote(token: str) -> str:
    """Undo `quote`. A token with a malformed sequence is taken literally."""
    if token.count("%") != len(_ESCAPE.findall(token)):
        return token
    raw = bytearray()
    end = 0
    for match in _ESCAPE.finditer(token):
        raw += token[end : match.start()].encode()
        raw.append(int(match[1], 16))
        end = match.end()
    raw += token[end:].encode()
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return token


def text_of(payload: bytes) -> str:
    """Decode a text payload, without the white space around it. Raises ProtocolViolation."""
    try:
        return payload.decode().strip()
    except UnicodeDecodeError as error:
        raise ProtocolViolation("the payload is not UTF-8") from error


def parse_peer_id(text: str) -> PeerAddress:
    """Parse a peer id `host:port` as a peer sent it. Raises ProtocolViolation."""
    try:
        address = PeerAddress.parse(text)
    except InvalidInput as error:
        raise ProtocolViolation(f"not a peer id: {text[:100]!r}") from error
    if address.port == 0:
        raise ProtocolViolation("a peer id with port 0")
    return address


def encode_entry(entry: PeerEntry) -> bytes:
    """Encode the payload of JOIN, or a line of LIST."""
    return f"{entry.peer_id} {entry.address.host} {entry.address.port}".encode()


def decode_entry(payload: bytes) -> PeerEntry:
    """Decode the payload of JOIN, or a line of LIST. Raises ProtocolViolation."""
    tokens = text_of(payload).split()
    if len(tokens) != 3:
        raise ProtocolViolation("expected: peer-id host port")
    peer_id, host, port = tokens
    parse_peer_id(peer_id)
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return PeerEntry(peer_id, parse_peer_id(f"{bracketed}:{port}"))


def encode_list(entries: Sequence[PeerEntry]) -> list[bytes]:
    """Encode the REPL payloads of an answer to LIST: the count, then the peers."""
    return [str(len(entries)).encode(), *(encode_entry(entry) for entry in entries)]


def decode_list(replies: Sequence[bytes]) -> list[PeerEntry]:
    """Decode an answer to LIST; lines that name no peer are left out.

    Raises ProtocolViolation where it does not begin with a count.
    """
    if not replies or not re.fullmatch(r"[0-9]{1,9}", text_of(replies[0])):
        raise ProtocolViolation("an answer to LIST must begin with a count")
    entries = []
    for line in replies[1 : MAX_LISTED + 1]:
        try:
            entries.append(decode_entry(line))
        except ProtocolViolation:
            continue
    return entries


def encode_query(return_peer: str, key: str, ttl: int) -> bytes:
    """Encode QUER. `key` is the plain text. Raises InvalidInput where it cannot be sent."""
    return f"{return_peer} {quote(key)} {ttl}".encode()


def decode_query(payload: bytes) -> Query:
    """Decode QUER; a negative TTL counts as 0. Raises ProtocolViolation."""
    tokens = text_of(payload).split()
    if len(tokens) != 3:
        raise ProtocolViolation("expected: return-peer-id key ttl")
    return_peer, token, ttl = tokens
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", ttl, re.ASCII) or len(token) > 12 * MAX_KEY:
        raise ProtocolViolation("not a TTL, or too long a key")
    return Query(parse_peer_id(return_peer), unquote(token), max(0, int(ttl)), token)


def encode_response(file: ClassicFile) -> bytes:
    """Encode RESP. Raises InvalidInput where the name cannot be sent."""
    return f"{quote(file.file_name)} {file.holder}".encode()


def decode_response(payload: bytes) -> ClassicFile:
    """Decode RESP. The last token is the holder: some names come with spaces.

    Raises ProtocolViolation.
    """
    tokens = text_of(payload).rsplit(None, 1)
    if len(tokens) != 2:
        raise ProtocolViolation("expected: file-name holder-peer-id")
    name = unquote(tokens[0])
    if not name.strip() or len(name) > MAX_NAME:
        raise ProtocolViolation("a file name that is empty or too long")
    return ClassicFile(file_name=name, holder=parse_peer_id(tokens[1]))


def encode_json(message: Model) -> bytes:
    """Encode the payload of an extension, or an answer to one."""
    return msgspec.json.encode(message)


_Message = TypeVar("_Message")


def _decoder(kind: type[_Message]) -> Callable[[bytes], _Message]:
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(kind).decode

    def checked(payload: bytes) -> _Message:
        try:
            message: _Message = decode(payload)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise ProtocolViolation(f"malformed {kind.__name__}: {error}") from error
        return message

    return checked


decode_hello = _decoder(Hello)
decode_find = _decoder(Find)
decode_found = _decoder(Found)
decode_metadata_request = _decoder(MetadataRequest)
decode_blob_request = _decoder(BlobRequest)
decode_announce = _decoder(Announce)
decode_announced = _decoder(Announced)


def _is_special(char: str) -> bool:
    return char in "%:/" or char.isspace() or ord(char) < 32 or 127 <= ord(char) < 160


def _quoted(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode())

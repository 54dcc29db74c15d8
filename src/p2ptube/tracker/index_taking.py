"""SQL of what an index takes in, and of what it forgets. Runs in the index's writing thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidInput
from ..models import Descriptor, SignedDescriptor
from ..storage.text import fold
from .addresses import household
from .index import (
    EXPIRY,
    TAKEN_OUT,
    WINDOW,
    Held,
    Known,
    Limits,
    Publication,
    Receipt,
    Verdict,
    check_fresh,
    holder_addresses,
    judge,
    wants,
)


@dataclass(frozen=True)
class Described:
    """A descriptor with its envelope, whose signature was verified."""

    envelope: SignedDescriptor
    descriptor: Descriptor


@dataclass
class Totals:
    """How much is in the index: counted anew by `forget`, and kept up meanwhile."""

    videos: int = 0
    holdings: int = 0
    payload_bytes: int = 0


@dataclass(frozen=True)
class _Row:
    """A video that the index knows."""

    number: int
    known: Known


class Taking:
    """Takes in one publication of the node that has `key`, sent from the address `source`."""

    def __init__(
        self,
        db: sqlite3.Connection,
        limits: Limits,
        totals: Totals,
        *,
        key: bytes,
        source: bytes,
        now: float,
    ) -> None:
        self._db = db
        self._limits = limits
        self._totals = totals
        self._key = key
        self._source = source
        self._address = household(source)
        self._now = now

    def take(self, publication: Publication, index: str, described: Sequence[Described]) -> Receipt:
        """Do what it says. Raises Conflict where it is stale, InvalidInput."""
        row = self._one("SELECT number, published_at FROM nodes WHERE key = ?", self._key)
        check_fresh(publication, index, row[1] if row else None, self._now)
        self._node = self._put_node(publication, row[0] if row else None)
        if publication.leave:
            self._withdraw("")
        for video in publication.withdraw:
            self._withdraw("AND video = (SELECT number FROM videos WHERE id = ?)", video)
        self._room, self._bytes = self._rooms()
        wanted: list[str] = []
        refused: dict[str, str] = {}
        for each in described:
            try:
                self._describe(each)
            except InvalidInput as error:
                refused[each.descriptor.id] = str(error)
        for held in publication.hold:
            try:
                if self._hold(held):
                    wanted.append(held.id)
            except InvalidInput as error:
                refused[held.id] = str(error)
        return Receipt(wanted=tuple(wanted), refused=refused)

    # --- the node ------------------------------------------------------------------------------

    def _put_node(self, publication: Publication, number: int | None) -> int:
        peer, swarm = holder_addresses(publication, self._source)
        if number is None:
            nodes = self._count("SELECT count(*) FROM nodes WHERE address = ?", self._address)
            if nodes >= self._limits.nodes_per_address:
                raise InvalidInput("too many nodes of one address")
        values = (self._key, self._address, peer, " ".join(swarm), publication.at)
        self._db.execute(
            "INSERT INTO nodes (key, address, peer, swarm, published_at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET address = excluded.address, peer = excluded.peer, "
            "swarm = excluded.swarm, published_at = excluded.published_at",
            values,
        )
        return number or self._count("SELECT number FROM nodes WHERE key = ?", self._key)

    def _withdraw(self, which: str, *values: str) -> None:
        rows = self._db.execute(
            f"DELETE FROM holdings WHERE node = ? {which} RETURNING video",  # noqa: S608
            (self._node, *values),
        ).fetchall()
        self._totals.holdings -= len(rows)
        self._totals.videos -= _delete_unheld(self._db, [number for (number,) in rows])

    def _rooms(self) -> tuple[int, int]:
        """How many holdings and bytes of descriptors may be added."""
        limits, totals = self._limits, self._totals
        of_node = self._count("SELECT count(*) FROM holdings WHERE node = ?", self._node)
        of_address = self._count(
            "SELECT count(*) FROM nodes JOIN holdings ON node = number WHERE address = ?",
            self._address,
        )
        used = self._count(
            "SELECT coalesce(sum(length(payload)), 0) FROM videos WHERE address = ?", self._address
        )
        holdings = min(
            limits.held_per_node - of_node,
            limits.held_per_address - of_address,
            limits.held_in_all - totals.holdings,
        )
        return holdings, min(
            limits.bytes_per_address - used, limits.bytes_in_all - totals.payload_bytes
        )

    # --- its videos ----------------------------------------------------------------------------

    def _hold(self, held: Held) -> bool:
        """Note that the node holds a video; whether the index wants its descriptor."""
        row = self._find(held.id)
        try:
            wanted = wants(held, row.known if row else None)
        except InvalidInput:
            # Somebody still has the older description: kept out for as long as that is so.
            self._db.execute(
                "UPDATE videos SET taken_out = ? WHERE id = ?", (self._now + TAKEN_OUT, held.id)
            )
            raise
        if row is not None and not row.known.unlisted:
            self._put_holding(row.number)
        return wanted

    def _describe(self, described: Described) -> None:
        envelope, video = described.envelope, described.descriptor.id
        row = self._find(video)
        verdict = judge(described.descriptor, envelope.key, row.known if row else None)
        if verdict is Verdict.TAKE_OUT:
            self._take_out(described)
            return
        if verdict is not Verdict.KEEP:
            self._bytes -= len(envelope.payload)
            self._totals.payload_bytes += len(envelope.payload)
            if self._bytes < 0 or (row is None and self._room <= 0):
                raise InvalidInput("the index has no more room for videos of this node or address")
            self._put_video(described)
            self._totals.videos += row is None or row.known.unlisted
            row = self._find(video)
        assert row is not None
        self._put_holding(row.number)

    def _find(self, video: str) -> _Row | None:
        row = self._one("SELECT number, key, sequence, taken_out FROM videos WHERE id = ?", video)
        if row is None:
            return None
        return _Row(row[0], Known(key=row[1], sequence=row[2], unlisted=row[3] is not None))

    def _put_video(self, described: Described) -> None:
        envelope, descriptor = described.envelope, described.descriptor
        values = (envelope.key, descriptor.sequence, envelope.payload, envelope.sig, self._address)
        (number,) = self._db.execute(
            "INSERT INTO videos (id, key, sequence, payload, sig, address) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET key = excluded.key, "
            "sequence = excluded.sequence, payload = excluded.payload, sig = excluded.sig, "
            "address = excluded.address, taken_out = NULL RETURNING number",
            (descriptor.id, *values),
        ).fetchall()[0]
        self._db.execute("DELETE FROM video_text WHERE rowid = ?", (number,))
        texts = (descriptor.title, descriptor.description, descriptor.sources[0].file_name)
        self._db.execute(
            "INSERT INTO video_text (rowid, title, description, file_name, publisher) "
            "VALUES (?, ?, ?, ?, ?)",
            (number, *map(fold, (*texts, descriptor.publisher))),
        )

    def _take_out(self, described: Described) -> None:
        """Forget a video; only that its publisher took it out is remembered, for some time."""
        row = self._find(described.descriptor.id)
        assert row is not None  # what the index does not know is not taken out of it
        self._totals.videos -= not row.known.unlisted
        self._db.execute(
            "UPDATE videos SET sequence = ?, payload = '', sig = '', taken_out = ? "
            "WHERE number = ?",
            (described.descriptor.sequence, self._now + TAKEN_OUT, row.number),
        )
        self._db.execute("DELETE FROM video_text WHERE rowid = ?", (row.number,))
        gone = self._db.execute("DELETE FROM holdings WHERE video = ?", (row.number,))
        self._totals.holdings -= gone.rowcount

    def _put_holding(self, video: int) -> None:
        renewed = self._db.execute(
            "UPDATE holdings SET expires = ? WHERE video = ? AND node = ?",
            (self._now + EXPIRY, video, self._node),
        ).rowcount
        if renewed:
            return
        if self._room <= 0:
            raise InvalidInput("the index has no more room for videos of this node or address")
        self._room -= 1
        self._totals.holdings += 1
        self._db.execute(
            "INSERT INTO holdings (video, node, expires) VALUES (?, ?, ?)",
            (video, self._node, self._now + EXPIRY),
        )

    def _one(self, query: str, value: bytes | str | int) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._db.execute(query, (value,)).fetchone()
        return row

    def _count(self, query: str, value: bytes | str | int) -> int:
        return int(self._db.execute(query, (value,)).fetchone()[0])


def forget(db: sqlite3.Connection, now: float) -> Totals:
    """Forget what was not renewed, and who holds nothing any more; count what is left."""
    expired = db.execute("DELETE FROM holdings WHERE expires <= ? RETURNING video", (now,))
    _delete_unheld(db, [number for (number,) in expired.fetchall()])
    db.execute("DELETE FROM videos WHERE taken_out <= ?", (now,))
    # Not at once: while its last publication is fresh, it could be sent again by anybody.
    db.execute(
        "DELETE FROM nodes WHERE published_at < ? "
        "AND NOT EXISTS (SELECT 1 FROM holdings WHERE node = number)",
        ((now - 2 * WINDOW) * 1000,),
    )
    videos, size = db.execute(
        "SELECT count(*), coalesce(sum(length(payload)), 0) FROM videos WHERE taken_out IS NULL"
    ).fetchone()
    holdings = db.execute("SELECT count(*) FROM holdings").fetchone()[0]
    return Totals(videos=videos, holdings=holdings, payload_bytes=size)


def wake_up(db: sqlite3.Connection, now: float) -> Totals:
    """After a time in which nobody could renew: nothing expires before everybody could."""
    db.execute("UPDATE holdings SET expires = ? WHERE expires < ?", (now + EXPIRY, now + EXPIRY))
    return forget(db, now)


def _delete_unheld(db: sqlite3.Connection, numbers: Sequence[int]) -> int:
    """Delete those of these videos that nobody holds any more; how many they were."""
    if not numbers:
        return 0
    gone = db.executemany(
        "DELETE FROM videos WHERE number = ? AND taken_out IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM holdings WHERE video = number)",
        [(number,) for number in set(numbers)],
    )
    return gone.rowcount

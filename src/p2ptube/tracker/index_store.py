"""An index over its SQLite file: it takes publications in, answers searches, and forgets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..descriptor import open_envelope
from ..errors import BadSignature, PeerFault, StorageError
from ..models import Found
from ..storage.database import Database
from ..tasks import cancel_all
from .index import IndexInfo, Limits, Publication, Receipt, open_publication
from .index_schema import migrate
from .index_search import Query, search
from .index_taking import Described, Taking, Totals, forget, wake_up

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0


class Index:
    """The index of a tracker: who holds which video. A restart forgets nothing."""

    def __init__(
        self,
        database: Database,
        index_id: str,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.id = index_id
        self._db = database
        self._limits = limits or Limits()
        self._clock = clock
        self._totals = Totals()
        self._sweeping: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, path: Path, *, limits: Limits | None = None, clock: Callable[[], float] = time.time
    ) -> Index:
        """Open the index in the file `path`, or create it. `clock` gives Unix seconds.

        Raises StorageError where the file is damaged, written by a newer release or no index.
        """
        database = await Database.open(path, "index", migrate)
        try:
            index = cls(database, await database.read(_id), limits=limits, clock=clock)
            index._totals = await database.write(lambda db: wake_up(db, clock()))
        except BaseException:
            await database.close()
            raise
        index._sweeping = asyncio.create_task(index._sweep_regularly(), name="index")
        return index

    async def close(self) -> None:
        """Finish the writes that were asked for, and close the file."""
        if self._sweeping is not None:
            await cancel_all(self._sweeping)
        await self._db.close()

    def info(self) -> IndexInfo:
        """What the index says of itself."""
        return IndexInfo(
            id=self.id,
            now=int(self._clock() * 1000),
            videos=self._totals.videos,
            holders=self._totals.holdings,
        )

    async def publish(self, body: bytes, source: bytes) -> Receipt:
        """Take in a signed publication that came from the IP address `source` (packed).

        Raises ProtocolViolation, BadSignature, Conflict where it is stale (it was sent before, or
        is for another index or time), InvalidInput, StorageError.
        """
        # Signatures take time: not on the event loop.
        key, publication, described = await asyncio.to_thread(_opened, body)
        now = self._clock()

        def take(db: sqlite3.Connection) -> tuple[Receipt, Totals]:
            totals = replace(self._totals)
            taking = Taking(db, self._limits, totals, key=key, source=source, now=now)
            return taking.take(publication, self.id, described), totals

        receipt, self._totals = await self._db.write(take)
        return receipt

    async def search(self, query: Query) -> list[Found]:
        """The videos that match, best first, each with some of its holders. Raises StorageError."""
        now = self._clock()
        return await self._db.read(lambda db: search(db, query, now))

    async def sweep(self) -> None:
        """Forget what has expired. Raises StorageError."""
        now = self._clock()
        self._totals = await self._db.write(lambda db: forget(db, now))

    async def _sweep_regularly(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            with contextlib.suppress(StorageError):  # a full disk is told to who publishes
                await self.sweep()


def _opened(body: bytes) -> tuple[bytes, Publication, list[Described]]:
    key, publication = open_publication(body)
    described = []
    for envelope in publication.describe:
        try:
            described.append(Described(envelope, open_envelope(envelope)))
        except PeerFault as error:
            raise BadSignature(f"a descriptor in the publication: {error}") from error
    return key, publication, described


def _id(db: sqlite3.Connection) -> str:
    value: str = db.execute("SELECT value FROM about WHERE key = 'id'").fetchone()[0]
    return value

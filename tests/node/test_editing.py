"""What changes a record: the user, and a publisher whom others have told of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.swarm.swarming import Film, Peer, make_film, peer

from p2ptube.descriptor import parse_payload, seal
from p2ptube.errors import Conflict, NotFound
from p2ptube.identity import Identity
from p2ptube.library import Library, VideoRecord
from p2ptube.models import Descriptor, Found, Source, VideoState, Visibility
from p2ptube.node.catalog import Catalog, described
from p2ptube.node.editing import Editing, widest
from p2ptube.node.sharing import Sharing

US, PUBLISHER, STRANGER = (Identity(bytes([number]) * 32) for number in range(3))
SECONDS = 30


class Rig:
    """A catalog with one complete video, and the real session that seeds it."""

    def __init__(self, library: Library, swarm: Peer, film: Film) -> None:
        self.film = film
        self.id = film.hashed.info_hash
        self.session = swarm.session
        self.catalog = Catalog(library)
        sharing = Sharing(swarm.session, self.catalog, lambda record: record.trackers)
        self.editing = Editing(self.catalog, sharing, US, swarm.session.remove)
        self.catalog.on_newer = self.editing.take
        self.changed = asyncio.Event()
        self.catalog.on_change = lambda _: self.changed.set()

    def descriptor(self, **fields: Any) -> Descriptor:
        hashed = self.film.hashed
        source = Source(
            info_hash=hashed.info_hash,
            file_name=self.film.path.name,
            size=hashed.size,
            piece_length=hashed.piece_length,
            sha256=hashed.sha256,
        )
        values = {"title": "a film", "duration": 1, "width": 1, "height": 1, "published_at": 1}
        return Descriptor(**{**values, "sources": (source,), **fields})

    async def hold(self, publisher: Identity, **fields: Any) -> None:
        """Have the video, with a descriptor of these fields."""
        descriptor = self.descriptor(**fields)
        await self.catalog.put(
            VideoRecord(
                envelope=seal(descriptor, publisher),
                id=self.id,
                path=str(self.film.path),
                state=VideoState.COMPLETE,
                added_at=1.0,
                mine=publisher is US,
                torrent=self.film.hashed.info,
                visibility=Visibility.UNLISTED if descriptor.unlisted else Visibility.PUBLIC,
                **described(descriptor),
            )
        )
        await self.editing.update(self.id, visibility=None)

    @property
    def record(self) -> VideoRecord:
        record = self.catalog.record(self.id)
        assert record is not None
        return record

    def signed(self) -> Descriptor:
        assert self.record.envelope is not None
        return parse_payload(self.record.envelope.payload)

    async def hear(self, publisher: Identity, **fields: Any) -> None:
        """Hear of a descriptor of the video in an answer, and wait for what comes of it."""
        found = Found(descriptor=seal(self.descriptor(**fields), publisher), holders=())
        self.changed.clear()
        self.catalog.heard(found)
        if self.editing._taking is not None:
            async with asyncio.timeout(SECONDS):
                await self.editing._taking


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    library = await Library.open(tmp_path / "library.db")
    async with peer() as swarm:
        film = make_film(tmp_path / "film.mp4", 300_000)
        yield Rig(library, swarm, film)
    await library.close()


async def test_our_descriptor_says_that_it_is_unlisted(rig: Rig) -> None:
    await rig.hold(US)
    assert rig.session.get(rig.id) is not None
    await rig.editing.update(rig.id, visibility=Visibility.UNLISTED)
    assert (rig.signed().unlisted, rig.signed().sequence) == (True, 1)
    await rig.editing.update(rig.id, visibility=Visibility.PRIVATE)
    assert rig.session.get(rig.id) is None
    # Nobody will see it: there is nothing new to sign.
    assert (rig.signed().unlisted, rig.signed().sequence) == (True, 1)
    await rig.editing.update(rig.id, visibility=Visibility.PUBLIC, title="again")
    assert (rig.signed().unlisted, rig.signed().sequence, rig.signed().title) == (False, 2, "again")
    assert rig.session.get(rig.id) is not None


async def test_many_changes_at_once_end_as_the_last_says(rig: Rig) -> None:
    await rig.hold(US)
    order = [Visibility.PRIVATE, Visibility.PUBLIC, Visibility.UNLISTED] * 3
    for last in Visibility:
        changes = [rig.editing.update(rig.id, visibility=each) for each in [*order, last]]
        await asyncio.gather(*changes)
        assert rig.record.visibility is last
        assert (rig.session.get(rig.id) is None) is (last is Visibility.PRIVATE)
        assert rig.signed().unlisted is (last is not Visibility.PUBLIC)


async def test_what_cannot_be_changed(rig: Rig) -> None:
    with pytest.raises(NotFound):
        await rig.editing.update(rig.id, visibility=Visibility.PRIVATE)
    await rig.hold(PUBLISHER, unlisted=True)
    assert widest(rig.record) is Visibility.UNLISTED
    with pytest.raises(Conflict, match="link only"):
        await rig.editing.update(rig.id, visibility=Visibility.PUBLIC)
    with pytest.raises(Conflict, match="publisher"):
        await rig.editing.update(rig.id, visibility=None, title="mine now")
    await rig.editing.update(rig.id, visibility=Visibility.PRIVATE)
    with pytest.raises(Conflict, match="private"):
        await rig.editing.fetch_again(rig.id)
    assert rig.signed().sequence == 0
    await rig.catalog.update(rig.id, visibility=Visibility.UNLISTED, state=VideoState.FETCHING)
    with pytest.raises(Conflict, match="fetches"):
        await rig.editing.update(rig.id, visibility=Visibility.PRIVATE)


async def test_a_publisher_hides_and_shows_what_we_hold(rig: Rig) -> None:
    await rig.hold(PUBLISHER)
    await rig.hear(PUBLISHER, sequence=3, unlisted=True, title="hidden")
    assert (rig.record.visibility, rig.record.title) == (Visibility.UNLISTED, "hidden")
    # What is older, or of somebody else, changes nothing.
    await rig.hear(PUBLISHER, sequence=2, title="old")
    await rig.hear(STRANGER, sequence=9, title="stolen")
    assert (rig.record.visibility, rig.record.title) == (Visibility.UNLISTED, "hidden")
    await rig.hear(PUBLISHER, sequence=4)
    assert (rig.record.visibility, rig.record.title) == (Visibility.PUBLIC, "a film")


async def test_what_the_user_made_private_stays_so(rig: Rig) -> None:
    await rig.hold(PUBLISHER)
    await rig.editing.update(rig.id, visibility=Visibility.PRIVATE)
    for sequence, unlisted in ((1, True), (2, False)):
        await rig.hear(PUBLISHER, sequence=sequence, unlisted=unlisted)
        assert rig.record.visibility is Visibility.PRIVATE
        assert rig.session.get(rig.id) is None
    assert rig.signed().sequence == 2


async def test_a_newer_descriptor_of_another_file_is_not_taken(rig: Rig) -> None:
    await rig.hold(PUBLISHER)
    source = msgspec.structs.replace(rig.descriptor().sources[0], sha256="0" * 64)
    await rig.hear(PUBLISHER, sequence=1, sources=(source,), title="other")
    assert (rig.record.title, rig.signed().sequence) == ("a film", 0)

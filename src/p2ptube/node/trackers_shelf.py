"""What this node tells the indexes of its trackers."""

from __future__ import annotations

from ..descriptor import parse_payload
from ..library import VideoRecord
from ..models import SignedDescriptor, VideoState, Visibility
from ..tracker.index import Held


class Shelf:
    """The videos to list, by their ids, and those that became unlisted.

    Of the latter, the descriptor that says so takes them out of an index for all their holders.
    """

    def __init__(self) -> None:
        self.held: dict[str, Held] = {}
        self.envelopes: dict[str, SignedDescriptor] = {}
        self.unlisted: dict[str, SignedDescriptor] = {}

    def put(self, video_id: str, record: VideoRecord | None) -> bool:
        """Take in how a video stands now (None: it is gone); whether that made a difference."""
        before = (self.held.get(video_id), self.unlisted.get(video_id))
        self.held.pop(video_id, None)
        self.envelopes.pop(video_id, None)
        self.unlisted.pop(video_id, None)
        # Of what is private nothing is told, not even that it is unlisted now, or its new title.
        private = record is not None and record.visibility is Visibility.PRIVATE
        if record is not None and record.envelope is not None and not private:
            self._put(record, record.envelope)
        return before != (self.held.get(video_id), self.unlisted.get(video_id))

    def _put(self, record: VideoRecord, envelope: SignedDescriptor) -> None:
        descriptor = parse_payload(envelope.payload)
        if descriptor.unlisted:
            if descriptor.sequence > 0:  # else it was never anything else
                self.unlisted[record.id] = envelope
        # What is fetched to be watched only is gone soon.
        elif (
            record.visibility is Visibility.PUBLIC
            and record.state is VideoState.COMPLETE
            and record.keep
        ):
            self.envelopes[record.id] = envelope
            self.held[record.id] = Held(
                id=record.id, key=envelope.key, sequence=descriptor.sequence
            )

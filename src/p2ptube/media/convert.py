"""Import a file: share it where it is, or make an MP4 of it that plays in every browser."""

from __future__ import annotations

import contextlib
import filecmp
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import av

from ..errors import DamagedMedia, InvalidInput, P2PTubeError, StorageError
from .captions import Captions, find_captions
from .faults import conversion_fault, storage_fault
from .naming import output_name
from .pipeline import transfer
from .plan import Plan, cut_off, decide
from .probe import MediaInfo, probe
from .progress import Progress, Throttle
from .scratch import scratch_directory
from .stills import make_poster
from .tracks import Uncopyable

log = logging.getLogger(__name__)

_MAX_SAME_NAMES = 1000


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import: the file to share, and what it is.

    `path` is the source itself where `in_place`, else a new file. `duration` in seconds, `width`
    and `height` in pixels as shown, `bit_rate` in bits per second, `poster` a JPEG.
    """

    path: Path
    in_place: bool
    title: str
    duration: float
    width: int
    height: int
    video_codec: str
    audio_codec: str
    bit_rate: int
    poster: bytes | None
    captions: tuple[Captions, ...] = ()


def import_media(
    source: Path, destination_dir: Path, report: Callable[[Progress], None]
) -> Imported:
    """Make `source` shareable. Blocks; meant for `worker.run_in_worker`.

    The source is never changed. A new file appears in `destination_dir` under its name only when
    it is whole; where an identical one is there already, that one is returned.

    Raises NotFound, InvalidInput, NotAVideo, DamagedMedia, StorageError.
    """
    tell = Throttle(report)
    tell("probe", 0.0)
    source = source.absolute()
    info = probe(source)
    tell("probe", 1.0)
    plan = decide(info)
    if plan.in_place:
        imported = _imported(source, info, info.title, True, tell)
    else:
        with scratch_directory(destination_dir) as scratch:
            made = _convert(source, info, plan, scratch, tell)
            made_info = probe(made)
            path = _publish(made, source, destination_dir)
        imported = _imported(path, made_info, info.title, False, tell)
    return replace(imported, captions=find_captions(source))


def _convert(source: Path, info: MediaInfo, plan: Plan, scratch: Path, tell: Throttle) -> Path:
    target = scratch / "output.mp4"
    if plan.stage == "copy":
        _check_room(info.size, scratch, source.name)
    try:
        try:
            read = transfer(source, target, info, plan, tell)
        except (Uncopyable, av.FFmpegError, ValueError) as error:
            if plan == plan.without_copying or storage_fault(error, source.name):
                raise
            log.info("%s cannot be copied, so it is transcoded: %s", source.name, error)
            target.unlink(missing_ok=True)
            read = transfer(source, target, info, plan.without_copying, tell)
    except DamagedMedia as error:
        raise DamagedMedia(f"{source.name} is damaged: {error}") from error
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        raise conversion_fault(error, source.name) from error
    if cut_off(info, read):
        raise DamagedMedia(
            f"{source.name} is incomplete: only {read:.0f} of its {info.duration:.0f} seconds "
            "can be read"
        )
    return target


def _check_room(size: int, directory: Path, name: str) -> None:
    # Better to say so now than after minutes of copying.
    free = shutil.disk_usage(directory).free
    if free < size:
        raise StorageError(
            f"{name} cannot be imported: the disk is full ({size / 1e6:.0f} MB are needed, "
            f"{free / 1e6:.0f} MB are free)"
        )


def _publish(made: Path, source: Path, directory: Path) -> Path:
    # Nothing is ever overwritten: another video may be shared under the same file name.
    for number in range(1, _MAX_SAME_NAMES):
        path = directory / output_name(source, number)
        try:
            if _place(made, path):
                return path
            if path != source and filecmp.cmp(made, path, shallow=False):
                return path
        except OSError as error:
            fault: P2PTubeError | None = storage_fault(error, source.name)
            raise fault or StorageError(f"{path} cannot be written: {error.strerror}") from error
    raise InvalidInput(f"too many files are called {output_name(source)}")


def _place(made: Path, path: Path) -> bool:
    # Whether `made` got the name `path`; not where something has it already.
    try:
        os.link(made, path)  # unlike a rename, it fails where the name is taken
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            return False
        made.rename(path)
    return True


def _imported(path: Path, info: MediaInfo, title: str, in_place: bool, tell: Throttle) -> Imported:
    tell("poster", 0.0)
    poster = None
    with contextlib.suppress(MemoryError):
        poster = make_poster(path, info)
    tell("poster", 1.0)
    return Imported(
        path=path,
        in_place=in_place,
        title=title,
        duration=info.duration,
        width=info.width,
        height=info.height,
        video_codec=info.video_codec,
        audio_codec=info.audio_codec,
        bit_rate=info.bit_rate,
        poster=poster,
    )

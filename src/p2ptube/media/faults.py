"""Turns errors of the operating system and of FFmpeg into words that a person understands."""

from __future__ import annotations

import errno

import av

from ..errors import DamagedMedia, InvalidInput, NotFound, P2PTubeError, StorageError

_WRITE_FAULTS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file system allows no file that large",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "the directory may not be written to",
    errno.EPERM: "the directory may not be written to",
}


def storage_fault(error: BaseException, name: str) -> StorageError | None:
    """The StorageError for a failed write while importing `name`; None where it is no such."""
    if isinstance(error, MemoryError) and not isinstance(error, av.FFmpegError):
        # FFmpeg's own: a damaged file asked for an absurd amount.
        return StorageError(f"{name}: not enough memory to convert it")
    if not isinstance(error, OSError | av.FFmpegError):
        return None
    words = _WRITE_FAULTS.get(error.errno or 0)
    return StorageError(f"{name} cannot be imported: {words}") if words else None


def conversion_fault(error: BaseException, name: str) -> P2PTubeError:
    """The error to raise where converting `name` failed for good."""
    fault = storage_fault(error, name)
    if fault is not None:
        return fault
    if isinstance(error, OSError | av.FFmpegError) and error.errno == errno.EIO:
        return StorageError(f"{name} cannot be imported: the disk fails to read or write")
    return DamagedMedia(f"{name} is damaged and cannot be converted: {reason(error)}")


def reading_fault(error: OSError, name: str) -> P2PTubeError:
    """The error to raise where the source `name` cannot be opened."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return NotFound(f"there is no file {name}")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return InvalidInput(f"{name} may not be read: permission denied")
    if error.errno in {errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP, errno.ENXIO, errno.EISDIR}:
        return InvalidInput(f"{name} is not a file")
    return StorageError(f"{name} cannot be read: {reason(error)}")


def reason(error: BaseException) -> str:
    """What went wrong, without FFmpeg's numbers and paths."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()

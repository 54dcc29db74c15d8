"""What a torrent is added to the session with: to be shared, fetched, or only looked at."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import libtorrent as lt

from .metainfo import layout_of, torrent_info
from .resume import resumed
from .wanting import HELD, want

# The DHT can be asked for the info-hashes it knows (BEP 51), and the local network hears of them:
# a torrent for those who have its link is told to trackers and to known holders only.
UNLISTED = lt.torrent_flags.disable_dht | lt.torrent_flags.disable_lsd


def flags(listed: bool) -> Any:
    """Those of any torrent of ours."""
    usual = lt.torrent_flags.update_subscribe | lt.torrent_flags.apply_ip_filter
    return usual if listed else usual | UNLISTED


def set_listed(handle: lt.torrent_handle, listed: bool) -> None:
    """Whether the DHT and the local network are told of a torrent, and asked for its peers."""
    change = handle.unset_flags if listed else handle.set_flags
    change(UNLISTED)


def to_share(
    info: bytes, path: Path, *, file: int | None, listed: bool
) -> tuple[lt.add_torrent_params, str]:
    """For the complete file at `path`, which is that with the index `file`; and the info-hash."""
    params = lt.add_torrent_params()
    params.ti = torrent_info(info)
    layout = layout_of(params.ti, file)
    params.save_path = str(path.parent)
    # libtorrent cleans the names it reads in metadata; the file keeps the name it has.
    params.renamed_files = {layout.file_index: path.name}
    first, end = layout.whole_pieces
    have = [first <= piece < end for piece in range(layout.pieces)]
    params.have_pieces = params.verified_pieces = have
    params.flags = flags(listed)
    if all(have):
        params.flags |= lt.torrent_flags.seed_mode
    else:
        params.flags |= lt.torrent_flags.no_verify_files
        params.piece_priorities = [4 * has for has in have]
    return params, layout.info_hash


def to_fetch(
    info_hash: str,
    directory: Path,
    *,
    info: bytes | None,
    resume: bytes | None,
    listed: bool,
    file: int | None,
    beside: Iterable[int],
    bounded: bool,
    held: bool,
) -> lt.add_torrent_params:
    """For what `Session.fetch` fetches, going on from the `resume` data."""
    params = _named(resumed(resume, info_hash), info_hash, directory)
    _forget_what_passes(params)
    if params.ti is None and info is not None:
        params.ti = torrent_info(info)
    if not bounded:
        want(params, file, beside)
    # Without the metadata, it would ask for any file as soon as it has it.
    params.flags = flags(listed) | (HELD if held or params.ti is None else 0)
    if bounded and params.ti is not None:
        # By pieces, and neither by files nor by the flag that means the same: see window.py.
        params.file_priorities = []
        params.piece_priorities = [0] * params.ti.num_pieces()
    return params


def to_fetch_ahead(info_hash: str, directory: Path, info: bytes | None) -> lt.add_torrent_params:
    """For what is fetched before anybody asks for it: see ahead.py."""
    params = _named(lt.add_torrent_params(), info_hash, directory)
    params.flags = flags(listed=False) | HELD
    if info is not None:
        params.ti = torrent_info(info)
    return params


def to_probe(info_hash: str, directory: Path, *, listed: bool) -> lt.add_torrent_params:
    """For its metadata alone: see probes.py."""
    params = _named(lt.add_torrent_params(), info_hash, directory)
    params.flags |= lt.torrent_flags.default_dont_download | flags(listed)
    return params


def _forget_what_passes(params: lt.add_torrent_params) -> None:
    """Take out of resume data what only the session it comes from would have lifted again.

    See favouring.py and bans.py.
    """
    params.download_limit = -1
    params.banned_peers = []


def _named(params: lt.add_torrent_params, info_hash: str, directory: Path) -> lt.add_torrent_params:
    params.info_hashes = lt.info_hash_t(lt.sha1_hash(bytes.fromhex(info_hash)))
    params.save_path = str(directory)
    return params

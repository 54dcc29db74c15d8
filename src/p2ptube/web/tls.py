"""TLS for the public port: a certificate and its key, read anew when they are renewed."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from ..errors import InvalidInput, P2PTubeError

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0


class Certificate:
    """A certificate chain and its private key, both PEM files.

    Raises InvalidInput for files that cannot be read or do not belong together.
    """

    def __init__(self, cert: Path, key: Path) -> None:
        self._cert = cert
        self._key = key
        self._seen = self._state()
        self.context = _context(cert, key)

    async def watch(self) -> None:
        """Take a renewed certificate for new connections, for ever.

        What cannot be used is told in the log, and the certificate before stays.
        """
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(self.renew)

    def renew(self) -> bool:
        """Read the files again if they have changed; tells whether they are in use now."""
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        try:
            _context(self._cert, self._key)
            # Into the same context: the server holds on to it.
            self.context.load_cert_chain(self._cert, self._key, password=_no_password)
        except (P2PTubeError, OSError) as error:
            log.warning("the renewed certificate cannot be used: %s", error)
            return False
        log.info("the certificate of the public port was renewed")
        return True

    def _state(self) -> list[tuple[int, int] | None]:
        return [_state_of(path) for path in (self._cert, self._key)]


def _state_of(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino


def _context(cert: Path, key: Path) -> ssl.SSLContext:
    for flag, path in (("--tls-cert", cert), ("--tls-key", key)):
        _check_readable(flag, path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except ssl.SSLError as error:
        raise InvalidInput(_reason(error, cert, key)) from error
    return context


def _check_readable(flag: str, path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{flag} {path}: {(error.strerror or str(error)).lower()}") from error


def _no_password() -> str:
    # Without it, OpenSSL would ask at the terminal.
    raise InvalidInput("--tls-key: the key is encrypted; give one without a passphrase")


def _reason(error: ssl.SSLError, cert: Path, key: Path) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"--tls-key {key}: this is not the key of the certificate {cert}"
    text = " ".join(str(error).split())
    return f"--tls-cert {cert}, --tls-key {key}: no PEM certificate with its key ({text})"

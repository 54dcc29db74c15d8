"""What `p2ptube doctor` says of the public web: its address and its certificate."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..config import Config
from ..errors import InvalidInput

SOON = datetime.timedelta(days=7)


class Finding(msgspec.Struct, frozen=True):
    """One check: `state` is ok, warn or fail; `text` says what is, and what to do."""

    check: str
    state: str
    text: str


def check_public(config: Config, now: datetime.datetime) -> Iterator[Finding]:
    """Look at `--public-url`, `--tls-cert` and `--tls-key`, as far as they are set."""
    if config.public_port is None:
        if config.public_url or config.tls_cert:
            text = "is off, so its address and certificate are not used: give --public-port"
            yield Finding("public web", "warn", text)
        return
    if config.public_url:
        yield Finding("public address", "ok", f"links begin with {config.public_url}")
        if config.tls_cert and config.public_url.startswith("http:"):
            text = f"{config.public_url} is not TLS, but there is a certificate: say https"
            yield Finding("public address", "warn", text)
    if config.tls_cert and config.tls_key:
        yield _certificate(config.tls_cert, config.tls_key, now)


def _certificate(cert: Path, key: Path, now: datetime.datetime) -> Finding:
    from cryptography import x509

    from ..web.tls import Certificate

    try:
        Certificate(cert, key)
        leaf = x509.load_pem_x509_certificates(cert.read_bytes())[0]
    except (InvalidInput, OSError, ValueError) as error:
        return Finding("certificate", "fail", str(error))
    end = leaf.not_valid_after_utc
    if end <= now:
        return Finding("certificate", "fail", f"{cert} expired on {end.date()}: renew it")
    if leaf.not_valid_before_utc > now:
        begin = leaf.not_valid_before_utc.date()
        return Finding("certificate", "fail", f"{cert} is not valid before {begin}")
    if end - now < SOON:
        return Finding("certificate", "warn", f"{cert} expires on {end.date()}: renew it")
    return Finding("certificate", "ok", f"{cert} is valid until {end.date()}")

"""What the user can set, from defaults < D/config.toml < environment (P2PTUBE_...) < flags."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, Field, PrivateAttr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from .errors import InvalidInput
from .network import Proxy, parse_network, parse_stun
from .timetable import parse_line

TRACKER = re.compile(r"(https?|udp|wss?)://", re.IGNORECASE)
PUBLIC_URL = re.compile(
    r"https?://([a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?/?", re.IGNORECASE
)
MOST_TRACKERS = 16  # as in models.Descriptor
MOST_SCHEDULED = 50  # each is looked at whenever the limits may change
MOST_BLOCKED = 1000  # each is compared with every connection


def _absolute(path: Path) -> Path:
    # The library keeps paths below it, and the next run may begin in another directory.
    return path.expanduser().absolute()


def _check_name(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise ValueError("a name has at least one letter and no control characters")
    return name.strip()


def _check_tracker(url: str) -> str:
    """A tracker's URL; where it names no path, that of our own trackers, which UDP has not."""
    if not TRACKER.match(url):
        raise ValueError("a tracker is a URL that begins with http, https, udp, ws or wss")
    try:
        parts = urlsplit(url)
        # "host:" is allowed by RFC 3986, but libtorrent does not take it.
        known = bool(parts.hostname) and parts.port != 0 and not parts.netloc.endswith(":")
    except ValueError:
        known = False
    if not known or re.search(r"\s", url):
        raise ValueError(f"a tracker is a URL with a host, and perhaps a port: {url}")
    if parts.scheme == "udp" and parts.port is None:
        raise ValueError(f"a tracker over UDP needs a port, as udp has no usual one: {url}")
    if parts.path in {"", "/"} and parts.scheme != "udp" and not (parts.query or parts.fragment):
        return parts._replace(path="/announce").geturl()
    return url


def _check_public_url(url: str) -> str:
    """The origin that strangers see, such as https://tube.example: nothing behind the port."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"not a URL: {error}") from error
    if not url.isascii() or not PUBLIC_URL.fullmatch(url) or port == 0:
        raise ValueError(
            "it should be like https://tube.example or http://192.0.2.1:5681: "
            "http or https, a host, perhaps a port, and nothing behind it"
        )
    return f"{parts.scheme}://{parts.netloc}".lower()


def _check_line(text: str) -> str:
    try:
        return parse_line(text)
    except InvalidInput as error:
        raise ValueError(str(error)) from error


def _checked_by(parse: Callable[[str], object]) -> AfterValidator:
    """Check a text with a parser and keep what it says of itself; an empty text stays empty."""

    def check(text: str) -> str:
        try:
            return str(parse(text)) if text else ""
        except InvalidInput as error:
            raise ValueError(str(error)) from error

    return AfterValidator(check)


Port = Annotated[int, Field(ge=0, le=65535)]
Rate = Annotated[int, Field(ge=0, le=2**31 - 1)]  # libtorrent counts in 32 bits
Tracker = Annotated[str, Field(max_length=500), AfterValidator(_check_tracker)]
ProxyUrl = Annotated[str, Field(max_length=1000), _checked_by(lambda url: Proxy.parse(url).url)]
StunServer = Annotated[str, Field(max_length=300), _checked_by(parse_stun)]
Network = Annotated[str, Field(min_length=1, max_length=50), _checked_by(parse_network)]
ScheduleLine = Annotated[str, Field(max_length=200), AfterValidator(_check_line)]
PublicUrl = Annotated[str, Field(max_length=300), AfterValidator(_check_public_url)]


class Config(BaseSettings):
    """The frozen settings of a node. Port 0 means any free port; rates are bytes per second."""

    model_config = SettingsConfigDict(env_prefix="P2PTUBE_", frozen=True, extra="forbid")

    data_dir: Annotated[Path, AfterValidator(_absolute)] = Field(
        default_factory=lambda: user_data_path("p2ptube")
    )
    name: Annotated[str, AfterValidator(_check_name)] = Field(
        default_factory=socket.gethostname, max_length=100
    )
    host: str = "0.0.0.0"  # noqa: S104  peers of the network are meant to reach us
    port: Port = 5678
    swarm_port: Port = 5679
    web_port: Port = 5680
    public_port: Port | None = None
    public_url: PublicUrl = ""  # "": as the request names us
    tls_cert: Annotated[Path, AfterValidator(_absolute)] | None = None  # a PEM file: the chain
    tls_key: Annotated[Path, AfterValidator(_absolute)] | None = None
    public_streams: int = Field(default=100, ge=0, le=10_000)  # to strangers, at once
    public_streams_per_address: int = Field(default=8, ge=1, le=10_000)
    public_stream_rate: Rate = 0  # of each of them; 0: unlimited
    join: tuple[str, ...] = ()
    hops: int = Field(default=3, ge=0, le=10)
    max_peers: int = Field(default=50, ge=1, le=10_000)
    tracker: tuple[Tracker, ...] = Field(default=(), max_length=MOST_TRACKERS)
    dht: bool = True
    lan: bool = True
    browser: bool = True
    keep: bool = True  # whether what is played stays, where nobody says it
    play_window: int = Field(default=64_000_000, ge=16_000_000, le=10**12)  # else, bytes
    prefetch: bool = True  # whether what the user is about to open is fetched ahead
    upload_limit: Rate = 0  # 0: unlimited
    download_limit: Rate = 0
    yielding: bool = True  # whether uploads yield to what else the user's line carries
    schedule: tuple[ScheduleLine, ...] = Field(default=(), max_length=MOST_SCHEDULED)
    limit_lan: bool = False  # whether the two limits hold for peers of the local network, too
    connections_per_address: int = Field(default=50, ge=1, le=10_000)  # of the swarm
    blocked: tuple[Network, ...] = Field(default=(), max_length=MOST_BLOCKED)
    proxy: ProxyUrl = ""  # "": none
    anonymous: bool = False
    stun_server: StunServer = ""  # "": none is asked
    stabilize_interval: float = Field(default=5.0, gt=0)  # seconds between pings of known peers
    _fixed: frozenset[str] = PrivateAttr(default=frozenset())

    def __init__(self, **flags: Any) -> None:
        super().__init__(**flags)
        self._fixed = frozenset(flags) | frozenset(EnvSettingsSource(type(self))())

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together: give both or none")
        return self

    @property
    def discreet(self) -> bool:
        """Whether nothing may show who or where we are: with a proxy, and in anonymous mode."""
        return bool(self.proxy) or self.anonymous

    @property
    def fixed(self) -> frozenset[str]:
        """The settings that flags or the environment decided: the file was not asked for them."""
        return self._fixed

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of precedence, highest first."""
        data_dir = init_settings().get("data_dir") or env_settings().get("data_dir")
        file = Path(data_dir or user_data_path("p2ptube")) / "config.toml"
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)


def load_config(**flags: Any) -> Config:
    """Build the Config. Flags that are None count as not given.

    Raises InvalidInput with one line that names the setting.
    """
    try:
        return Config(**{key: value for key, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "tls_cert"
        reason = first["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"setting {where}: {reason}") from error
    except (OSError, ValueError) as error:
        raise InvalidInput(f"cannot read the settings: {error}") from error

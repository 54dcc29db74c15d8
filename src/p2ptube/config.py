"""What the user can set, from defaults < D/config.toml < environment (P2PTUBE_...) < flags."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Annotated, Any

from platformdirs import user_data_path
from pydantic import AfterValidator, Field, PrivateAttr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from .errors import InvalidInput

TRACKER = re.compile(r"(https?|udp|wss?)://[^\s/]+\S*", re.IGNORECASE)
MOST_TRACKERS = 16  # as in models.Descriptor


def _absolute(path: Path) -> Path:
    # The library keeps paths below it, and the next run may begin in another directory.
    return path.expanduser().absolute()


def _check_name(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise ValueError("a name has at least one letter and no control characters")
    return name.strip()


def _check_tracker(url: str) -> str:
    if not TRACKER.fullmatch(url):
        raise ValueError("a tracker is a URL that begins with http, https, udp, ws or wss")
    return url


Port = Annotated[int, Field(ge=0, le=65535)]
Rate = Annotated[int, Field(ge=0, le=2**31 - 1)]  # libtorrent counts in 32 bits
Tracker = Annotated[str, Field(max_length=500), AfterValidator(_check_tracker)]


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
    join: tuple[str, ...] = ()
    hops: int = Field(default=3, ge=0, le=10)
    max_peers: int = Field(default=50, ge=1, le=10_000)
    tracker: tuple[Tracker, ...] = Field(default=(), max_length=MOST_TRACKERS)
    dht: bool = True
    lan: bool = True
    browser: bool = True
    upload_limit: Rate = 0  # 0: unlimited
    download_limit: Rate = 0
    limit_lan: bool = False  # whether the two limits hold for peers of the local network, too
    stabilize_interval: float = Field(default=5.0, gt=0)  # seconds between pings of known peers
    _fixed: frozenset[str] = PrivateAttr(default=frozenset())

    def __init__(self, **flags: Any) -> None:
        super().__init__(**flags)
        self._fixed = frozenset(flags) | frozenset(EnvSettingsSource(type(self))())

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
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"setting {where}: {reason}") from error
    except (OSError, ValueError) as error:
        raise InvalidInput(f"cannot read the settings: {error}") from error

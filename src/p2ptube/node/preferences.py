"""The settings that a user changes while the node runs: checked, kept in D/config.toml, applied.

Those in `AT_ONCE` hold at once, everything else from the next start. A setting that a flag or an
environment variable decides cannot be changed here: the file would not be asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import tomlkit
from pydantic import TypeAdapter, ValidationError
from tomlkit.exceptions import TOMLKitError

from ..config import Config
from ..errors import Conflict, InvalidInput, StorageError
from .private_file import write_private
from .views import SettingsView

PUBLIC_LIMITS = ("public_streams", "public_streams_per_address", "public_stream_rate")
AT_ONCE = frozenset(
    {"name", "tracker", "upload_limit", "download_limit", "limit_lan", *PUBLIC_LIMITS}
    | {"blocked", "connections_per_address", "stun_server", "keep", "play_window", "prefetch"}
    | {"yielding", "schedule"}
)
PORTS = ("port", "swarm_port", "web_port", "public_port")
CHANGEABLE = (
    *("name", *PORTS, "max_peers", "tracker", "dht", "lan"),
    *("upload_limit", "download_limit", "limit_lan", "yielding", "schedule"),
    *("public_url", *PUBLIC_LIMITS),
    *("blocked", "connections_per_address", "stun_server", "proxy", "anonymous"),
    *("keep", "play_window", "prefetch"),
)


def _adapter(name: str) -> TypeAdapter[Any]:
    field = Config.model_fields[name]
    return TypeAdapter(Annotated.__class_getitem__((field.annotation, field)))  # type: ignore[attr-defined]


_ADAPTERS = {name: _adapter(name) for name in CHANGEABLE}


class Preferences:
    """The settings of a node. `apply` is given the Config that holds from now on."""

    def __init__(self, config: Config, apply: Callable[[Config], None]) -> None:
        self._running = config
        self._wished = {name: getattr(config, name) for name in CHANGEABLE}
        self._apply = apply
        self._file = config.data_dir / "config.toml"
        self._changing = asyncio.Lock()

    def view(self) -> SettingsView:
        """The settings as they will be after the next start."""
        differing = (n for n in CHANGEABLE if self._wished[n] != getattr(self._running, n))
        fixed = (name for name in CHANGEABLE if name in self._running.fixed)
        return SettingsView(
            settings=dict(self._wished), restart=tuple(differing), fixed=tuple(fixed)
        )

    async def change(self, changes: Mapping[str, Any]) -> SettingsView:
        """Change some settings, or none where one of them is refused.

        Raises InvalidInput, which names the setting; Conflict for one that a flag or an
        environment variable decides; StorageError.
        """
        checked = {name: checked_value(name, value) for name, value in changes.items()}
        # To its end, once it began: the file and the node must not differ.
        await asyncio.shield(asyncio.ensure_future(self._take(checked)))
        return self.view()

    async def _take(self, checked: Mapping[str, Any]) -> None:
        async with self._changing:
            news = {n: value for n, value in checked.items() if value != self._wished[n]}
            self._check(news)
            if news:
                await self._store_and_apply(news)

    def _check(self, news: Mapping[str, Any]) -> None:
        for name in news:
            if name in self._running.fixed:
                raise Conflict(
                    f"setting {name}: decided by a flag or an environment variable of this run; "
                    "start the node without it to change it here"
                )
        users = {self._wished[name]: name for name in PORTS if name not in news}
        for name in (name for name in PORTS if news.get(name)):
            if news[name] in users:
                raise InvalidInput(f"setting {name}: {users[news[name]]} has this port already")
            users[news[name]] = name

    async def _store_and_apply(self, news: Mapping[str, Any]) -> None:
        await asyncio.to_thread(_store, self._file, news)
        self._wished |= news
        at_once = {name: value for name, value in news.items() if name in AT_ONCE}
        if at_once:
            self._running = self._running.model_copy(update=at_once)
            self._apply(self._running)


def checked_value(name: str, value: Any) -> Any:
    """The value as Config holds it. `value` is what JSON may hold. Raises InvalidInput."""
    if name not in _ADAPTERS:
        raise InvalidInput(f"setting {name[:100]}: there is none, or not one to change here")
    try:
        # Strict, so that "5678" is no port; as JSON, since that has lists only, and no tuples.
        return _ADAPTERS[name].validate_json(msgspec.json.encode(value), strict=True)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"setting {name}: {reason}") from error


def _store(file: Path, values: Mapping[str, Any]) -> None:
    """Set keys of the file; None takes one away. Other keys, order and comments stay."""
    file = file.resolve()  # a link stays a link
    try:
        text = file.read_bytes().decode() if file.exists() else ""
        document = tomlkit.parse(text)
    except OSError as error:
        raise StorageError(f"cannot read {file}: {error.strerror}") from error
    except (UnicodeDecodeError, TOMLKitError) as error:
        raise Conflict(f"{file} was made unreadable after the start: {error}") from error
    for name, value in values.items():
        if value is None:
            document.pop(name, None)
        else:
            document[name] = list(value) if isinstance(value, tuple) else value
    write_private(file, tomlkit.dumps(document))

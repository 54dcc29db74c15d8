"""What the node is measured against: plain HTTP servers of one file."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

LOOPBACK = "127.0.0.1"
READY_SECONDS, LOOK_SECONDS = 30.0, 0.02
_NGINX = """
{user}daemon off; worker_processes 1; pid {root}/nginx.pid; error_log {root}/nginx.log;
events {{ worker_connections 256; }}
http {{ access_log off; sendfile on; client_body_temp_path {root}/body;
  proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
  server {{ listen {host}:{port}; root {files}; }} }}
"""


@contextlib.contextmanager
def servers(directory: Path) -> Iterator[dict[str, int]]:
    """Run what there is; give name -> port. Each serves the files of `directory`."""
    with contextlib.ExitStack() as stack:
        ports = {"sendfile(2)": free_port(), "http.server": free_port()}
        command = [sys.executable, "-m"]
        stack.enter_context(
            running(
                [*command, "bench.servers", str(directory), str(ports["sendfile(2)"])],
                ports["sendfile(2)"],
            )
        )
        flags = ["--bind", LOOPBACK, "--directory", str(directory)]
        port = ports["http.server"]
        stack.enter_context(running([*command, "http.server", str(port), *flags], port))
        if shutil.which("nginx") is not None:
            port = ports["nginx"] = free_port()
            nginx = nginx_command(directory, directory, LOOPBACK, port)
            stack.enter_context(running(nginx, port))
        yield ports


def nginx_command(root: Path, files: Path, host: str, port: int) -> list[str]:
    """How to run nginx with the files of a folder; its own things are in `root`."""
    config = root / "nginx.conf"
    # Started by root, its worker would be somebody who may not read our directory.
    user = "user root; " if os.geteuid() == 0 else ""
    config.write_text(_NGINX.format(root=root, files=files, host=host, port=port, user=user))
    return ["nginx", "-c", str(config), "-p", str(root)]


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextlib.contextmanager
def running(command: list[str], port: int, directory: Path | None = None) -> Iterator[int]:
    """Run a server until the block ends; gives its process id when it answers.

    Raises ChildProcessError where it ends before that, TimeoutError where it does not in time.
    """
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=directory
    )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(port):
            if process.poll() is not None:
                raise ChildProcessError(f"{command[0]} ended with {process.returncode}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{command[0]} does not answer at port {port}")
            time.sleep(LOOK_SECONDS)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


# --- the server that does nothing but sendfile ---------------------------------------------------


def serve(directory: Path, port: int) -> None:
    """Answer every GET with the file of that name, a thread per connection."""
    with socket.create_server((LOOPBACK, port)) as server:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_answer, args=(connection, directory), daemon=True).start()


def _answer(connection: socket.socket, directory: Path) -> None:
    with connection, connection.makefile("rb") as request, contextlib.suppress(OSError):
        words = request.readline().split()
        if len(words) < 2:
            return  # somebody looked whether the port is open
        while request.readline().strip():
            pass
        with (directory / Path(os.fsdecode(words[1])).name).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            connection.sendfile(file)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))

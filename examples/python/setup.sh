#!/usr/bin/env bash
# Makes a virtual environment with gRPC in it and generates the code from proto/parapet/v1.
# Usage: setup.sh FOLDER; safe to run again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?usage: setup.sh FOLDER}
stamp=$folder/.ready-$(cat "$here/requirements.txt" "$here"/../../proto/parapet/v1/*.proto | sha256sum | cut -c1-16)
[ ! -e "$stamp" ] || exit 0
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q --disable-pip-version-check -r "$here/requirements.txt"
mkdir -p "$folder/generated"
"$folder/bin/python" -m grpc_tools.protoc -I "$here/../../proto" \
  --python_out="$folder/generated" --grpc_python_out="$folder/generated" "$here"/../../proto/parapet/v1/*.proto
touch "$stamp"

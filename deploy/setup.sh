#!/usr/bin/env bash
# Installs what building and running Parapet needs, and only what is missing. Safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."
ORT=1.32.0
case $(uname -m) in
  x86_64) ORT_SHA=5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d ;;
  # Nobody has run Parapet on this one yet: the wheel is the pinned version's, everything else is built.
  aarch64) ORT_SHA=2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c ;;
  *) echo "setup: ONNX Runtime's wheels are for x86_64 and aarch64, not for $(uname -m)" >&2; exit 1 ;;
esac
platform=manylinux_2_28_$(uname -m)
die() { echo "setup: $*" >&2; exit 1; }
# What is linked, what is loaded, what builds. Not libgstreamer-plugins-bad1.0-dev: nothing links it, and it
# brings OpenCV, VTK and GDAL.
packages=(libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstrtspserver-1.0-dev
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  gstreamer1.0-plugins-ugly gstreamer1.0-libav
  protobuf-compiler pkg-config build-essential python3 python3-pip unzip)
missing=()
for p in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || true)" = installed ] || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "run as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
fi
command -v cargo >/dev/null || die "no cargo: install Rust from https://rustup.rs; rust-toolchain.toml picks the version"
lib=.runtime/libonnxruntime.so.$ORT
if [ ! -s "$lib" ] || [ ! -s .runtime/LICENSE ] || [ ! -s .runtime/ThirdPartyNotices.txt ]; then
  tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
  python3 -m pip download -q --no-deps --only-binary=:all: --python-version 311 \
    --platform "$platform" --implementation cp -d "$tmp" "onnxruntime==$ORT"
  wheel=$tmp/onnxruntime-$ORT-cp311-cp311-$platform.whl
  echo "$ORT_SHA  $wheel" | sha256sum -c --quiet || die "the ONNX Runtime wheel is not the pinned one"
  mkdir -p .runtime
  for text in LICENSE ThirdPartyNotices.txt; do   # the package brings them along
    unzip -qp "$wheel" "onnxruntime/$text" >".runtime/$text"
  done
  unzip -qp "$wheel" "onnxruntime/capi/libonnxruntime.so.$ORT" >"$tmp/lib"
  mv "$tmp/lib" "$lib"   # last, so that a broken download leaves nothing behind
fi
echo "setup: ready"

#!/usr/bin/env bash
# Builds the Debian package; prints its path. `make deb` runs it after `deploy/setup.sh`.
set -euo pipefail
cd "$(dirname "$0")/.."
CARGO_DEB=3.8.0
if [ "$(cargo deb --version 2>/dev/null || true)" != "$CARGO_DEB" ]; then
  cargo install --locked --quiet --version "$CARGO_DEB" cargo-deb
fi
cargo build --release --locked
rm -rf target/manual
target/release/parapet manual target/manual
gzip -9n target/manual/*.1
cargo deb --locked --no-build

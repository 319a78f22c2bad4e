#!/usr/bin/env bash
# Builds both Debian packages, the daemon's and the tools'; prints their paths. `make deb` runs it after `deploy/setup.sh`.
set -euo pipefail
cd "$(dirname "$0")/.."
CARGO_DEB=3.8.0
if [ "$(cargo deb --version 2>/dev/null || true)" != "$CARGO_DEB" ]; then
  cargo install --locked --quiet --version "$CARGO_DEB" cargo-deb
fi
# One after the other: what the tools ask of a crate both use must not be in the daemon's binary.
cargo build --release --locked -p parapet
cargo build --release --locked -p parapet-lab
rm -rf target/manual
target/release/parapet-lab manual target/manual
gzip -9n target/manual/*/*.1
cargo deb --locked --no-build -p parapet
cargo deb --locked --no-build -p parapet-lab

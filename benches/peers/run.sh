#!/usr/bin/env bash
# Parapet beside its peers: prepares what they need under target/peers, then runs compare.py (its options go here).
set -euo pipefail
cd "$(dirname "$0")/../.."
work=target/peers
die() { echo "peers: $*" >&2; exit 1; }
for package in python3-venv python3-gi gir1.2-gst-plugins-base-1.0; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed$' || missing+=" $package"
done
[ -z "${missing:-}" ] || die "as root: apt-get install$missing"
mkdir -p "$work"
# Debian's own Python, because python3-gi is built for it.
[ -x "$work/venv/bin/python" ] || /usr/bin/python3 -m venv --system-site-packages "$work/venv"
if ! cmp -s benches/peers/requirements.txt "$work/installed.txt"; then
  "$work/venv/bin/pip" install -q --no-deps -r benches/peers/requirements.txt
  cp benches/peers/requirements.txt "$work/installed.txt"
fi
case " $* " in
  *" --parapet "*) ;;
  *) cargo build --release --locked -p parapet -p parapet-lab ;;
esac
exec "$work/venv/bin/python" benches/peers/compare.py "$@"

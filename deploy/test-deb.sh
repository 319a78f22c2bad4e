#!/usr/bin/env bash
# Installs both packages into a fresh Debian 12 root, the daemon's first and alone, and tries them there. As root:
# deploy/test-deb.sh [DAEMON.deb TOOLS.deb]
# MIRROR names another Debian mirror; KEEP=1 leaves the root for a look.
set -euo pipefail
cd "$(dirname "$0")/.."
die() { echo "test-deb: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die "run as root: debootstrap and chroot need it"
newest() { ls -t target/debian/"$1"_*_"$(dpkg --print-architecture)".deb 2>/dev/null | head -n1; }
deb=${1:-$(newest parapet)}
tools=${2:-$(newest parapet-tools)}
[ -s "$deb" ] && [ -s "$tools" ] || die "no packages; run \`make deb\` first"
command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends debootstrap >&2
# The mirror that this machine itself uses.
configured=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
  grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n1 | tr -d ' ' || true)
mirror=${MIRROR:-${configured:-http://deb.debian.org/debian}}
root=$(mktemp -d /tmp/parapet-root.XXXXXX)
chmod 755 "$root"   # it becomes "/", also for users who are not root
clean() {
  umount "$root/proc" 2>/dev/null || true
  if [ -n "${KEEP:-}" ]; then echo "test-deb: the root stays at $root"; else rm -rf --one-file-system "$root"; fi
}
trap clean EXIT
step() { echo; echo "== $*"; }
# Nothing of this machine's environment may help.
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }
as_parapet() { inside setpriv --reuid=parapet --regid=parapet --clear-groups env HOME=/var/lib/parapet "$@"; }

step "a fresh Debian 12 from $mirror"
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 || { tail -n 20 "$root.log"; rm -f "$root.log"; die "debootstrap failed"; }
rm -f "$root.log"
mount -t proc proc "$root/proc"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"   # a chroot starts no services
chmod 755 "$root/usr/sbin/policy-rc.d"

step "installing $(basename "$deb") ($(du -h "$deb" | cut -f1)) with its dependencies"
cp "$deb" "$root/tmp/parapet.deb"
inside apt-get update -qq
inside apt-get install -qqy --no-install-recommends /tmp/parapet.deb >"$root/tmp/install.log" 2>&1 || { tail -n 30 "$root/tmp/install.log"; die "it cannot be installed"; }
inside dpkg-query -W -f='${Package} ${Version} ${db:Status-Status}\n' parapet
inside getent passwd parapet
inside dpkg --verify parapet

step "the unit: exposure at most 2.0, and sound"
inside systemd-analyze verify --man=no /lib/systemd/system/parapet.service
inside systemd-analyze security --offline=yes --threshold=20 --no-pager /lib/systemd/system/parapet.service | tail -n 1

step "parapet check /etc/parapet/parapet.toml"
inside parapet check /etc/parapet/parapet.toml
inside sh -c 'parapet check /usr/share/doc/parapet/examples/parapet.example.toml 2>&1 || true' | grep -q 'secrets/camera-password' ||
  die "the example's missing secret is not told"

step "the daemon alone: nothing of the tools in it, and who asks for one is told where it is"
inside parapet model check /usr/share/parapet/models/person
for part in parapet_sim parapet_lab rcgen 'benches/lab' 'benches/sim' hostile; do
  ! grep -qa -- "$part" "$root/usr/bin/parapet" || die "the daemon's binary contains $part"
done
grep -qa 'src/journal/' "$root/usr/bin/parapet" || die "this way of looking finds nothing"
inside sh -c 'parapet demo 2>&1 || true' | grep -q 'install the package parapet-tools' || die "the missing tools are not told"

inside install -d -m 0700 -o parapet -g parapet /var/lib/parapet
step "parapet run, asked over HTTP, stopped by SIGTERM"
as_parapet timeout --foreground --preserve-status -s TERM 6 parapet run --config /etc/parapet/parapet.toml 2>&1 | tail -n 4 &
sleep 4
health=$(exec 3<>/dev/tcp/127.0.0.1/9464; printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3; tail -n 1 <&3)
[ "$health" = ready ] || die "/readyz says: $health"
wait $! || die "the daemon did not stop cleanly"
echo "/readyz: $health"

step "installing $(basename "$tools") ($(du -h "$tools" | cut -f1)) too"
cp "$tools" "$root/tmp/parapet-tools.deb"
inside apt-get install -qqy --no-install-recommends /tmp/parapet-tools.deb >"$root/tmp/install.log" 2>&1 || { tail -n 30 "$root/tmp/install.log"; die "it cannot be installed"; }
inside dpkg --verify parapet-tools

step "parapet demo --seconds 15, as the user parapet"
as_parapet parapet demo --seconds 15 2>&1 | tail -n 12
[ "${PIPESTATUS[0]}" = 0 ] || die "the demo failed"

step "purging them: the configuration goes, the journal stays"
inside apt-get purge -qqy parapet parapet-tools >/dev/null
[ ! -e "$root/etc/parapet" ] && [ ! -e "$root/usr/lib/parapet" ] || die "the purge leaves files behind"
[ -s "$root/var/lib/parapet/journal.sqlite3" ] || die "the purge took the journal"
echo; echo "test-deb: passed"

#!/bin/sh
# A newcomer's first minutes: clones the repository in a fresh minimal Debian and runs the README's commands.
#
#   tests/e2e/clean_machine.sh [TARGET...]       default: demo test
#
# Needs root, debootstrap, git and this machine's package mirror. The root lies in a temporary folder below
# TMPDIR (about 3 GB) and is removed at the end; KEEP=yes leaves it. What is committed is tested, not
# what lies in the working tree.
set -eu
repository=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -gt 0 ] || set -- demo test

fail()
{
    echo "clean_machine: $*" >&2
    exit 3
}

[ "$(id -u)" -eq 0 ] || fail "needs root, for chroot"
command -v debootstrap >/dev/null 2>&1 || fail "needs debootstrap: apt-get install debootstrap"

# The first mirror that this machine's own apt uses for Debian, in the old format or the new one.
host_mirror()
{
    {
        sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/debian*.sources
        sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .* main.*/\2/p' /etc/apt/sources.list
    } 2>/dev/null | grep -vE 'security|updates' | head -n 1
}

# shellcheck disable=SC1091 # the host's
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(host_mirror)
[ -n "$mirror" ] || fail "found no package mirror in /etc/apt"

# Mounts and processes of our own, so that nothing outlives us, and nothing shows on this machine.
if [ "${CLEAN_MACHINE_ROOT:-}" = "" ]; then
    CLEAN_MACHINE_ROOT=$(mktemp -d "${TMPDIR:-/tmp}/allocaudit-clean.XXXXXX")
    export CLEAN_MACHINE_ROOT
    status=0
    unshare --mount --propagation private --pid --fork --kill-child sh "$0" "$@" || status=$?
    if [ "${KEEP:-no}" = yes ]; then
        echo "clean_machine: left in $CLEAN_MACHINE_ROOT"
    else
        rm -rf --one-file-system "$CLEAN_MACHINE_ROOT"
    fi
    exit $status
fi
root=$CLEAN_MACHINE_ROOT
chmod 755 "$root"

echo "clean_machine: Debian $release in $root"
if ! debootstrap --variant=minbase "$release" "$root" "$mirror" >"$root/log" 2>&1; then
    tail -n 5 "$root/log" >&2
    fail "debootstrap failed"
fi

# The host's mirrors, proxies and keys, so that the root reaches what the host reaches. No passwords.
cp -a /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
[ ! -f /etc/apt/apt.conf ] || cp /etc/apt/apt.conf "$root/etc/apt/"
for list in /etc/apt/sources.list.d/debian*.sources; do
    if [ -f "$list" ]; then
        cp "$list" "$root/etc/apt/sources.list.d/"
        rm -f "$root/etc/apt/sources.list"
    fi
done
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp -a /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/" 2>/dev/null || true

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mkdir -p "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -sf pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"

in_root()
{
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8 CI=true \
        chroot "$root" /bin/sh -c "$1" </dev/null
}

# What README asks for on a bare system, and nothing more.
in_root 'apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install git make' \
    >"$root/log" 2>&1 || { tail -n 5 "$root/log" >&2; fail "cannot install git and make"; }
git clone --quiet --no-hardlinks "$repository" "$root/root/allocaudit"

for target in "$@"; do
    echo "clean_machine: make $target"
    if ! in_root "cd /root/allocaudit && make $target"; then
        echo "clean_machine: make $target failed" >&2
        exit 1
    fi
done
echo "clean_machine: make $* passed"

#!/bin/sh
# Take the service away, as root. The agent parks first: every stop stays at the broker.
#
#   systemd/uninstall.sh           units; keeps /etc/sutradhar and /var/lib/sutradhar
#   systemd/uninstall.sh --purge   those too: settings, secrets and the journal; not while it runs,
#                                  unless --force is said as well
set -eu
UNIT_DIR=/etc/systemd/system
UNITS="sutradhar.timer sutradhar.service sutradhar-failed@.service"
STATE="/var/lib/sutradhar /var/lib/private/sutradhar"
STATE="$STATE /var/lib/sutradhar-failed /var/lib/private/sutradhar-failed"

die() {
    printf '%s\n' "uninstall.sh: $*" >&2
    exit 1
}

say() {
    printf '%s\n' "$*"
}

is_booted() {
    [ -d /run/systemd/system ]
}

remove() {
    for path in "$@"; do
        if [ -e "$path" ] || [ -L "$path" ]; then
            rm -rf -- "$path"
            say "removed $path"
        fi
    done
}

purge=
force=
for option; do
    case $option in
    --purge) purge=$option ;;
    --force) force=$option ;;
    *) die "$option is unknown; there is --purge, and --purge --force" ;;
    esac
done
[ "$(id -u)" = 0 ] || die "root removes services; sudo $0"
# The journal is how an agent knows what is open, and whose it is.
if [ -n "$purge" ] && [ -z "$force" ] && is_booted &&
    ! systemctl show sutradhar.service -p ActiveState | grep -qx 'ActiveState=\(inactive\|failed\)'; then
    die "the agent runs: systemctl stop sutradhar, look at the broker's book, then again (or --force)"
fi
if is_booted; then
    systemctl --quiet stop sutradhar.timer sutradhar.service 2>/dev/null || true
    say "parked, if it ran: look at the broker's book, nobody manages what is open"
fi
systemctl --quiet disable sutradhar.timer sutradhar.service 2>/dev/null || true
for unit in $UNITS; do
    remove "$UNIT_DIR/$unit"
done
if is_booted; then
    systemctl daemon-reload
    systemctl --quiet reset-failed 'sutradhar*' 2>/dev/null || true
fi
if [ "$purge" = --purge ]; then
    # shellcheck disable=SC2086 # a list of words
    remove /etc/sutradhar $STATE
else
    say "kept /etc/sutradhar and /var/lib/sutradhar; --purge takes them away"
fi

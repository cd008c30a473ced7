#!/bin/sh
# Install the agent as a systemd service, as root, from the checkout in /opt/sutradhar. Run it again
# as often as you like: it changes what differs and keeps your settings, secrets and state.
#
#   systemd/install.sh           units, folders, .venv; enabled at boot and by the timer
#   systemd/install.sh --now     the same, and starts the agent
#   systemd/install.sh --units   the units alone, for who deploys
#
# No secret is an argument: put each into a file of its own, as the last lines say.
set -eu
umask 022 # the service is another user, and reads what is made here
HOME_DIR=/opt/sutradhar
ETC=/etc/sutradhar
UNIT_DIR=/etc/systemd/system
UNITS="sutradhar.service sutradhar.timer sutradhar-failed@.service"
NEEDED=250

die() {
    printf '%s\n' "install.sh: $*" >&2
    exit 1
}

say() {
    printf '%s\n' "$*"
}

is_booted() {
    [ -d /run/systemd/system ]
}

put() {
    cmp -s "$1" "$2" && return
    install -m "$3" "$1" "$2"
    say "wrote $2"
}

folder() {
    [ -d "$1" ] || say "made $1"
    install -d -m 0700 -o root -g root "$1"
}

check() {
    [ "$(id -u)" = 0 ] || die "root installs services; sudo $0"
    [ "$PWD" = "$HOME_DIR" ] || die "the units expect the checkout in $HOME_DIR, this is $PWD"
    command -v systemctl >/dev/null || die "systemctl was not found: this is for systemd"
    version=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
    [ "${version:-0}" -ge $NEEDED ] || die "systemd $NEEDED or newer is needed, this is ${version:-unknown}"
    # Whoever may write here decides what trades.
    [ -z "$(find run.py systemd -perm -0002 ! -type l -print -quit)" ] ||
        die "everybody may write to the checkout; chmod -R o-w $HOME_DIR"
}

units() {
    for unit in $UNITS; do
        put "systemd/$unit" "$UNIT_DIR/$unit" 0644
    done
    if is_booted; then
        systemctl daemon-reload
    fi
}

settings() {
    folder $ETC
    folder $ETC/credentials
    folder $ETC/credentials/openalgo
    folder $ETC/credentials/sutradhar
    [ -e $ETC/sutradhar.env ] || put .env.example $ETC/sutradhar.env 0600
}

# Libraries are not made anew under an agent that reads them.
spare_the_running() {
    if ! is_booted || ! systemctl --quiet is-active sutradhar.service; then
        return
    fi
    if cmp -s requirements.lock .venv/requirements.lock; then
        return
    fi
    die "the agent runs, and its libraries would be made anew under it:" \
        "systemd/deploy.sh does that aside, or systemctl stop sutradhar before"
}

program() {
    .ci/venv requirements.lock
    # The service may not write here, and would compile everything at each start.
    .venv/bin/python -m compileall -q -x '/(\.venv|tests|bench)/' . ||
        die "the code does not compile"
}

ask_for_the_key() {
    [ -e $ETC/credentials/openalgo/api_key ] && return
    say "" "Now tell it the server and the key, which is read from here and not shown:" \
        "  \$EDITOR $ETC/sutradhar.env" \
        "  stty -echo; install -m 0600 /dev/stdin $ETC/credentials/openalgo/api_key; stty echo" \
        "Paste the key, Enter, Ctrl-D. Then: systemctl start sutradhar"
}

mode=${1-}
case $mode in
'' | --now | --units) ;;
*) die "$mode is unknown; there are --now and --units" ;;
esac
cd "$(dirname "$0")/.."
check
if [ "$mode" = --units ]; then
    units
    exit 0
fi
spare_the_running
program
settings
units
systemctl --quiet enable sutradhar.service sutradhar.timer
say "enabled at boot and by sutradhar.timer"
if is_booted; then
    systemctl start sutradhar.timer
fi
if [ "$mode" = --now ]; then
    systemctl start sutradhar.service
    say "started; follow it with: journalctl -fu sutradhar"
else
    ask_for_the_key
fi

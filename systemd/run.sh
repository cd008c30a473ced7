#!/bin/sh
# Run one command of run.py as the service would: its user, settings, secrets and state directory.
#
#   systemd/run.sh status
#   systemd/run.sh doctor
#   systemd/run.sh flatten
set -eu
HOME_DIR=/opt/sutradhar
ETC=/etc/sutradhar
STATE=/var/lib/sutradhar

[ "$(id -u)" = 0 ] || {
    printf '%s\n' "run.sh: only root may become the service's user; sudo $0" >&2
    exit 1
}
user="-p DynamicUser=yes -p User=sutradhar -p StateDirectory=sutradhar -p StateDirectoryMode=0700"
case "$*" in
# It asks systemd, which does not know everywhere a user that exists only for a while.
*--deploy*) user= ;;
esac
case "${1-} $*" in
# They know no state directory, or were given one.
config\ * | day\ * | swings\ * | -* | *\ --state-dir* | *\ --help*) ;;
*) set -- "$@" --state-dir $STATE ;;
esac
# shellcheck disable=SC2086 # a list of words
exec systemd-run --quiet --pipe --wait --collect $user \
    -p UMask=0077 -p WorkingDirectory=$STATE -p EnvironmentFile=$ETC/sutradhar.env \
    -p LoadCredential=openalgo:$ETC/credentials/openalgo \
    -p LoadCredential=sutradhar:$ETC/credentials/sutradhar \
    $HOME_DIR/.venv/bin/python $HOME_DIR/run.py "$@"

#!/bin/sh
# Bring the checkout in /opt/sutradhar to what its upstream has and prove that it runs, or put
# everything back. As root.
#
#   systemd/deploy.sh           refuses 09:00-15:45 IST of a trading day
#   systemd/deploy.sh --force   deploys then too; with a short open it stays under its stop
#
# It fetches, builds the libraries aside, parks, moves forward, starts, and asks doctor --deploy.
# Exit codes: 0 the new commit runs, or nothing is new; 1 refused, nothing was touched; 2 the new one
# did not prove itself, or this was cut off, and the old one is back; 3 nor does the old one run: look
# at once. Cut off by a line that dropped, it says the rest into .git/deploy.log.
set -eu
umask 022
me=deploy.sh
cd "$(dirname "$0")/.."
. systemd/deploy-common.sh

UNIT=sutradhar.service
PYTHON=.venv/bin/python
NEW_VENV=.venv.new
OLD_VENV=.venv.old
PAGE=${SUTRADHAR_PAGE_URL:-http://127.0.0.1:8501}
TOKEN=/etc/sutradhar/credentials/sutradhar/page_read_token
TRIES=${SUTRADHAR_TRIES:-45}

# The lock file that .venv was made by is the new commit's.
is_built() {
    git show "$new:requirements.lock" | cmp -s - .venv/requirements.lock
}

# The new commit's libraries, while the old one still runs; none if they are the same.
build() {
    rm -rf $NEW_VENV $OLD_VENV
    is_built && return
    say "building the libraries of $new"
    lock=$NEW_VENV/requirements.lock
    { python3 -m venv $NEW_VENV && git show "$new:requirements.lock" >$lock; } ||
        die "$NEW_VENV was not made; what runs was not touched"
    $NEW_VENV/bin/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps \
        --only-binary :all: -r $lock || die "pip could not install them; what runs was not touched"
    # It moves to .venv, which only the first lines of its programs mind.
    grep -lI "$PWD/$NEW_VENV" $NEW_VENV/bin/* | xargs -r sed -i "s|$PWD/$NEW_VENV|$PWD/.venv|g"
    pwd >$NEW_VENV/made-in
}

advance() {
    git merge --quiet --ff-only "$new" || return 1
    if [ -d $NEW_VENV ]; then
        moved=yes
        mv .venv $OLD_VENV && mv $NEW_VENV .venv || return 1
    fi
    settle
}

# Units and compiled files of whatever is checked out.
settle() {
    $PYTHON -m compileall -q -x '/(\.venv[^/]*|tests|bench)/' . && systemd/install.sh --units
}

start() {
    systemctl reset-failed $UNIT 2>/dev/null || true
    systemctl start $UNIT
}

doctor() {
    systemd/run.sh doctor --deploy unit
}

# The agent answers, and is of the commit that is checked out; or it says that the day is over.
# shellcheck disable=SC2317 # called by its name in $asked
lives() {
    if [ "$(systemctl is-active "$UNIT")" = inactive ]; then
        [ "$(systemctl show "$UNIT" --value -p ExecMainStatus)" = 10 ]
        return
    fi
    found=$(running) || return 1
    printf '%s\n' "the agent is of $found"
    [ "$found" = "$(git rev-parse HEAD)" ]
}

# The commit that the living agent says it is of.
running() {
    $PYTHON - "$PAGE/state" "$TOKEN" <<'ASK'
import json, pathlib, sys, urllib.request

url, token = sys.argv[1], pathlib.Path(sys.argv[2])
headers = {"Authorization": f"Bearer {token.read_text().strip()}"} if token.exists() else {}
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(urllib.request.Request(url, headers=headers), timeout=5) as answer:
    print(json.load(answer).get("commit", ""))
ASK
}

roll_back() {
    hold
    say "${told:-cut off, or it does not start}" "rolling back to $old"
    journalctl -u $UNIT -n 20 --no-pager
    systemctl stop $UNIT
    git reset --quiet --hard "$old"
    if [ -n "$moved" ] && [ -d $OLD_VENV ]; then
        rm -rf .venv
        mv $OLD_VENV .venv
    fi
    rm -rf $NEW_VENV
    settle
    if start && wait_for "$TRIES" $asked; then
        say "the old commit is back: $old"
        exit 2
    fi
    # Whatever is wrong: an agent that may come up is better than none.
    systemctl start --no-block $UNIT
    say "$told" "THE OLD COMMIT DOES NOT RUN EITHER: look at the broker's book, then at journalctl"
    exit 3
}

# One function, read as a whole before it runs: moving forward changes this file.
main() {
    take_options "$@"
    [ "$(id -u)" = 0 ] || die "root restarts services; sudo $0"
    check_tree
    check_hours $PYTHON run.py
    choose "$(running 2>/dev/null || true)"
    if [ "$old" = "$new" ] && [ "$(git rev-parse HEAD)" = "$new" ] && is_built; then
        say "nothing is new: $old"
        exit 0
    fi
    say "from $old" "  to $new"
    build
    # Where the agent is not ready anyway, as before the broker's login, its heir need only live.
    asked=doctor
    if ! doctor >/dev/null 2>&1; then
        asked=lives
        say "what runs is not ready by doctor --deploy, so the new one need only live"
    fi
    moved=
    guard
    say "parking: every stop stays at the broker"
    systemctl stop $UNIT
    if ! { advance && start && wait_for "$TRIES" $asked; }; then
        roll_back
    fi
    proved
    rm -rf $OLD_VENV
    say "$told" "$new runs"
    exit 0
}

main "$@"

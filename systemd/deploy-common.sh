# What systemd/deploy.sh and docker/deploy.sh share: sourced by both, in the top folder of the
# checkout, after `me` was set to the name of the script. Not a program of its own.
# shellcheck shell=sh disable=SC2154

# Never fails: a line that dropped takes the terminal with it, and what is said then goes to a file.
say() {
    printf '%s\n' "$*" 2>/dev/null && return
    if { : >>.git/deploy.log; } 2>/dev/null; then
        exec >>.git/deploy.log 2>&1
    else
        exec >/dev/null 2>&1
    fi
    printf '%s\n' "$*" || :
}

die() {
    printf '%s\n' "$me: $*" >&2
    exit 1
}

# From here on every end but `proved` leads through roll_back of the script, which exits by itself.
guard() {
    told=
    trap '' PIPE
    trap roll_back EXIT HUP INT TERM
}

proved() {
    trap - EXIT HUP INT TERM
}

# First line of roll_back: nothing ends it any more, neither a failing step nor a signal.
hold() {
    set +e
    trap - EXIT
    trap '' HUP INT TERM PIPE
}

# Take --force, set $force; nothing else is known.
take_options() {
    force=
    for option; do
        case $option in
        --force) force=yes ;;
        *) die "$option is unknown; there is --force, which deploys in trading hours too" ;;
        esac
    done
}

# Refuse a tree that is not exactly what its upstream has, or had.
check_tree() {
    [ -z "$(git status --porcelain)" ] ||
        die "the checkout has changes of its own; commit or undo them: git status"
    upstream=$(git rev-parse --abbrev-ref '@{upstream}' 2>/dev/null) ||
        die "this branch follows no other; git branch --set-upstream-to=origin/main"
    git fetch --quiet || die "git fetch failed: nothing was changed"
    git merge-base --is-ancestor HEAD "$upstream" ||
        die "the checkout has commits that $upstream has not; look at git log $upstream.."
}

# Refuse 09:00 to 15:45 IST of a trading day; the arguments are how run.py is called.
check_hours() {
    told=$("$@" day --deploy 2>&1) && return
    [ -n "$force" ] || die "$told; nothing was changed (--force deploys all the same)"
    say "forced: $told"
}

# Set $old, what is gone back to: the commit that runs, or where nothing says one the one checked
# out. They differ where the checkout was pulled by hand. And $new, what upstream has.
# shellcheck disable=SC2034 # both are for who sources this
choose() {
    new=$(git rev-parse '@{upstream}')
    old=$(git rev-parse HEAD)
    if [ -n "$1" ] && git cat-file -e "$1^{commit}" 2>/dev/null; then
        old=$1
    fi
}

# Call the command after the number of tries until it succeeds, two seconds apart.
wait_for() {
    left=$1
    shift
    until told=$("$@" 2>&1); do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 2
    done
}

# What systemd/deploy.sh and docker/deploy.sh share: sourced by both, in the top folder of the
# checkout, after `me` was set to the name of the script. Not a program of its own.
# shellcheck shell=sh disable=SC2154

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s\n' "$me: $*" >&2
    exit 1
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

# Take what upstream has; set $old and $new.
pull() {
    old=$(git rev-parse HEAD)
    git merge --quiet --ff-only '@{upstream}' || die "the checkout cannot be moved forward"
    new=$(git rev-parse HEAD)
    say "from $old" "  to $new"
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

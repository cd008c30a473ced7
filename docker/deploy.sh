#!/bin/sh
# Bring the agent's container to what the upstream branch has and prove that it runs, or put
# everything back.
#
#   docker/deploy.sh            refuses 09:00-15:45 IST of a trading day
#   docker/deploy.sh --force    deploys then too; with a short open it stays under its stop
#
# OpenAlgo is left alone. The agent parks, and whatever is open is taken over by the next one.
# Your own settings of compose are in docker/docker-compose.override.yml, or in the files that
# COMPOSE_FILE names.
# Exit codes: 0 the new commit runs; 1 refused, what runs was not touched; 2 the new one did not
# prove itself, or this was cut off, and the image before runs again; 3 nothing is proved to run:
# look at once. Cut off by a line that dropped, it says the rest into .git/deploy.log.
set -eu
me=deploy.sh
cd "$(dirname "$0")/.."
. systemd/deploy-common.sh

IMAGE=${SUTRADHAR_IMAGE:-sutradhar}
NAME=sutradhar
TRIES=${SUTRADHAR_TRIES:-60}
LABEL='{{index .Config.Labels "org.opencontainers.image.revision"}}'
OVERRIDE=docker/docker-compose.override.yml

# With -f compose looks for no override by itself.
compose() {
    if [ -z "${COMPOSE_FILE:-}" ]; then
        [ ! -e $OVERRIDE ] || set -- -f $OVERRIDE "$@"
        set -- -f docker/docker-compose.yml "$@"
    fi
    if docker compose version >/dev/null 2>&1; then
        docker compose "$@"
    else
        docker-compose "$@"
    fi
}

doctor() {
    docker exec $NAME /app/.venv/bin/python /app/run.py doctor --deploy container \
        --state-dir /state
}

# shellcheck disable=SC2317 # called by its name in $asked
lives() {
    docker exec sutradhar /app/.venv/bin/python -c \
        "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"
}

start() {
    compose --profile live up -d --no-build $NAME
}

roll_back() {
    hold
    say "${told:-cut off, or it does not start}"
    docker logs --tail 20 $NAME
    if [ -n "$before" ]; then
        say "rolling back to $old"
        git reset --quiet --hard "$old"
        if docker tag "$before" "$IMAGE" && start && wait_for "$TRIES" $asked; then
            say "$new does not stand; the image before runs again"
            exit 2
        fi
    fi
    # Whatever is wrong: an agent that may come up is better than none.
    docker start $NAME
    say "$told" "$new DOES NOT STAND, NOR DOES WHAT WAS BEFORE: look at the broker's book, then at" \
        "docker logs $NAME"
    exit 3
}

build() {
    docker build -f docker/Dockerfile --build-arg "COMMIT=$new" \
        ${BASE:+--build-arg "BASE=$BASE"} -t "$IMAGE" . &&
        found=$(docker image inspect --format "$LABEL" "$IMAGE") && return
    found=none
}

# Nothing that runs was touched: the checkout and the name of the image go back too, so that a start
# by hand or after a crash is of what ran.
refuse() {
    git reset --quiet --hard "$old"
    [ -z "$before" ] || docker tag "$before" "$IMAGE"
    die "$1; what runs was not touched"
}

# The new container answers, and is of the new commit.
proves() {
    start && wait_for "$TRIES" $asked || return 1
    found=$(docker exec $NAME printenv SUTRADHAR_COMMIT)
    [ "$found" = "$new" ] && return
    told="the container says $found"
    return 1
}

# One function, read as a whole before it runs: moving forward changes this file.
main() {
    take_options "$@"
    check_tree
    before=$(docker container inspect --format '{{.Image}}' $NAME 2>/dev/null) || before=
    if [ -n "$before" ]; then
        check_hours docker run --rm --network none --entrypoint /app/.venv/bin/python "$before" \
            /app/run.py
    fi
    # Where the agent is not ready anyway, as before the broker's login, its heir need only live.
    asked=doctor
    if [ -n "$before" ] && ! doctor >/dev/null 2>&1; then
        asked=lives
        say "the agent that runs is not ready by doctor --deploy, so the new one need only live"
    fi
    choose "$(docker container inspect --format "$LABEL" $NAME 2>/dev/null || true)"
    git merge --quiet --ff-only "$new" || die "the checkout cannot be moved forward"
    say "from $old" "  to $new"
    build
    [ "$found" = "$new" ] || refuse "the image says $found and not $new"
    guard
    if [ -n "$before" ]; then
        say "parking"
        compose --profile live stop $NAME
        code=$(docker container inspect --format '{{.State.ExitCode}}' $NAME)
        [ "$code" = 0 ] || say "it ended with $code and not 0: the new one recovers what is open"
    fi
    proves || roll_back
    proved
    say "$told" "$new runs"
    exit 0
}

main "$@"

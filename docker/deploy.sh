#!/bin/sh
# Bring the agent's container to what the upstream branch has, or leave it as it was.
#
#   docker/deploy.sh            refuses 09:00-15:45 IST of a trading day
#   docker/deploy.sh --force    deploys then too; with a short open it stays under its stop
#
# OpenAlgo is left alone. The agent parks, and whatever is open is taken over by the next one.
set -eu
me=deploy.sh
cd "$(dirname "$0")/.."
. systemd/deploy-common.sh

IMAGE=${SUTRADHAR_IMAGE:-sutradhar}
NAME=sutradhar
TRIES=${SUTRADHAR_TRIES:-60}
LABEL='{{index .Config.Labels "org.opencontainers.image.revision"}}'

compose() {
    if docker compose version >/dev/null 2>&1; then
        docker compose -f docker/docker-compose.yml --profile live "$@"
    else
        docker-compose -f docker/docker-compose.yml --profile live "$@"
    fi
}

doctor() {
    docker exec $NAME /app/.venv/bin/python /app/run.py doctor --deploy container \
        --state-dir /state
}

lives() {
    docker exec $NAME /app/.venv/bin/python -c \
        "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"
}

start() {
    compose up -d --no-build $NAME
}

roll_back() {
    printf '%s\n' "$told" >&2
    docker logs --tail 20 $NAME >&2 || true
    [ -n "$before" ] || die "$new does not stand, and there was none before; it is left as it is"
    docker tag "$before" "$IMAGE"
    start
    wait_for "$TRIES" "$asked" ||
        die "$new does not stand, and the image before neither: look at docker logs $NAME"
    die "$new does not stand; the image before runs again, the checkout stays at $new"
}

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
pull
docker build -f docker/Dockerfile --build-arg "COMMIT=$new" ${BASE:+--build-arg "BASE=$BASE"} \
    -t "$IMAGE" . || die "the image was not built; what runs was not touched"
found=$(docker image inspect --format "$LABEL" "$IMAGE")
[ "$found" = "$new" ] || die "the image says $found and not $new; what runs was not touched"

if [ -n "$before" ]; then
    say "parking"
    compose stop $NAME
    code=$(docker container inspect --format '{{.State.ExitCode}}' $NAME)
    [ "$code" = 0 ] || say "it ended with $code and not 0: the new one recovers what is open"
fi
start || true
wait_for "$TRIES" $asked || roll_back
found=$(docker exec $NAME printenv SUTRADHAR_COMMIT)
[ "$found" = "$new" ] || { told="the container says $found" && roll_back; }
say "$told" "$new runs"

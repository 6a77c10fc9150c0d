#!/bin/sh
# Pin the images that compose.yaml starts: pull each and write its name with its digest into .env.
# usage: deploy/pin-images.sh            writes the names that are missing or have no digest
#        deploy/pin-images.sh --update   pulls all again, for newer builds of the same versions
# An image's tag is taken from its line in .env (REDIS_IMAGE=redis:8), else from the list below.
set -eu
cd "$(dirname "$0")/.."
file=${ENV_FILE:-.env}
[ -f "$file" ] || { echo "$file is missing: cp .env.example .env" >&2; exit 1; }

for default in PYTHON_IMAGE=python:3.12-slim POSTGRES_IMAGE=postgres:16 REDIS_IMAGE=redis:7 \
    INNGEST_IMAGE=inngest/inngest:latest; do
    name=${default%%=*}
    image=$(sed -n "s/^$name=//p" "$file" | tail -n 1)
    case $image in
        *@sha256:*) [ "${1:-}" = --update ] || continue ;;
    esac
    [ -n "$image" ] || image=${default#*=}
    image=${image%@*}
    docker pull --quiet "$image" >/dev/null
    digest=$(docker image inspect --format '{{index .RepoDigests 0}}' "$image")
    digest=${digest##*@}
    case $digest in
        sha256:????????????????????????????????????????????????????????????????) ;;
        *) echo "no digest for $image: $digest" >&2; exit 1 ;;
    esac
    # Written in place, so that the file keeps its owner and its mode.
    others=$(grep -v "^$name=" "$file" || true)
    printf '%s\n%s=%s@%s\n' "$others" "$name" "$image" "$digest" >"$file"
    echo "$name=$image@$digest"
done

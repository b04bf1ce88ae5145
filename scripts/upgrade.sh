#!/bin/sh
# Replaces the containers of docker-compose.yaml by such of a new image, workers first: for each, a new one starts and becomes
# healthy before an old one ends. Clients of a gateway that ends come back to the others by themselves.
#
# usage: git pull && scripts/upgrade.sh
# To go back: check the earlier version out, and run it again.
set -eu
cd "$(dirname "$0")/.."

docker compose build worker gateway
for service in worker gateway; do
    old=$(docker compose ps --quiet "$service")
    count=$(echo "$old" | grep -c .)
    for container in $old; do
        docker compose up --detach --no-deps --no-recreate --wait --scale "$service=$((count + 1))" "$service"
        # It ends within its stop_grace_period.
        docker stop "$container" > /dev/null
        docker rm "$container" > /dev/null
    done
    echo "$service: $count replaced"
done

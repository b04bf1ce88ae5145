#!/bin/sh
# Writes a file of random secrets for docker-compose.yaml: `.env` of the repository, or the file that is named. Only its owner can
# read it. A file that exists is left as it is.
#
# usage: scripts/secrets.sh [FILE]
set -eu
umask 077

file=${1:-$(cd "$(dirname "$0")/.." && pwd)/.env}
if [ -e "$file" ] || [ -L "$file" ]; then
    echo "secrets.sh: $file exists and is not changed; move it away first, and keep CHATCHIT_MASTER_KEY" >&2
    exit 1
fi

# 32 random bytes in hex: letters and digits, since most of them stand in URLs.
random() {
    bytes=$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n')
    if [ ${#bytes} -ne 64 ]; then
        echo "secrets.sh: /dev/urandom gives no random bytes" >&2
        exit 1
    fi
    printf '%s' "$bytes"
}

new=$(mktemp "$file.XXXXXX")
trap 'rm -f "$new"' EXIT
{
    echo "# Made by scripts/secrets.sh. Keep a copy elsewhere: without CHATCHIT_MASTER_KEY nobody can read the texts any more."
    for name in CHATCHIT_MASTER_KEY CHATCHIT_AUDIT_KEY JWT_ACCESS_TOKEN METRICS_TOKEN POSTGRES_PASSWORD RABBITMQ_PASSWORD \
        REDIS_PASSWORD PGADMIN_PASSWORD REDIS_COMMANDER_PASSWORD GRAFANA_PASSWORD; do
        secret=$(random)
        echo "$name=$secret"
    done
} > "$new"

# Fails if another run was quicker.
ln "$new" "$file"
echo "wrote $file"

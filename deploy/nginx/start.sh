#!/bin/sh
# Starts nginx in front of ChatChit. `start.sh render` prints the site's configuration instead, `start.sh whole` all of it.
#
# Settings, from the environment:
#   GATEWAYS         host:port of each gateway, separated by spaces; all addresses of a name are used    gateway:8080
#   SERVER_NAME      names of this server, separated by spaces                                           _
#   LISTEN_ON        addresses to listen on, separated by spaces                                         0.0.0.0, and [::] with IPv6
#   HTTP_PORT, HTTPS_PORT                                                                                80, 443
#   HTTPS_ONLY       on: HTTP requests are sent to HTTPS                                                  off
#   CERTIFICATES     folder of fullchain.pem and privkey.pem; if empty, a self-signed one is made        STATE/tls
#   PROXY_TIMEOUT    how long a gateway may be silent; more than the heartbeat of 25 s                   120s
#   PROXIES_IN_FRONT networks of further proxies whose X-Forwarded-For is believed, separated by spaces  none
#   ACCESS_LOG       where requests are logged                                                           /dev/stdout
#   ACME_ROOT        folder with .well-known/acme-challenge                                              STATE/acme
#   STATE            a folder for what is made here                                                      /var/lib/chatchit-nginx
#   LOOK             seconds between two looks at GATEWAYS and the certificate                           2
#   WORKERS          processes of nginx                                                                  auto
set -eu

here=$(cd "$(dirname "$0")" && pwd)
: "${GATEWAYS:=gateway:8080}" "${SERVER_NAME:=_}" "${HTTP_PORT:=80}" "${HTTPS_PORT:=443}" "${HTTPS_ONLY:=off}"
: "${PROXY_TIMEOUT:=120s}" "${PROXIES_IN_FRONT:=}" "${ACCESS_LOG:=/dev/stdout}" "${STATE:=/var/lib/chatchit-nginx}"
: "${LOOK:=2}" "${WORKERS:=auto}"
: "${ACME_ROOT:=$STATE/acme}" "${CERTIFICATES:=$STATE/tls}"
if ! [ -s "$CERTIFICATES/fullchain.pem" ]; then CERTIFICATES=$STATE/tls; fi
certificate=$CERTIFICATES/fullchain.pem
key=$CERTIFICATES/privkey.pem
if [ -z "${LISTEN_ON:-}" ]; then
    LISTEN_ON=0.0.0.0
    if [ -s /proc/net/if_inet6 ]; then LISTEN_ON="$LISTEN_ON [::]"; fi
fi

# Since 1.25.1 HTTP/2 is a directive of its own.
has_http2_directive() {
    nginx -v 2>&1 | sed 's|.*nginx/||' | awk -F. '{ exit !($1 > 1 || $2 > 25 || ($2 == 25 && $3 + 0 >= 1)) }'
}

listen() {
    http2=" http2"
    if has_http2_directive; then http2="" && printf 'http2 on; '; fi
    for address in $LISTEN_ON; do
        printf 'listen %s:%s; listen %s:%s ssl%s; ' "$address" "$HTTP_PORT" "$address" "$HTTPS_PORT" "$http2"
    done
}

servers() {
    for gateway in $GATEWAYS; do printf 'server %s %s; ' "$gateway" "$1"; done
}

real_address() {
    if [ -z "$PROXIES_IN_FRONT" ]; then return; fi
    printf 'real_ip_header X-Forwarded-For; real_ip_recursive on; '
    for network in $PROXIES_IN_FRONT; do printf 'set_real_ip_from %s; ' "$network"; done
}

render() {
    sed -e "s#\${SERVERS}#$(servers max_fails=0)#" -e "s#\${SERVERS_ONCE}#$(servers 'max_fails=1 fail_timeout=3s')#" \
        -e "s#\${LISTEN}#$(listen)#" -e "s#\${REAL_ADDRESS}#$(real_address)#" \
        -e "s#\${SERVER_NAME}#$SERVER_NAME#" -e "s#\${HTTPS_ONLY}#$HTTPS_ONLY#" -e "s#\${PROXY_TIMEOUT}#$PROXY_TIMEOUT#" \
        -e "s#\${CERTIFICATE}#$certificate#" -e "s#\${CERTIFICATE_KEY}#$key#" \
        -e "s#\${ACCESS_LOG}#$ACCESS_LOG#" -e "s#\${ACME_ROOT}#$ACME_ROOT#" "$here/chatchit.conf.template"
}

# The whole configuration, for an nginx that serves nothing else.
whole() {
    # Every shell of Linux knows it.
    # shellcheck disable=SC3045
    files=$(ulimit -n)
    case $files in *[!0-9]*) files=65536 ;; esac
    if [ "$files" -gt 65536 ]; then files=65536; fi
    cat <<END
worker_processes $WORKERS;
worker_rlimit_nofile $files;
pid $STATE/nginx.pid;
error_log stderr warn;
# After a reload, sockets stay with the old processes; not for ever.
worker_shutdown_timeout 12h;
events { worker_connections $((files / 2)); }
http {
    client_body_temp_path $STATE/body;
    proxy_temp_path $STATE/proxy;
    fastcgi_temp_path $STATE/unused; uwsgi_temp_path $STATE/unused; scgi_temp_path $STATE/unused;
$(render)
}
END
}

certify() {
    if [ -s "$certificate" ] && [ -s "$key" ]; then return; fi
    if [ "$CERTIFICATES" != "$STATE/tls" ]; then
        echo "start.sh: $key is missing or empty" >&2
        exit 1
    fi
    name=${SERVER_NAME%% *}
    if [ "$name" = _ ]; then name=localhost; fi
    mkdir -p "$STATE/tls"
    (
        umask 077
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 3650 \
            -keyout "$key.new" -out "$certificate.new" -subj "/CN=$name" \
            -addext "subjectAltName=DNS:$name,DNS:localhost,IP:127.0.0.1" 2>/dev/null
    )
    mv "$key.new" "$key"
    mv "$certificate.new" "$certificate"
    echo "start.sh: made a self-signed certificate for $name; browsers warn of it" >&2
}

# Everything that a reload picks up: the gateways' addresses, and the certificate.
seen() {
    for gateway in $GATEWAYS; do getent ahosts "${gateway%:*}" | awk '{ print $1 }' | sort -u; done
    cksum "$certificate" "$key" 2>/dev/null || true
}

# Reloads nginx after changes. It ends with nginx, which takes over this shell's process id.
watch() {
    before=$(seen)
    while sleep "$LOOK" && kill -0 $$ 2>/dev/null; do
        now=$(seen)
        if [ "$now" != "$before" ] && nginx -c "$STATE/nginx.conf" -t -q && nginx -c "$STATE/nginx.conf" -s reload; then
            before=$now
            echo "start.sh: the gateways or the certificate changed; nginx reads them anew" >&2
        fi
    done
}

case ${1:-run} in
    render) certify && render ;;
    whole) certify && whole ;;
    run)
        mkdir -p "$STATE" "$ACME_ROOT"
        certify
        whole > "$STATE/nginx.conf"
        nginx -c "$STATE/nginx.conf" -t -q
        watch &
        exec nginx -c "$STATE/nginx.conf" -g 'daemon off;'
        ;;
    *) echo "usage: start.sh [run|render|whole]" >&2 && exit 2 ;;
esac

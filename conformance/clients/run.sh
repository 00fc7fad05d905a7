#!/usr/bin/env bash
# Unmodified clients against running services. See README.md.
#
#   KARVAN_ENDPOINTS=endpoints.json conformance/clients/run.sh [zeep|httpx|curl|soap|evidence|bundle|legal|basis|registry|journal ...]
#
# Prints one line per check and `N passed, N failed`; exit code 0 only when none failed.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
: "${KARVAN_ENDPOINTS:?the file that describes the services, see README.md}"
KARVAN_ENDPOINTS=$(cd -- "$(dirname -- "$KARVAN_ENDPOINTS")" && pwd)/$(basename -- "$KARVAN_ENDPOINTS")
export KARVAN_ENDPOINTS PYTHONDONTWRITEBYTECODE=1 NO_PROXY='*' no_proxy='*'
unset HTTP_PROXY http_proxy HTTPS_PROXY https_proxy ALL_PROXY all_proxy

clients=("$@")
[ ${#clients[@]} -gt 0 ] || clients=(zeep httpx curl soap evidence bundle legal basis registry journal)

# The packages are kept between runs, apart for each state of the lists that name them.
state=$(cat "$here/requirements.txt" "$here/package.json" "$here/package-lock.json" | cksum | tr ' ' '-')
cache=${KARVAN_CLIENTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/karvan-clients}/$state
mkdir -p "$cache"

if [ ! -e "$cache/python.ready" ]; then
    rm -rf "$cache/python"
    python3 -m venv "$cache/python"
    "$cache/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    touch "$cache/python.ready"
fi
if [ ! -e "$cache/node.ready" ]; then
    rm -rf "$cache/node"
    mkdir "$cache/node"
    cp "$here/package.json" "$here/package-lock.json" "$cache/node/"
    (cd "$cache/node" && npm ci --silent --ignore-scripts --no-audit --no-fund)
    touch "$cache/node.ready"
fi

log=$(mktemp)
trap 'rm -f -- "$log"' EXIT
for client in "${clients[@]}"; do
    case $client in
        soap)
            # Modules are looked up from where the script lies.
            cp "$here/soap_client.mjs" "$cache/node/"
            command=(node "$cache/node/soap_client.mjs")
            ;;
        *) command=("$cache/python/bin/python" "$here/${client}_client.py") ;;
    esac
    before=$(wc -l < "$log")
    status=0
    "${command[@]}" 2>&1 | tee -a "$log" || status=$?
    # A script that breaks between two checks, or before its first one, has failed too.
    made=$(tail -n "+$((before + 1))" "$log" | grep -E '^(not )?ok ' || true)
    if [ -z "$made" ] || { [ "$status" -ne 0 ] && ! grep -q '^not ok ' <<< "$made"; }; then
        echo "not ok $client: it broke off" | tee -a "$log"
    fi
done

passed=$(grep -cE '^ok ' "$log" || true)
failed=$(grep -cE '^not ok ' "$log" || true)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

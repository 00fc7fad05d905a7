#!/usr/bin/env bash
# The unmodified clients against a sandbox of its own: builds Karvan, brings the country up, runs run.sh, ends it.
#
#   conformance/clients/ci.sh [zeep|httpx|curl|soap|evidence|bundle|legal|basis|registry|journal ...]
#
# KARVAN_BIN             use this binary instead of building one
# KARVAN_CLIENTS_CACHE   where the clients' packages are kept (default: target/conformance-clients)
#
# Prints `N passed, N failed` at the end; exit code 0 only when none failed. Where python3 or npm is missing it says
# "not run" and ends with 0.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../.." && pwd)

for tool in python3 npm; do
    if ! command -v "$tool" > /dev/null; then
        echo "not run: $tool is missing"
        exit 0
    fi
done

if [ -z "${KARVAN_BIN:-}" ]; then
    (cd "$root" && cargo build --release --locked --package karvan)
    KARVAN_BIN=${CARGO_TARGET_DIR:-$root/target}/release/karvan
fi
export KARVAN_CLIENTS_CACHE=${KARVAN_CLIENTS_CACHE:-$root/target/conformance-clients}

dir=$(mktemp -d)
sandbox=
stop() {
    if [ -n "$sandbox" ]; then
        kill "$sandbox" 2> /dev/null || true
        wait "$sandbox" 2> /dev/null || true
    fi
    rm -rf -- "$dir"
}
trap stop EXIT

"$KARVAN_BIN" sandbox --dir "$dir/country" > "$dir/output" 2>&1 &
sandbox=$!

# The file is written when everything answers: at most two minutes from now.
for ((polls = 0; ; polls++)); do
    [ ! -e "$dir/country/endpoints.json" ] || break
    if [ "$polls" -ge 1200 ] || ! kill -0 "$sandbox" 2> /dev/null; then
        echo "the sandbox did not come up:"
        cat "$dir/output"
        echo "0 passed, 1 failed"
        exit 1
    fi
    sleep 0.1
done

KARVAN_ENDPOINTS="$dir/country/endpoints.json" "$here/run.sh" "$@"

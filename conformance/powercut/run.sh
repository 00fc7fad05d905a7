#!/usr/bin/env bash
# Power cuts under load: how many (default 40). See README.md.
#
#   conformance/powercut/run.sh [CUTS] [--seed N] [--keep DIR]
#
# KARVAN_BIN   use this binary instead of building one
#
# Where python3, root or loop devices are missing it says "not run" and ends with 0.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
if ! command -v python3 > /dev/null; then
    echo "not run: python3 is missing"
    exit 0
fi
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/powercut.py" "$@"

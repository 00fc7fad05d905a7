# The recipes of the house. `just` lists them; CI runs `just ci`.

# Bytes of another implementation, when they are at hand beside the checkout.
beside := justfile_directory() / "../shared/vectors"
vectors := env("KARVAN_XROAD_VECTORS", if path_exists(beside) == "true" { beside } else { "" })
with_vectors := if vectors == "" { "" } else { "KARVAN_XROAD_VECTORS=" + quote(vectors) }

_list:
    @just --list

# Format, lints, tests, documentation: before every commit.
check:
    cargo fmt --all -- --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    {{ with_vectors }} cargo test --workspace --locked
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Everything that must hold before a change lands.
ci:
    bash .ci/run

# A country on this machine, with its story; arguments as of `karvan sandbox`.
sandbox *ARGUMENTS:
    cargo run --release --locked -- sandbox {{ ARGUMENTS }}

# Two nodes and a service under load; arguments as of `karvan bench`.
bench *ARGUMENTS:
    cargo run --release --locked -- bench {{ ARGUMENTS }}

# Unmodified clients of others against the sandbox.
conformance:
    conformance/clients/ci.sh

# What needs the bytes of another implementation; says where they are looked for.
vectors:
    @test -n "{{ vectors }}" || { echo "set KARVAN_XROAD_VECTORS to the folder of vectors" >&2; exit 1; }
    {{ with_vectors }} cargo test --locked -p gateway-proto -p gateway-seal -p gateway-globalconf -p gateway-asic -p conformance-fuzz

# Every fuzz target over its seeds and a thousand mutations each, on stable Rust.
fuzz-smoke:
    {{ with_vectors }} cargo test --locked -p conformance-fuzz

# The campaign on one target until stopped (needs cargo-fuzz and a nightly toolchain); no name lists the targets.
fuzz TARGET="" *ARGUMENTS:
    #!/usr/bin/env bash
    set -euo pipefail
    target='{{ TARGET }}'
    if [ -z "$target" ]; then
        exec cargo run --quiet --locked -p conformance-fuzz --bin fuzz-seeds
    fi
    home=conformance/fuzz/libfuzzer
    # The same versions as in the workspace; cargo adds libFuzzer's own.
    cp Cargo.lock "$home/Cargo.lock"
    cargo run --quiet --locked -p conformance-fuzz --bin fuzz-seeds -- "$target" "$home/corpus/$target"
    # SQLite's own file defines a name twice, which the sanitizer takes for a mistake.
    export ASAN_OPTIONS=detect_odr_violation=0
    cargo +nightly fuzz run --fuzz-dir "$home" "$target" "$home/corpus/$target" -- -max_len=65536 -timeout=10 -rss_limit_mb=2048 {{ ARGUMENTS }}

# Licences, sources, duplicates, homes and advisories of dependencies (needs cargo-deny).
deny:
    cargo deny check

# The crash run: nodes killed under load at random points, so many times.
crash KILLS="60":
    KARVAN_CRASH_KILLS={{ KILLS }} cargo test --release --locked -p karvan --test it -- --nocapture nothing_acknowledged_is_lost

# Power cuts under load, so many times (needs root and loop devices; says so where they are missing).
powercut CUTS="40" *ARGUMENTS:
    conformance/powercut/run.sh {{ CUTS }} {{ ARGUMENTS }}

#!/bin/sh
# npm test [-- PATTERN]: set-up, then everything from cheap to costly; stops at the first stage that fails.
# With PATTERN only the test files whose path contains it, without the static checks; no such file: tests of that name.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
PATH=$PWD/node_modules/.bin:$PATH
export PATH

pattern=${1:-}
stage() {
  echo "test: $1"
}

# One process for all files (150 small files: 0.3 s instead of 23 s); tests clean up after themselves. The spec reporter's
# closing summary stays the last thing printed.
run_tests() {
  if [ -n "$name" ]; then
    set -- --test-name-pattern "$name" "$@"
  fi
  node --disable-warning=ExperimentalWarning --test --test-isolation=none --test-reporter=spec "$@"
}

files() {
  find src bench testdata -name '*.test.ts' | grep -F -- "$1" | LC_ALL=C sort || true
}
name=
if [ -n "$pattern" ] && [ -z "$(files "$pattern")" ]; then
  name=$pattern
  pattern=
fi
unit=$(files "$pattern" | grep -v '\.lab\.test\.ts$' || true)
lab=$(files "$pattern" | grep '\.lab\.test\.ts$' || true)

if [ $# -eq 0 ]; then
  stage 'types (tsc)'
  tsc --noEmit
  stage 'lint (oxlint)'
  oxlint --deny-warnings
fi

# Lab tests make namespaces and run routing daemons. What stands in the way, or nothing.
obstacle() {
  if [ "$(id -u)" -ne 0 ]; then
    echo 'they need root'
  elif ! unshare --net --mount --pid --fork true 2>/dev/null; then
    echo 'this machine does not allow namespaces'
  elif ! [ -x /usr/lib/frr/zebra ]; then
    echo 'the Debian package frr is missing'
  fi
}
if [ -n "$lab" ] && [ -n "$(obstacle)" ]; then
  if [ "${CI:-}" = true ]; then
    echo "test: lab tests cannot run: $(obstacle)" >&2
    exit 1
  fi
  echo "test: lab tests are skipped: $(obstacle)"
  lab=
fi

if [ -n "$unit" ]; then
  stage 'units, properties, scenarios'
  # shellcheck disable=SC2086  # file names of this repository hold no blanks
  run_tests $unit
fi
if [ -n "$lab" ]; then
  stage 'lab: real namespaces, daemons and agents'
  # shellcheck disable=SC2086
  run_tests $lab
fi

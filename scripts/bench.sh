#!/bin/sh
# npm run bench [-- NAME... --json]: set-up, then the benchmarks of bench/.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec node_modules/.bin/node --disable-warning=ExperimentalWarning bench/run.ts "$@"

#!/bin/sh
# npm run chaos [-- --minutes 5 --seed N --store memory|sqlite --steps N --rounds N]: set-up, then chaos with fresh seeds.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec node_modules/.bin/node --disable-warning=ExperimentalWarning scripts/chaos.ts "$@"

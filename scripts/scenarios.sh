#!/bin/sh
# npm run scenarios [-- PATTERN]: set-up, then all stories or those whose name matches PATTERN, pure and in the lab; writes docs/scenarios.md.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec node_modules/.bin/node --disable-warning=ExperimentalWarning scripts/scenarios.ts "$@"

#!/bin/sh
# npm start [-- --once]: set-up, then the main job: a fabric in namespaces, three VPCs, and what may and may not pass.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec node_modules/.bin/node --disable-warning=ExperimentalWarning src/cli/demo.ts "$@"

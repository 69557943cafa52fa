#!/bin/sh
# Generates src/goal/gen (or the folder given) from proto/. A test fails when what is checked in is stale.
set -eu
cd "$(dirname "$0")/.."
out=${1:-src/goal/gen}
mkdir -p "$out"
PATH="$PWD/node_modules/.bin:$PATH" protoc \
  --proto_path=proto \
  --plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es \
  --es_out="$out" \
  --es_opt=target=ts,erasable_syntax=true,import_extension=ts \
  proto/heddle/agent/v1/*.proto

#!/bin/sh
# Generates the code of proto/ below src/ (or the folder given): goal/gen and store/etcd/gen. A test fails when what is
# checked in is stale.
set -eu
cd "$(dirname "$0")/.."
root=${1:-src}
PATH="$PWD/node_modules/.bin:$PATH"

# generate FOLDER FILE...
generate() {
  out=$root/$1
  shift
  mkdir -p "$out"
  protoc \
    --proto_path=proto \
    --plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es \
    --es_out="$out" \
    --es_opt=target=ts,erasable_syntax=true,import_extension=ts \
    "$@"
}

generate goal/gen proto/heddle/agent/v1/*.proto
generate store/etcd/gen proto/etcd/*.proto

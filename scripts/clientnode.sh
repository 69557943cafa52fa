#!/bin/sh
# Fetches @kubernetes/client-node, which the server is tested with and nothing else needs, into .heddle/clientnode/ and prints that folder.
set -eu
cd "$(dirname "$0")/.."
version=2.0.1
folder=$PWD/.heddle/clientnode
if [ ! -f "$folder/node_modules/@kubernetes/client-node/package.json" ] || [ "$(cat "$folder/version" 2>/dev/null)" != "$version" ]; then
  rm -rf "$folder"
  mkdir -p "$folder"
  echo '{ "private": true }' >"$folder/package.json"
  npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts --loglevel=error "@kubernetes/client-node@$version" >&2
  echo "$version" >"$folder/version"
fi
echo "$folder"

#!/bin/sh
# Fetches Debian's kubectl (1.20, the oldest that Heddle answers to) into .heddle/kubectl/ and prints its path.
set -eu
cd "$(dirname "$0")/.."
cache=$PWD/.heddle/kubectl
binary=$cache/root/usr/bin/kubectl
if [ ! -x "$binary" ]; then
  mkdir -p "$cache"
  # apt's sandbox user must be able to write where the package goes, or it prints a warning.
  ( cd "$cache" && { apt-get -qq download kubernetes-client >/dev/null 2>&1 ||
    { apt-get -qq update >/dev/null && apt-get -qq download kubernetes-client >/dev/null 2>&1; }; } ) ||
    { echo "kubectl.sh: cannot download Debian's kubernetes-client package" >&2; exit 1; }
  rm -rf "$cache/root.new"
  dpkg -x "$cache"/kubernetes-client_*.deb "$cache/root.new"
  rm -f "$cache"/kubernetes-client_*.deb
  rm -rf "$cache/root"
  mv "$cache/root.new" "$cache/root"
fi
echo "$binary"

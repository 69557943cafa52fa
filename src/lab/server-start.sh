#!/bin/sh
# What runs on a server of the lab: what answers probes, and a DHCP client on every port.
#
#   server-start.sh DIRECTORY NAME SCRIPTS PORT...
set -eu
directory=$1 name=$2 scripts=$3
shift 3

sh "$scripts/probe-answer.sh" "$directory" "$name"
for port; do
  sh "$scripts/dhcp-follow.sh" "$directory" "$port" "$scripts/dhcp-event.sh" > "$directory/dhcp-$port.log" 2>&1 &
done

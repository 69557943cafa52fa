#!/bin/sh
# What runs on a server of the lab: an identity that others can ask for by TCP, a record of the echo requests that arrive,
# and a DHCP client on every port.
#
#   server-start.sh DIRECTORY NAME SCRIPTS PORT...
set -eu
directory=$1 name=$2 scripts=$3
shift 3

# Two VPCs may hold the same address: what answers must say who it is, and what was asked must remember by whom.
mkdir -p "$directory/www"
printf '%s\n' "$name" > "$directory/www/index.html"
busybox httpd -p 80 -h "$directory/www"
nft -f - << 'RULES'
table inet probe {
  set seen { typeof ip saddr . icmp id; flags dynamic,timeout; timeout 60s; size 65535; }
  chain input { type filter hook input priority -300; policy accept;
    icmp type echo-request add @seen { ip saddr . icmp id }
  }
}
RULES
for port; do
  sh "$scripts/dhcp-follow.sh" "$directory" "$port" "$scripts/dhcp-event.sh" > "$directory/dhcp-$port.log" 2>&1 &
done

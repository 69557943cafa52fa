#!/bin/sh
# Asks for an IPv6 address when a router advertises itself and no address was made of its prefix (RFC 4862): then addresses are
# to be had by DHCPv6. Waits without a sound where there is no router. The whole process group ends with the carrier.
#
#   dhcp6-follow.sh DIRECTORY PORT EVENT-SCRIPT
directory=$1 port=$2 event=$3
news="$directory/routes6-$port"
rm -f "$news" "$directory/dhclient6-$port.leases"
mkfifo "$news"
ip -6 -o monitor route dev "$port" > "$news" &
monitor=$!
{
  # What came before the monitor began.
  [ -n "$(ip -6 -o route show default dev "$port")" ] || while read -r route; do
    case $route in default*) break ;; esac
  done
} < "$news"
kill "$monitor"
rm -f "$news"
for wait in 1 2 3 4 5; do
  sleep 0.2
  [ -z "$(ip -6 -o addr show dev "$port" scope global dynamic)" ] || exit 0
done
# A router may speak before nobody else is known to have our link-local address (RFC 4862); dhclient cannot use it until then,
# and ends.
until [ -n "$(ip -6 -o addr show dev "$port" scope link -tentative)" ]; do sleep 0.1; done
# The script gets no other environment than what is named here.
while ip link show dev "$port" > /dev/null 2>&1; do
  dhclient -6 -d -q -D LL -e "HEDDLE_OPTIONS6=$directory/options6-$port" -lf "$directory/dhclient6-$port.leases" -pf "$directory/dhclient6-$port.pid" -sf "$event" "$port"
  sleep 0.5
done

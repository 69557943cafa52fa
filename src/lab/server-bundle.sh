#!/bin/sh
# One interface over several ports of a server, as a bond is: a bridge whose ports exchange nothing with each other, so that all
# links work and none is a way from one leaf to another. Kernels without bonding have no LACP; broadcasts arrive once a link.
#
#   server-bundle.sh NAME PORT...        may be repeated, such as for a port that comes back
set -eu
name=$1
shift
mac=$(ip -o link show dev "$1" | sed 's/.* link\/ether \([^ ]*\).*/\1/')
ip link show dev "$name" > /dev/null 2>&1 ||
  ip link add name "$name" address "$mac" type bridge stp_state 0 forward_delay 0 mcast_snooping 0
for port; do
  ip link set dev "$port" addrgenmode none
  ip link set dev "$port" master "$name"
  ip link set dev "$port" type bridge_slave isolated on
  ip link set dev "$port" up
done

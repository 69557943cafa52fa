#!/bin/sh
# Asks for another lease when the gateway of the present one is not there any more (in the manner of RFC 4436): what a VLAN is
# attached to can change without the link going down.
#
#   dhcp-check.sh DIRECTORY PORT check
directory=$1 port=$2
missed=0
while sleep 1; do
  [ -e "$directory/lease-$port" ] || { missed=0; continue; }
  gateway=$(sed -n 's/^router=\([^ ]*\).*/\1/p' "$directory/options-$port" 2> /dev/null)
  [ -n "$gateway" ] || continue
  if busybox arping -q -f -c 1 -w 1 -I "$port" "$gateway"; then
    missed=0
    continue
  fi
  missed=$((missed + 1))
  [ "$missed" -ge 2 ] || continue
  missed=0
  # Gives the lease back, and asks anew.
  pkill -USR2 -f "udhcpc -f -i $port " || continue
  sleep 0.1
  pkill -USR1 -f "udhcpc -f -i $port " || :
done

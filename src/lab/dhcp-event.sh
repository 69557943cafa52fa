#!/bin/sh
# Called by udhcpc with what happened and the lease in variables; makes the port's address, route and MTU what the lease says.
set -eu
case $1 in
  bound | renew)
    ip link set "$interface" mtu "${mtu:-1500}"
    ip -4 addr replace "$ip/$mask" dev "$interface"
    for old in $(ip -4 -o addr show dev "$interface" | awk '{print $4}'); do
      [ "$old" = "$ip/$mask" ] || ip -4 addr del "$old" dev "$interface"
    done
    for gateway in ${router:-}; do
      ip -4 route replace default via "$gateway" dev "$interface"
      break
    done
    printf '%s/%s\n' "$ip" "$mask" > "$HEDDLE_LEASE.tmp"
    mv "$HEDDLE_LEASE.tmp" "$HEDDLE_LEASE"
    ;;
  deconfig | nak | leasefail)
    rm -f "$HEDDLE_LEASE"
    ip -4 addr flush dev "$interface"
    ;;
esac

#!/bin/sh
# Called by udhcpc with what happened and the lease in variables; makes the port's address, routes and MTU what the lease says.
# What the server told is in the file that HEDDLE_OPTIONS names, for people and for tests.
set -eu

# The default route of those whose server tells no routes; who is told routes passes over it (RFC 3442).
routes() {
  if [ -n "${staticroutes:-}" ]; then echo "$staticroutes"; else for gateway in ${router:-}; do echo "0.0.0.0/0 $gateway"; break; done; fi
}

# Destination and next hop in turns; a next hop of zeros is the link itself.
add_routes() {
  while [ $# -ge 2 ]; do
    if [ "$2" = 0.0.0.0 ]; then
      ip -4 route replace "$1" dev "$interface" proto dhcp scope link
    else
      ip -4 route replace "$1" via "$2" dev "$interface" proto dhcp onlink
    fi
    shift 2
  done
}

told() {
  for name in ip mask router dns ntpsrv domain mtu lease tftp siaddr bootfile staticroutes serverid; do
    eval "value=\${$name:-}"
    [ -z "$value" ] || echo "$name=$value"
  done
}

# Rules of addresses that no port has any more, or that are the only port's: another port may get such an address.
forget_source_rules() {
  set -- "$1" "$1"/dhcp-*.log
  wanted=' '
  if [ $# -gt 2 ]; then
    for lease in "$1"/lease-*; do
      [ ! -e "$lease" ] || wanted="$wanted$((10000 + $(ip -o link show dev "${lease##*/lease-}" | cut -d : -f 1))):$(cut -d / -f 1 "$lease") "
    done
  fi
  ip -4 rule show | sed -n 's/^\([0-9]*\):.*from \([0-9.]*\) .*/\1 \2/p' | while read -r pref address; do
    case "$wanted" in *" $pref:$address "*) continue ;; esac
    [ "$pref" -lt 10000 ] || ip -4 rule del pref "$pref" from "$address" || :
  done
}

# What has the address of a port for its source leaves by that port, although another may lead there too: each port of a server
# can be in another VPC. Of no concern to a server with one port.
source_routes() {
  directory=$(dirname "$HEDDLE_LEASE")
  forget_source_rules "$directory"
  set -- "$directory"/dhcp-*.log
  [ $# -gt 1 ] || return 0
  for lease in "$directory"/lease-*; do
    port=${lease##*/lease-}
    table=$((10000 + $(ip -o link show dev "$port" | cut -d : -f 1)))
    address=$(cut -d / -f 1 "$lease")
    while ip -4 rule del pref "$table" from "$address" 2> /dev/null; do :; done
    ip -4 route flush table "$table" 2> /dev/null || :
    ip -4 route show dev "$port" scope link | while read -r route; do
      # shellcheck disable=SC2086
      ip -4 route replace $route dev "$port" table "$table"
    done
    # What the port was told; of its routes in the main table another port's may have taken the place.
    # shellcheck disable=SC2046
    set -- $(cat "$directory/options-$port.routes" 2> /dev/null)
    while [ $# -ge 2 ]; do
      [ "$2" = 0.0.0.0 ] || ip -4 route replace "$1" via "$2" dev "$port" onlink table "$table"
      shift 2
    done
    ip -4 rule add pref "$table" from "$address" lookup "$table"
    ip -4 route add unreachable default metric 4294967295 table "$table" 2> /dev/null || :
  done
}

case $1 in
  bound | renew)
    told > "$HEDDLE_OPTIONS.tmp"
    mv "$HEDDLE_OPTIONS.tmp" "$HEDDLE_OPTIONS"
    echo "$(date +%s) $1 $ip" >> "$HEDDLE_OPTIONS.log"
    ip link set "$interface" mtu "${mtu:-1500}"
    ip -4 addr replace "$ip/$mask" dev "$interface"
    for old in $(ip -4 -o addr show dev "$interface" | awk '{print $4}'); do
      [ "$old" = "$ip/$mask" ] || ip -4 addr del "$old" dev "$interface"
    done
    routes="$(routes)"
    if [ "$(cat "$HEDDLE_OPTIONS.routes" 2> /dev/null)" != "$routes" ] || [ "$1" = bound ]; then
      ip -4 route flush dev "$interface" proto dhcp
      # shellcheck disable=SC2086
      add_routes $routes
      printf '%s\n' "$routes" > "$HEDDLE_OPTIONS.routes"
    fi
    printf '%s/%s\n' "$ip" "$mask" > "$HEDDLE_LEASE.tmp"
    mv "$HEDDLE_LEASE.tmp" "$HEDDLE_LEASE"
    source_routes || :
    ;;
  deconfig | nak | leasefail)
    rm -f "$HEDDLE_LEASE" "$HEDDLE_OPTIONS" "$HEDDLE_OPTIONS.routes"
    ip -4 addr flush dev "$interface"
    source_routes || :
    ;;
esac

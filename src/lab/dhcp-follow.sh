#!/bin/sh
# A DHCP client that follows the cable: a lease is asked for the moment the port has carrier, and the address is gone the
# moment it has not, as on a real server with NetworkManager or systemd-networkd.
#
#   dhcp-follow.sh DIRECTORY PORT EVENT-SCRIPT
directory=$1 port=$2 event=$3
export HEDDLE_LEASE="$directory/lease-$port" HEDDLE_OPTIONS="$directory/options-$port"
client='' client6='' was=''

carrier_up() {
  udhcpc -f -i "$port" -s "$event" -O mtu -O staticroutes -O ntpsrv -O domain -O tftp -O bootfile -t 10 -T 1 -A 1 &
  client=$!
  if command -v dhclient > /dev/null; then
    setsid sh "${event%-event.sh}6-follow.sh" "$directory" "$port" "${event%-event.sh}6-event.sh" &
    client6=$!
  fi
  # A switch may enable the port a moment before its DHCP server runs. SIGUSR1 makes the client ask again at once; its own
  # pause is a whole second.
  (
    for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
      sleep 0.15
      [ ! -e "$HEDDLE_LEASE" ] || exit 0
      kill -USR1 "$client" 2> /dev/null || exit 0
    done
  ) &
}

carrier_down() {
  if [ -n "$client" ]; then
    kill -KILL "$client" 2> /dev/null
    wait "$client" 2> /dev/null
    client=''
  fi
  if [ -n "$client6" ]; then
    # Without "--", which the kill of dash takes for a process.
    kill -KILL "-$client6" 2> /dev/null
    client6=''
  fi
  rm -f "$HEDDLE_LEASE" "$HEDDLE_OPTIONS" "$HEDDLE_OPTIONS.routes" "$directory/options6-$port"
  ip -4 addr flush dev "$port"
  ip -6 addr flush dev "$port" scope global
  # Losing the carrier does not end what a router advertised (RFC 4861 §6.3.4).
  ip -6 route flush dev "$port" proto ra
}

# The monitor begins first and the present state is asked for after that, so that no change falls between the two.
{
  ip -o monitor link dev "$port" &
  sleep 0.1
  ip link set "$port" up
  ip -o link show dev "$port"
  wait
} | while read -r line; do
  case $line in
    *[\<,]LOWER_UP*) now=up ;;
    *) now=down ;;
  esac
  [ "$now" != "$was" ] || continue
  was=$now
  carrier_down
  [ "$now" = down ] || carrier_up
done

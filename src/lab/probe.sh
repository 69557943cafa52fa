#!/bin/sh
# Sends the echo requests that standard input lists, all at once (in waves of 64), and says of each what came back.
#
#   in:  KEY ADDRESS ID SOURCE      an echo request with this identifier, from this address ("-" for any)
#   out: KEY RESULT                 reply | none
icmp() {
  if [ "$4" = - ]; then set -- "$1" "$2" "$3"; else set -- "$1" "$2" "$3" -I "$4"; fi
  key=$1 address=$2 id=$3
  shift 3
  if ping -n -q -c 1 -W 1 -e "$id" "$@" "$address" > /dev/null 2>&1; then echo "$key reply"; else echo "$key none"; fi
}

# A neighbour remembered from before could hide who has the address now, a leak above all.
ip neigh flush all 2> /dev/null

running=0
while read -r key address id source; do
  icmp "$key" "$address" "$id" "$source" &
  running=$((running + 1))
  [ $((running % 64)) -ne 0 ] || wait
done
wait

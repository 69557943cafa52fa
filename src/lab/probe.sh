#!/bin/sh
# Sends the probes that standard input lists, all at once (in waves of 64), and says of each what came back.
#
#   in:  KEY icmp ADDRESS ID        an echo request with this identifier
#        KEY tcp  ADDRESS           asks whoever listens on port 80 for its name
#   out: KEY RESULT                 reply | none | the name that answered
icmp() {
  if ping -n -q -c 1 -W 1 -e "$3" "$2" > /dev/null 2>&1; then echo "$1 reply"; else echo "$1 none"; fi
}

tcp() {
  # `timeout`, because wget's own pause counts from the connection on.
  name=$(timeout 1.2 busybox wget -q -O - "http://$2/" 2> /dev/null | head -n 1)
  echo "$1 ${name:-none}"
}

# A neighbour remembered from before could hide who has the address now, a leak above all.
ip neigh flush all 2> /dev/null

running=0
while read -r key kind address id; do
  "$kind" "$key" "$address" "$id" &
  running=$((running + 1))
  [ $((running % 64)) -ne 0 ] || wait
done
wait

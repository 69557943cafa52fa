#!/bin/sh
# Makes a node of the lab answer probes: an identity that others can ask for by TCP (whatever the port) and by UDP, and a
# record of the probes that arrive, answered or not.
#
#   probe-answer.sh DIRECTORY NAME
set -eu
directory=$1 name=$2

# Two VPCs may hold the same address: what answers must say who it is, and what was asked must remember by whom.
mkdir -p "$directory/www"
printf '%s\n' "$name" > "$directory/www/index.html"
busybox httpd -p 80 -h "$directory/www"
# A datagram is answered by a name server that knows one name.
dnsmasq -C /dev/null --port=7 --no-resolv --no-hosts --user=root --pid-file= --txt-record=who,"$name"
# Probes are known by their source ports (see probe.ts). BGP and BFD are not for us.
nft -f - << 'RULES'
table inet probe {
  set seen { typeof ip saddr . icmp id; flags dynamic,timeout; timeout 20s; size 65535; }
  set seen6 { typeof ip6 saddr . icmpv6 id; flags dynamic,timeout; timeout 20s; size 65535; }
  set ports { type inet_proto . inet_service; flags dynamic,timeout; timeout 20s; size 65535; }
  chain input { type filter hook input priority -300; policy accept;
    icmp type echo-request add @seen { ip saddr . icmp id }
    icmpv6 type echo-request add @seen6 { ip6 saddr . icmpv6 id }
    tcp flags & (syn | ack) == syn tcp sport 40000-59999 add @ports { meta l4proto . tcp sport }
    udp sport 40000-59999 add @ports { meta l4proto . udp sport }
  }
  chain prerouting { type nat hook prerouting priority dstnat; policy accept;
    tcp sport 40000-59999 tcp dport != { 80, 179 } redirect to :80
    udp sport 40000-59999 udp dport != { 7, 3784, 3785, 4784 } redirect to :7
  }
}
RULES

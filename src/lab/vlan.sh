#!/bin/sh
# Makes TRUNK.VLAN, an interface of its own for the frames of a node's port that carry this tag: a VLAN device where the kernel
# has them, else a veth pair and the programs by which switches do it, with real tags on the wire all the same.
#
#   vlan.sh TRUNK VLAN [NAME]        may be repeated
set -eu
trunk=$1 vlan=$2 name=${3:-$1.$2}
if ip -o -d link show dev "$name" 2> /dev/null | grep -q ' vlan '; then exit 0; fi
if ! ip link show dev "$name" > /dev/null 2>&1 && ip link add link "$trunk" name "$name" type vlan id "$vlan" 2> /dev/null; then
  ip link set "$name" up
  exit 0
fi
here=$(dirname "$0")
programs=$here/vlan.bpf.o
[ -e "$programs" ] || programs=$here/../../dist/bundle/vlan.bpf.o
inner=$(printf 'm%s.%s' "$vlan" "$trunk" | cut -c 1-15)
mac=$(ip -o link show dev "$trunk" | sed 's/.* link\/ether \([^ ]*\).*/\1/')

# redirect FROM SECTION TO
redirect() {
  tc filter replace dev "$1" ingress pref "$vlan" handle 1 protocol all bpf object-file "$programs" section "$2" \
    flowid ":$(printf %x "$vlan")" action mirred egress redirect dev "$3"
}

ip link show dev "$name" > /dev/null 2>&1 || ip link add "$name" address "$mac" mtu 1500 type veth peer name "$inner"
# A trunk that was away comes back without filters.
for device in "$trunk" "$inner"; do tc qdisc replace dev "$device" clsact; done
redirect "$trunk" vlan-in-1 "$inner"
redirect "$inner" vlan-out-1 "$trunk"
ip link set dev "$inner" addrgenmode none
ip link set dev "$inner" up
ip link set dev "$name" up

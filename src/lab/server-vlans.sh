#!/bin/sh
# Gives a server an interface for each VLAN that something is attached to, with a DHCP client, and takes away those that it has
# beside these. Standard input lists them, a line each:
#
#   NAME TRUNK VLAN            such as `eth1.20 bond-eth1 20`
#
#   server-vlans.sh DIRECTORY SCRIPTS
set -eu
directory=$1 scripts=$2
wanted=$directory/vlans.wanted
cat > "$wanted"
touch "$directory/vlans"

while read -r name trunk vlan; do
  ! grep -qx "$name $trunk $vlan" "$wanted" || continue
  pkill -KILL -f "dhcp-(follow|check).sh $directory $name " || :
  pkill -KILL -f "dhcp6-follow.sh $directory $name " || :
  pkill -KILL -f "udhcpc -f -i $name " || :
  pkill -KILL -f "dhclient -6 .* $name\$" || :
  ip link del "$name" 2> /dev/null || :
  tc filter del dev "$trunk" ingress pref "$vlan" 2> /dev/null || :
  rm -f "$directory/lease-$name" "$directory/dhcp-$name.log"
done < "$directory/vlans"

# check NAME: notices that what the port is attached to is another subnet, which no carrier tells of.
check() {
  pgrep -f "dhcp-check.sh $directory $1 " > /dev/null || setsid sh "$scripts/dhcp-check.sh" "$directory" "$1" check > /dev/null 2>&1 &
}

while read -r name trunk vlan; do
  sh "$scripts/vlan.sh" "$trunk" "$vlan" "$name"
  pgrep -f "dhcp-follow.sh $directory $name " > /dev/null ||
    setsid sh "$scripts/dhcp-follow.sh" "$directory" "$name" "$scripts/dhcp-event.sh" > "$directory/dhcp-$name.log" 2>&1 &
  check "$name"
  check "$trunk"
done < "$wanted"
mv "$wanted" "$directory/vlans"

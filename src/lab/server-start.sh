#!/bin/sh
# What runs on a server of the lab: what answers probes, what tells who it is, and a DHCP client on every port.
#
#   server-start.sh DIRECTORY NAME SCRIPTS PORT...        a PORT, or a bundle as NAME=PORT,PORT
set -eu
directory=$1 name=$2 scripts=$3
shift 3

sh "$scripts/probe-answer.sh" "$directory" "$name"
# Tells the switches who is there (LLDP).
if command -v lldpd > /dev/null; then
  pattern=
  for port; do pattern=$pattern${pattern:+,}${port#*=}; done
  {
    echo "configure system hostname $name"
    echo 'configure lldp portidsubtype ifname'
    echo 'configure lldp tx-interval 1'
    echo "configure system interface pattern ${pattern:-none}"
  } > "$directory/lldp.conf"
  lldpd -d -i -k -u "$directory/lldp.socket" -O "$directory/lldp.conf" > /dev/null 2>&1 &
fi
for port; do
  case $port in
    *=*)
      # A bundle: NAME=PORT,PORT
      # shellcheck disable=SC2046
      sh "$scripts/server-bundle.sh" "${port%%=*}" $(echo "${port#*=}" | tr , ' ')
      port=${port%%=*}
      ;;
  esac
  sh "$scripts/dhcp-follow.sh" "$directory" "$port" "$scripts/dhcp-event.sh" > "$directory/dhcp-$port.log" 2>&1 &
done

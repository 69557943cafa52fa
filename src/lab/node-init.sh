#!/bin/sh
# First process of a node of the lab: sets up the node's own view of /proc, /sys and /run/netns, says that it is ready, and
# from then on buries the processes that lose their parent. When it ends, the kernel ends everything else in the node.
#
#   node-init.sh DIRECTORY [COMMAND...]      (inside new mount and PID namespaces, in the node's network namespace)
set -eu
directory=$1
shift

# /proc still is the one outside, so this is the number by which others find us (a shell's own read, no child involved).
read -r line < /proc/self/stat
pid=${line%% *}
start=$(printf '%s\n' "${line##*) }" | cut -d ' ' -f 20) # field 22 of proc(5): start time
printf '%s %s\n' "$pid" "$start" > "$directory/holder.tmp"
mv "$directory/holder.tmp" "$directory/holder"

mount -t proc proc /proc
# Shows this node's interfaces; where the kernel refuses it (some containers), nothing here depends on it.
mount -t sysfs sysfs /sys 2> /dev/null || :
# tc loads the programs for VLAN tags only where there is one.
mount -t bpf bpf /sys/fs/bpf 2> /dev/null || :
# FRR takes every name in /run/netns for a VRF of its own: each node has a directory that no other sees.
mount -t tmpfs -o mode=0755 tmpfs /run/netns
ip link set lo up
# Frames on a bridge are none of the packet filter's business.
for knob in iptables ip6tables arptables; do
  file=/proc/sys/net/bridge/bridge-nf-call-$knob
  [ ! -w "$file" ] || echo 0 > "$file"
done
[ $# -eq 0 ] || "$@" > "$directory/start.log" 2>&1
echo ready
exec > /dev/null

# `wait` reaps every child, also those that were adopted.
while :; do
  sleep 86400 &
  wait
done

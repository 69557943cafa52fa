/** Kernel settings of a namespace that forwards; the same in the underlay and in every VRF. */
export const forwardingSysctls: Readonly<Record<string, string>> = {
  'net.ipv4.ip_forward': '1',
  'net.ipv6.conf.all.forwarding': '1',
  'net.ipv4.conf.all.rp_filter': '0',
  'net.ipv4.conf.default.rp_filter': '0',
  'net.ipv4.fib_multipath_hash_policy': '1',
  // Anycast gateways have the same link-local address on every leaf.
  'net.ipv6.conf.default.accept_dad': '0',
  // Otherwise bridged frames pass through netfilter as well. Absent where br_netfilter is.
  'net.bridge.bridge-nf-call-iptables': '0',
  'net.bridge.bridge-nf-call-ip6tables': '0',
  'net.bridge.bridge-nf-call-arptables': '0',
};

/** Kernel settings of a namespace that forwards; the same in the underlay and in every VRF. */
export const forwardingSysctls: Readonly<Record<string, string>> = {
  'net.ipv4.ip_forward': '1',
  'net.ipv6.conf.all.forwarding': '1',
  'net.ipv4.conf.all.rp_filter': '0',
  'net.ipv4.conf.default.rp_filter': '0',
  'net.ipv4.fib_multipath_hash_policy': '1',
  'net.ipv6.fib_multipath_hash_policy': '1',
  // A static way out over a cable that is dead is no way; the kernel would go on using it.
  'net.ipv4.conf.all.ignore_routes_with_linkdown': '1',
  'net.ipv6.conf.all.ignore_routes_with_linkdown': '1',
  // Where hosts reach each other through the gateway only, it must not tell them of a shorter way.
  'net.ipv4.conf.all.send_redirects': '0',
  'net.ipv4.conf.default.send_redirects': '0',
  // Anycast gateways have the same link-local address on every leaf.
  'net.ipv6.conf.default.accept_dad': '0',
  // Otherwise bridged frames pass through netfilter as well. Absent where br_netfilter is.
  'net.bridge.bridge-nf-call-iptables': '0',
  'net.bridge.bridge-nf-call-ip6tables': '0',
  'net.bridge.bridge-nf-call-arptables': '0',
};

/**
 * Of a bridge where every host is a route of its own: hosts that take their subnet for one link are answered ARP for those
 * behind other leaves, at once. The kernel answers for what it would send out elsewhere, so never for neighbours of its own.
 */
export const routedSysctls = (device: string): Readonly<Record<string, string>> => ({
  [`net.ipv4.conf.${device}.proxy_arp`]: '1',
  [`net.ipv4.neigh.${device}.proxy_delay`]: '0',
});

/** The kernel's defaults for the same. */
export const bridgedSysctls = (device: string): Readonly<Record<string, string>> => ({
  [`net.ipv4.conf.${device}.proxy_arp`]: '0',
  [`net.ipv4.neigh.${device}.proxy_delay`]: '80',
});

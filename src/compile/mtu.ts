/** How large a packet may be where. All sizes are IP packets in bytes, without the Ethernet header. */

/** Outer IPv4 20, UDP 8, VXLAN 8, inner Ethernet 14 (RFC 7348 §5). */
const vxlanOverhead = 50;

/** What hosts are usually set to when they have jumbo frames; more is seldom tested by anybody. */
const mostForHosts = 9000;

/**
 * MTU of every segment and, unless a Connection says otherwise, of every server port. One value for the whole fabric: hosts
 * of one segment must agree on it, for nobody tells a host on the same segment that its packet was too big.
 */
export const overlayMtu = (fabricMtu: number): number => Math.min(mostForHosts, fabricMtu - vxlanOverhead);

export const largestServerMtu = (fabricMtu: number): number => fabricMtu - vxlanOverhead;

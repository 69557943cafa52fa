/*
 * VLAN tags on server ports, for kernels with or without 8021q. A subinterface is a veth pair: one end beside the trunk, the
 * other in a bridge of some VRF's namespace. These programs are classifiers of tc that say whether a frame belongs to a
 * subinterface and change its tag; the action behind each (mirred) sends it on, by the name of the device. So there is no map
 * and no interface number here, nothing has to be pinned, and everything is shown by `tc filter show`.
 *
 * A filter's VLAN is the minor number of its `flowid`; 0 stands for frames without a tag. A classifier answers -1 for "mine"
 * and 0 for "try the next filter"; behind all of them stands the one that drops.
 *
 * The number at the end of each section is raised when its program changes: it is how a device's old programs are found.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MINE -1
#define NEXT 0

/* On a trunk: takes the tag off what is of this VLAN. A tag with VLAN 0 carries a priority only and is none. */
SEC("vlan-in-1") int vlan_in(struct __sk_buff *frame)
{
	__u32 vlan = frame->vlan_present ? frame->vlan_tci & 0xfff : 0;

	if (vlan != frame->tc_classid)
		return NEXT;
	if (frame->vlan_present && frame->vlan_proto != bpf_htons(ETH_P_8021Q))
		return NEXT;
	if (frame->vlan_present && bpf_skb_vlan_pop(frame))
		return NEXT;
	return MINE;
}

/*
 * Beside a trunk: tags what goes out. A frame that has a tag already would arrive in another VLAN if it left without one
 * more, which is how a tenant could speak into the network of another; it is dropped.
 */
SEC("vlan-out-1") int vlan_out(struct __sk_buff *frame)
{
	__u32 vlan = frame->tc_classid;

	if (frame->vlan_present)
		return NEXT;
	if (vlan && bpf_skb_vlan_push(frame, bpf_htons(ETH_P_8021Q), vlan))
		return NEXT;
	return MINE;
}

SEC("vlan-drop-1") int vlan_drop(struct __sk_buff *frame)
{
	return TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";

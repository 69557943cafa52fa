#!/bin/sh
# Called by dhclient -6 with what happened in `reason`; makes the port's IPv6 address what the lease says. Routes come by
# router advertisement.
set -eu
case $reason in
  BOUND6 | RENEW6 | REBIND6)
    ip -6 addr replace "$new_ip6_address/128" dev "$interface" nodad
    if [ -n "${old_ip6_address:-}" ] && [ "$old_ip6_address" != "$new_ip6_address" ]; then
      ip -6 addr del "$old_ip6_address/128" dev "$interface" || :
    fi
    {
      echo "ip=$new_ip6_address"
      echo "dns=${new_dhcp6_name_servers:-}"
      echo "domain=${new_dhcp6_domain_search:-}"
      echo "ntpsrv=${new_dhcp6_sntp_servers:-}"
    } | grep -v '=$' > "$HEDDLE_OPTIONS6.tmp"
    mv "$HEDDLE_OPTIONS6.tmp" "$HEDDLE_OPTIONS6"
    ;;
  EXPIRE6 | RELEASE6 | STOP6)
    [ -z "${old_ip6_address:-}" ] || ip -6 addr del "$old_ip6_address/128" dev "$interface" || :
    rm -f "$HEDDLE_OPTIONS6"
    ;;
esac

#!/bin/sh
# What openconnect runs in place of vpnc-script. It gives the tunnel interface its addresses, MTU and routes, and
# appends its whole environment as one line of JSON to $CULVERT_LAB_SCRIPT_CALLS, so that a test sees exactly
# what the server sent. $CULVERT_LAB_RESOLV_CONF is the resolv.conf of this device.
set -u

record() {
  /usr/bin/python3 -c 'import json, os; print(json.dumps(dict(os.environ)))' >>"$CULVERT_LAB_SCRIPT_CALLS"
}

# The gateway itself, and what the server excludes, stay on the way they take without the tunnel.
keep_outside() { # keep_outside FAMILY DESTINATION
  way=$(ip "-$1" route get "${2%/*}" 2>/dev/null | head -n 1)
  hop=$(printf '%s' "$way" | grep -o 'via [^ ]*') hop="$hop $(printf '%s' "$way" | grep -o 'dev [^ ]*')"
  # Two words at least are wanted here, not one.
  # shellcheck disable=SC2086
  [ -z "$way" ] || ip "-$1" route replace "$2" $hop
}

value() { eval "printf '%s' \"\${$1:-}\""; }

count_of() { n=$(value "$1"); printf '%s' "${n:-0}"; }

routes4() {
  case "$VPNGATEWAY" in *:*) ;; *) keep_outside 4 "$VPNGATEWAY/32" ;; esac
  i=0
  while [ "$i" -lt "$(count_of CISCO_SPLIT_EXC)" ]; do
    keep_outside 4 "$(value "CISCO_SPLIT_EXC_${i}_ADDR")/$(value "CISCO_SPLIT_EXC_${i}_MASKLEN")"
    i=$((i + 1))
  done
  if [ "$(count_of CISCO_SPLIT_INC)" -eq 0 ]; then
    # Two halves win over the default route without replacing it.
    ip route replace 0.0.0.0/1 dev "$TUNDEV"
    ip route replace 128.0.0.0/1 dev "$TUNDEV"
    return
  fi
  i=0
  while [ "$i" -lt "$CISCO_SPLIT_INC" ]; do
    ip route replace "$(value "CISCO_SPLIT_INC_${i}_ADDR")/$(value "CISCO_SPLIT_INC_${i}_MASKLEN")" dev "$TUNDEV"
    i=$((i + 1))
  done
}

routes6() {
  case "$VPNGATEWAY" in *:*) keep_outside 6 "$VPNGATEWAY/128" ;; esac
  i=0
  while [ "$i" -lt "$(count_of CISCO_IPV6_SPLIT_EXC)" ]; do
    keep_outside 6 "$(value "CISCO_IPV6_SPLIT_EXC_${i}_ADDR")/$(value "CISCO_IPV6_SPLIT_EXC_${i}_MASKLEN")"
    i=$((i + 1))
  done
  if [ "$(count_of CISCO_IPV6_SPLIT_INC)" -eq 0 ]; then
    # Include routes of the other family make it a split tunnel for this one too.
    [ "$(count_of CISCO_SPLIT_INC)" -eq 0 ] || return
    ip -6 route replace ::/1 dev "$TUNDEV"
    ip -6 route replace 8000::/1 dev "$TUNDEV"
    return
  fi
  i=0
  while [ "$i" -lt "$CISCO_IPV6_SPLIT_INC" ]; do
    ip -6 route replace \
      "$(value "CISCO_IPV6_SPLIT_INC_${i}_ADDR")/$(value "CISCO_IPV6_SPLIT_INC_${i}_MASKLEN")" dev "$TUNDEV"
    i=$((i + 1))
  done
}

configure() {
  ip link set dev "$TUNDEV" mtu "${INTERNAL_IP4_MTU:-1400}" up
  if [ -n "${INTERNAL_IP4_ADDRESS:-}" ]; then
    ip addr replace "$INTERNAL_IP4_ADDRESS/32" dev "$TUNDEV"
    routes4
  fi
  ip6=${INTERNAL_IP6_NETMASK:-${INTERNAL_IP6_ADDRESS:+$INTERNAL_IP6_ADDRESS/128}}
  if [ -n "$ip6" ]; then
    ip -6 addr replace "${ip6%/*}/128" dev "$TUNDEV" nodad
    routes6
  fi
  : >"$CULVERT_LAB_RESOLV_CONF"
  for server in ${INTERNAL_IP4_DNS:-} ${INTERNAL_IP6_DNS:-}; do
    echo "nameserver $server" >>"$CULVERT_LAB_RESOLV_CONF"
  done
  [ -z "${CISCO_DEF_DOMAIN:-}" ] || echo "search $CISCO_DEF_DOMAIN" >>"$CULVERT_LAB_RESOLV_CONF"
}

case "${reason:-}" in
  connect) configure ;;
  disconnect) : >"$CULVERT_LAB_RESOLV_CONF" ;;
esac
record

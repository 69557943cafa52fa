#!/bin/sh
# Brings a machine to where everything else works: npm packages, Debian packages, the agent's bundle. Installs only what is
# missing, says what it does while it does it, and says nothing when there is nothing to do.
set -eu
cd "$(dirname "$0")/.."

# What runs the lab: FRR routes, nftables and iproute2 program the kernel, dnsmasq and udhcpc are the two ends of DHCP,
# clang (with libbpf-dev's headers) compiles the programs for VLAN tags, ping probes, unshare/nsenter/newuidmap make namespaces, protoc checks that generated code is fresh,
# etcd-server is the store that several servers share, python3-kubernetes is one of the clients that the API is tested with.
debian_packages='frr nftables dnsmasq-base busybox udhcpc isc-dhcp-client iputils-ping iproute2 lldpd util-linux procps uidmap protobuf-compiler clang libbpf-dev tcpdump etcd-server python3-kubernetes'

log=$(mktemp)
policy=/usr/sbin/policy-rc.d
policy_is_ours=
finish() {
  rm -f "$log"
  [ -z "$policy_is_ours" ] || rm -f "$policy"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# step TITLE COMMAND...: runs quietly with the elapsed seconds on show; the output is shown when it fails.
step() {
  title=$1
  shift
  began=$(date +%s)
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  [ -t 2 ] || echo "setup: $title ..." >&2
  shown=0
  while kill -0 "$pid" 2>/dev/null; do
    elapsed=$(($(date +%s) - began))
    if [ -t 2 ]; then
      printf '\rsetup: %s %s s ' "$title" "$elapsed" >&2
    elif [ "$elapsed" -ge $((shown + 15)) ]; then
      shown=$elapsed
      echo "setup: $title ... $elapsed s" >&2
    fi
    sleep 0.2
  done
  status=0
  wait "$pid" || status=$?
  elapsed=$(($(date +%s) - began))
  [ ! -t 2 ] || printf '\r' >&2
  if [ "$status" -ne 0 ]; then
    echo "setup: $title failed after $elapsed s:" >&2
    tail -n 30 "$log" >&2
    exit 1
  fi
  echo "setup: $title: done in $elapsed s" >&2
}

npm_packages() {
  # `npm ci` refuses this lock file: of oxlint's optional platform packages only this platform's were resolved in it.
  npm install --no-save --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.heddle-installed.json
}

missing_debian_packages() {
  for package in $debian_packages; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || printf '%s ' "$package"
  done
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# The package lists of a fresh machine are missing or old; a good list saves the update.
debian_packages_install() {
  apt_install "$@" || { apt-get update -q && apt_install "$@"; }
}

# Two runs at once (npm start beside npm test) take turns.
if command -v flock >/dev/null; then
  exec 9<package.json
  flock 9
fi

if ! cmp -s package-lock.json node_modules/.heddle-installed.json; then
  step 'npm packages' npm_packages
fi

if ! command -v dpkg-query >/dev/null; then
  echo "setup: no Debian package tools here: please see that these are installed: $debian_packages" >&2
else
  missing=$(missing_debian_packages)
  missing=${missing% }
  if [ -n "$missing" ] && [ "$(id -u)" -ne 0 ]; then
    echo "setup: Debian packages are missing; the lab needs them: sudo apt-get install --no-install-recommends $missing" >&2
    [ -z "${CI:-}" ] || exit 1
  elif [ -n "$missing" ]; then
    if [ ! -e "$policy" ]; then
      # The lab starts its own daemons in its own namespaces; none of the machine's services is to start.
      printf '#!/bin/sh\nexit 101\n' >"$policy"
      chmod 755 "$policy"
      policy_is_ours=yes
    fi
    # shellcheck disable=SC2086  # a list of words
    step "Debian packages ($missing)" debian_packages_install $missing
  fi
fi

if [ -f scripts/bundle.ts ] &&
  [ -n "$([ -f dist/bundle/heddle-agent.mjs ] || echo stale)$(find src package-lock.json -name '*.test.ts' -prune -o -newer dist/bundle/heddle-agent.mjs -type f -print -quit 2>/dev/null)" ]; then
  step 'program bundles' node_modules/.bin/node scripts/bundle.ts
fi

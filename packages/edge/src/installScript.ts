/**
 * The program of a package that puts it in place: it looks before it changes anything, and afterwards whether the site is
 * linked. Each failure says what to do. POSIX shell, with `curl`, `sha256sum` and `nats-server`.
 */
import type { SiteFolders } from "./PackageFile.ts"
import { bufferedBytesMax, domainOf, type Site } from "./Site.ts"

/** What the script is made for. */
export interface InstallTerms {
  readonly site: Site
  readonly folders: SiteFolders
  /** The files it puts into the configuration's folder. */
  readonly files: ReadonlyArray<string>
  /** When the leaf node's credentials begin and end to be good. */
  readonly issuedAt: Date
  readonly expiresAt: Date
}

const SERVER_VERSION_MIN = "2.12.0"
/** So far may the site's clock be behind. */
const CLOCK_SECONDS = 300

const second = (time: Date): number => Math.floor(time.getTime() / 1_000)

/** `host port`, a line for each hub. */
const hubsOf = ({ hubUrls }: Site): string =>
  hubUrls
    .map((url) => {
      const { hostname, port } = new URL(url.replace(/^[a-z-]+:/, "http:"))
      return `${hostname} ${port === "" ? 80 : port}`
    })
    .join("\n")

/** Single quotes keep everything else as it is. */
const sh = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

export const installScript = ({ site, folders, files, issuedAt, expiresAt }: InstallTerms): string => `#!/bin/sh
# Installs the site ${domainOf(site)}.
#   ./install           looks, puts everything in place, starts it where systemd runs, and looks again
#   ./install --check   looks, and changes nothing
#   ./install --place   looks, and puts everything in place, for whoever starts it otherwise than with systemd
#   ./install --verify  only looks whether the site is linked
set -u
cd "$(dirname "$0")" || exit 1
config=${sh(folders.config)}
data=${sh(folders.data)}

fail() { echo "FAIL  $1" >&2; echo "      $2" >&2; exit 1; }
ok() { echo "ok    $1"; }

check_package() {
  sha256sum --check --quiet SHA256SUMS >/dev/null 2>&1 ||
    fail "a file of this package is not as it was issued" "unpack the package again; if that does not help, get a new one"
  ok "the package is whole"
}

# JetStream's data belongs to the accounts of one package: under another one what waits would be out of reach.
check_place() {
  [ ! -f "$config/leaf.conf" ] || [ "$(grep ^operator: "$config/leaf.conf")" = "$(grep ^operator: leaf.conf)" ] ||
    fail "$config has the site of another package, and what waits in its buffer would be out of reach" \\
      "for new credentials replace $config/leaf.creds alone; for a new site first let the buffer run empty, then remove $config and $data"
  ok "no other package is installed here"
}

check_clock() {
  now=$(date +%s)
  [ "$now" -ge ${second(issuedAt) - CLOCK_SECONDS} ] ||
    fail "this machine's clock says $(date -u), before the package was issued" "set the clock, best with NTP"
  [ "$now" -lt ${second(expiresAt)} ] ||
    fail "the credentials are good until ${expiresAt.toISOString()}, and the clock says $(date -u)" \\
      "ask for a new package, or set the clock"
  ok "the credentials are good until ${expiresAt.toISOString()}"
}

check_server() {
  server=\${NATS_SERVER:-$(command -v nats-server)} || true
  [ -n "$server" ] || fail "nats-server is not installed" "install ${SERVER_VERSION_MIN} or newer, or name it in NATS_SERVER"
  version=$("$server" --version | sed 's/.*v//')
  lowest=$(printf '%s\\n' "$version" ${SERVER_VERSION_MIN} | sort -V | head -n 1)
  [ "$lowest" = ${SERVER_VERSION_MIN} ] ||
    fail "nats-server is of version $version" "install ${SERVER_VERSION_MIN} or newer"
  ok "nats-server $version"
}

check_disk() {
  folder=$data
  while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
  free=$(df -Pk "$folder" | awk 'NR == 2 { printf "%.0f", $4 * 1024 }')
  [ "$free" -ge ${site.bufferBytesMax} ] ||
    fail "$folder has $free bytes free, and the buffer may take ${site.bufferBytesMax}" "make room, or ask for a smaller buffer"
  ok "the disk has room for the buffer"
}

# A NATS server speaks first, before TLS begins.
check_hub() {
  said=$(curl -sS -m 3 "telnet://$1:$2" </dev/null 2>&1 | tr -d '\\0' | head -c 300)
  case $said in
    *INFO*) ok "$1:$2 answers" ;;
    *"resolve host"*) fail "DNS has no address for $1" "correct the machine's DNS, or ask the platform for the right name" ;;
    *refused*) fail "$1 refuses connections to port $2" "ask the platform whether its listener for leaf nodes is up" ;;
    *) fail "$1:$2 does not answer as a NATS server" "let outgoing TCP to port $2 through the firewall, past any TLS inspection" ;;
  esac
}

check_hubs() {
  reached=no
  while read -r host port; do
    (check_hub "$host" "$port") && reached=yes
  done <<HUBS
${hubsOf(site)}
HUBS
  [ "$reached" = yes ] || exit 1
}

before() { check_package; check_place; check_clock; check_server; check_disk; check_hubs; }

place() {
  umask 077
  mkdir -p "$config/collectors" "$data" || fail "$config and $data cannot be made" "run this as root"
  for file in ${files.map(sh).join(" ")}; do
    cp "$file" "$config/$file.new" && mv "$config/$file.new" "$config/$file" ||
      fail "$config/$file cannot be written" "run this as root, and look whether the disk is full"
  done
  "$server" -t -c "$config/leaf.conf" >/dev/null || fail "nats-server refuses $config/leaf.conf" "its own message is above"
  ok "the files are in $config"
}

start() {
  if [ "$(id -u)" != 0 ] || [ ! -d /run/systemd/system ]; then
    echo "      systemd does not run here, or you are not root: start what the units in systemd/ say, then ./install --verify"
    exit 0
  fi
  id bulkhead-edge >/dev/null 2>&1 || useradd --system --home-dir "$data" --shell /usr/sbin/nologin bulkhead-edge ||
    fail "the user bulkhead-edge cannot be made" "its own message is above"
  chown -R bulkhead-edge: "$config" "$data"
  cp systemd/*.service /etc/systemd/system/ && systemctl daemon-reload &&
    systemctl enable --now bulkhead-leaf bulkhead-relay bulkhead-collector >/dev/null &&
    systemctl try-reload-or-restart bulkhead-leaf || fail "the units do not start" "journalctl -u 'bulkhead-*' says why"
  ok "leaf node, relay and collector are started"
}

verify() {
  tries=0
  until curl -s -m 2 http://127.0.0.1:${site.monitorPort}/leafz | tr -d ' \\n' | grep -q '"leafnodes":1'; do
    tries=$((tries + 1))
    [ "$tries" -lt 30 ] || not_linked
    sleep 1
  done
  ok "the leaf node is linked to the platform"
}

not_linked() {
  curl -s -m 2 http://127.0.0.1:${site.monitorPort}/healthz >/dev/null ||
    fail "the leaf node does not run" "journalctl -u bulkhead-leaf says why"
  log=$(cat "$data/leaf.log" 2>/dev/null | tail -n 50)
  case $log in
    *certificate*) fail "TLS: the platform's certificate is not of the authority in ca.pem" \\
      "let the line past any TLS inspection; otherwise ask the platform for its authority, and a new package" ;;
    *uthorization*|*xpired*|*evoked*|*uthentication*) fail "credentials: the platform does not take them" \\
      "they are revoked or expired, or the tenant is suspended: ask the platform for a new package" ;;
    *) fail "the leaf node is not linked" "$data/leaf.log says why" ;;
  esac
}

case \${1:-} in
  --check) before ;;
  --place) before; place ;;
  --verify) verify ;;
  "") before; place; start; verify ;;
  *) fail "there is no option $1" "./install, ./install --check, ./install --place or ./install --verify" ;;
esac
# A collector may publish messages of ${bufferedBytesMax(site)} bytes, headers included.
`

/**
 * What runs at a site, as units of systemd. Relay and collector are programs of the platform's release, unpacked below
 * `/opt/bulkhead`.
 */
import type { PackageFile, SiteFolders } from "./PackageFile.ts"
import { domainOf, type Site } from "./Site.ts"

const unit = (
  name: string,
  what: string,
  service: ReadonlyArray<string>,
  after = "network-online.target"
): PackageFile => ({
  path: `systemd/bulkhead-${name}.service`,
  text: `[Unit]
Description=${what}
Wants=network-online.target
After=${after}

[Service]
User=bulkhead-edge
Restart=always
RestartSec=2
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
${service.join("\n")}

[Install]
WantedBy=multi-user.target
`
})

export const systemdUnits = (site: Site, { config, data }: SiteFolders): ReadonlyArray<PackageFile> => {
  const writes = `ReadWritePaths=${data}`
  const node = (program: string) => `ExecStart=/usr/bin/env node /opt/bulkhead/${program}/main.js`
  const name = domainOf(site)
  return [
    unit("leaf", `Leaf node of ${name}`, [
      writes,
      `ExecStart=/usr/bin/env nats-server -c ${config}/leaf.conf -l ${data}/leaf.log`,
      "ExecReload=/bin/kill -HUP $MAINPID"
    ]),
    unit(
      "relay",
      `Relay of ${name}`,
      [`Environment=RELAY_CONFIG_FILE=${config}/edge-relay.json OPS_PORT=9101`, node("edge-relay")],
      "bulkhead-leaf.service"
    ),
    unit(
      "collector",
      `Collector of ${name}`,
      [writes, `Environment=EDGE_CONFIG_FILE=${config}/edge-collector.json OPS_PORT=9102`, node("edge-collector")],
      "bulkhead-leaf.service"
    )
  ]
}

/**
 * Certificates for a local NATS with TLS: an authority of its own and one server certificate, made anew at each start.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { TlsFiles } from "@bulkhead/accounts"
import { Effect } from "effect"
import { generate } from "selfsigned"

const DAYS = 30

/** Writes the files and gives their paths. */
export const makeCertificates = (folder: string): Effect.Effect<TlsFiles> =>
  Effect.promise(async () => {
    const notAfterDate = new Date(Date.now() + DAYS * 86_400_000)
    const authority = await generate([{ name: "commonName", value: "Bulkhead development" }], {
      notAfterDate,
      keyType: "ec",
      algorithm: "sha256",
      extensions: [
        { name: "basicConstraints", cA: true, critical: true },
        { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true }
      ]
    })
    const server = await generate([{ name: "commonName", value: "localhost" }], {
      notAfterDate,
      keyType: "ec",
      algorithm: "sha256",
      ca: { key: authority.private, cert: authority.cert },
      extensions: [
        { name: "basicConstraints", cA: false },
        { name: "keyUsage", digitalSignature: true, keyEncipherment: true },
        { name: "extKeyUsage", serverAuth: true },
        {
          name: "subjectAltName",
          altNames: [
            { type: 2, value: "localhost" },
            { type: 7, ip: "127.0.0.1" }
          ]
        }
      ]
    })
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const write = (name: string, text: string) => {
      const file = join(folder, name)
      writeFileSync(file, text, { mode: 0o600 })
      return file
    }
    return {
      caFile: write("ca.pem", authority.cert),
      certFile: write("server.pem", server.cert),
      keyFile: write("server-key.pem", server.private)
    }
  })

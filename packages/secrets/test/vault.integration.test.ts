import { describe } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { SecretStore } from "../src/index.ts"
import { conformance } from "./conformance.ts"
import { ROOT, startVaultStandIn } from "./vaultStandIn.ts"

const standIn = Layer.unwrap(
  Effect.map(startVaultStandIn, ({ address }) =>
    SecretStore.layerVault({ address, auth: { method: "token", token: Redacted.make(ROOT) } })
  )
)

/** A real server: `bao server -dev`, or the same of Vault, and its root token. */
const { VAULT_TEST_ADDR: address, VAULT_TEST_TOKEN: token } = process.env

describe("conformance", () => {
  conformance("vault, stand-in", standIn)
  if (address !== undefined && token !== undefined) {
    const auth = { method: "token", token: Redacted.make(token) } as const
    conformance("vault, real", SecretStore.layerVault({ address, auth, prefix: `test-${Date.now()}` }))
  }
})

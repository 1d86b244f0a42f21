import { describe } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SecretStore } from "../src/index.ts"
import { conformance } from "./conformance.ts"
import { startKubernetesStandIn } from "./kubernetesStandIn.ts"

describe("conformance", () => {
  conformance(
    "kubernetes, stand-in",
    Layer.unwrap(Effect.map(startKubernetesStandIn, ({ options }) => SecretStore.layerKubernetes(options)))
  )
})

/**
 * Writes the reference of commands into docs/cli.md: a part of `npm run generate`.
 */
import { readFileSync, writeFileSync } from "node:fs"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { commandReference, withReference } from "./commandReference.ts"

const file = new URL("../../../docs/cli.md", import.meta.url)

const reference = await Effect.runPromise(commandReference.pipe(Effect.provide(NodeServices.layer)))
writeFileSync(file, withReference(readFileSync(file, "utf8"), reference))

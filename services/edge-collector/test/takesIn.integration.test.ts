import { layer } from "@effect/vitest"
import { Running } from "./Running.ts"
import { takesFlows } from "./takesFlows.ts"
import { takesOtlp } from "./takesOtlp.ts"
import { takesSnmp } from "./takesSnmp.ts"
import { takesSyslog } from "./takesSyslog.ts"

layer(Running.layer, { excludeTestServices: true })("edge-collector", (it) => {
  takesSyslog(it)
  takesSnmp(it)
  takesFlows(it)
  takesOtlp(it)
})

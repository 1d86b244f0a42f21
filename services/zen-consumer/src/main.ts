import { runService } from "@bulkhead/observability"
import { ZenApp } from "./ZenApp.ts"

runService({ name: "zen-consumer", version: "0.1.0" }, ZenApp)

import { runService } from "@bulkhead/observability"
import { EdgeCollectorApp } from "./EdgeCollectorApp.ts"

runService({ name: "edge-collector", version: "0.1.0" }, EdgeCollectorApp)

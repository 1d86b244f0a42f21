import { runService } from "@bulkhead/observability"
import { EdgeRelayApp } from "./EdgeRelayApp.ts"

runService({ name: "edge-relay", version: "0.1.0" }, EdgeRelayApp)

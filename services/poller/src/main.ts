import { runService } from "@bulkhead/observability"
import { PollerApp } from "./PollerApp.ts"

runService({ name: "poller", version: "0.1.0" }, PollerApp)

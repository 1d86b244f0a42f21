import { runService } from "@bulkhead/observability"
import { NetflowApp } from "./NetflowApp.ts"

runService({ name: "netflow-consumer", version: "0.1.0" }, NetflowApp)

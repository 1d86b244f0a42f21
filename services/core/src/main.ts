import { runService } from "@bulkhead/observability"
import { CoreApp } from "./CoreApp.ts"

runService({ name: "core", version: "0.1.0" }, CoreApp)

import { runService } from "@bulkhead/observability"
import { DbEventWriterApp } from "./DbEventWriterApp.ts"

runService({ name: "db-event-writer", version: "0.1.0" }, DbEventWriterApp)

import { runService } from "@bulkhead/observability"
import { SignerApp } from "./SignerApp.ts"

runService({ name: "account-signer", version: "0.1.0" }, SignerApp)

/**
 * The HTTP API of core: its definition alone, so that clients can be made from it without the server.
 */
import { HttpApi, HttpApiMiddleware, OpenApi } from "effect/http-api"
import { CredentialsApi } from "./CredentialsApi.ts"
import { DeadLettersApi } from "./DeadLettersApi.ts"
import { DiagnosisApi } from "./DiagnosisApi.ts"
import { FlagsApi } from "./FlagsApi.ts"
import { HealthApi } from "./HealthApi.ts"
import { IsolationApi } from "./IsolationApi.ts"
import { ReplaysApi } from "./ReplaysApi.ts"
import { RulesApi } from "./RulesApi.ts"
import { StreamsApi } from "./StreamsApi.ts"
import { TenantsApi } from "./TenantsApi.ts"

export class CoreApi extends HttpApi.make("bulkhead-core")
  .add(TenantsApi)
  .add(CredentialsApi)
  .add(DeadLettersApi)
  .add(ReplaysApi)
  .add(RulesApi)
  .add(DiagnosisApi)
  .add(FlagsApi)
  .add(StreamsApi)
  .add(IsolationApi)
  .add(HealthApi)
  .middleware(HttpApiMiddleware.ProblemDetails)
  .annotateMerge(OpenApi.annotations({ title: "Bulkhead core", version: "1" })) {}

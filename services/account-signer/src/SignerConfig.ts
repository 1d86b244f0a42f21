/**
 * Every variable the signer itself reads; `DATABASE_*`, `SECRETS_*`, `VAULT_*`, `OPS_*`, `LOG_*` and `OTEL_*` belong to
 * the packages that use them and stand in their READMEs.
 *
 * | variable | type, unit | default | meaning |
 * |---|---|---|---|
 * | `NATS_URL`, `NATS_TLS_CA` | | | as for every service |
 * | `SIGNER_SYSTEM_CREDS_FILE` | path | — | credentials in the system account; `bootstrap` writes them |
 * | `SIGNER_PLATFORM_CREDS_FILE` | path | — | credentials in the platform's account; `bootstrap` writes them |
 * | `SIGNER_RESUME_MS` | milliseconds | `10000` | how often servers are looked at for claims they have not taken or have lost |
 */
import { Config, Context, Layer, Schema } from "effect"

const config = Config.all({
  systemCredsFile: Config.String("SIGNER_SYSTEM_CREDS_FILE"),
  platformCredsFile: Config.String("SIGNER_PLATFORM_CREDS_FILE"),
  resumeMs: Config.schema(Schema.Int.check(Schema.isGreaterThan(0)), "SIGNER_RESUME_MS").pipe(
    Config.withDefault(10_000)
  )
})

/** The settings of one signer process. */
export class SignerConfig extends Context.Service<SignerConfig, Config.Success<typeof config>>()(
  "@bulkhead/account-signer/SignerConfig"
) {
  static readonly layer = Layer.effect(SignerConfig, config)
}

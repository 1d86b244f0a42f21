/**
 * Every setting of the signer itself; those of `NATS_`, `DATABASE_`, `SECRETS_`, `VAULT_`, `K8S_`, `OPS_`, `LOG_` and
 * `OTEL_` belong to the packages that use them.
 */
import { readSettings, Setting, type SettingValues } from "@bulkhead/settings"
import { Context, Layer } from "effect"

export const signerSettings = {
  configFile: Setting.text(
    "SIGNER_CONFIG_FILE",
    "a JSON object with any of the settings that the signer reads; the environment wins",
    "path"
  ).optional,
  systemCredsFile: Setting.text(
    "SIGNER_SYSTEM_CREDS_FILE",
    "credentials in the system account: `signer-system.creds` of `bootstrap`",
    "path"
  ),
  platformCredsFile: Setting.text(
    "SIGNER_PLATFORM_CREDS_FILE",
    "credentials in the platform's account: `signer.creds` of `bootstrap`",
    "path"
  ),
  resumeMs: Setting.whole(
    "SIGNER_RESUME_MS",
    "milliseconds",
    { from: 1 },
    "how often servers are looked at for claims that they have not taken or have lost"
  ).or(10_000)
}

/** The settings of one signer process. */
export class SignerConfig extends Context.Service<SignerConfig, SettingValues<typeof signerSettings>>()(
  "@bulkhead/account-signer/SignerConfig"
) {
  static readonly layer = Layer.effect(SignerConfig, readSettings(signerSettings))
}

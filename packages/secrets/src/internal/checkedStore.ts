import { Effect, Redacted } from "effect"
import type { SecretError, SecretInvalid, SecretReason } from "../SecretError.ts"
import { namePartProblem, type SecretName, valueProblem } from "../SecretName.ts"
import type { SecretStore } from "../SecretStore.ts"
import { failedIn } from "./failedIn.ts"
import type { SecretDriver } from "./SecretDriver.ts"

const nameProblem = ({ owner, purpose }: SecretName) =>
  namePartProblem("owner", owner) ?? namePartProblem("purpose", purpose)

const writeProblem = (name: SecretName, value: Redacted.Redacted<string>) =>
  nameProblem(name) ?? valueProblem(name, Redacted.value(value))

/** Does `work` unless there is a problem, in a span that knows the secret's name and nothing of its value. */
const checked = <A>(
  operation: string,
  attributes: { readonly owner: string; readonly purpose?: string },
  problem: SecretInvalid | undefined,
  work: () => Effect.Effect<A, SecretReason>
): Effect.Effect<A, SecretError> =>
  Effect.suspend(() => (problem === undefined ? work() : Effect.fail(problem))).pipe(
    failedIn(operation),
    Effect.withSpan(operation, { attributes: { owner: attributes.owner, purpose: attributes.purpose } })
  )

/** The store over a driver: the same names, values and order of lists whichever driver it is. */
export const checkedStore = (driver: SecretDriver): SecretStore["Service"] => ({
  create: (name, value) =>
    checked("SecretStore.create", name, writeProblem(name, value), () => driver.create(name, value)),
  read: (name) => checked("SecretStore.read", name, nameProblem(name), () => driver.read(name)),
  replace: (name, value) =>
    checked("SecretStore.replace", name, writeProblem(name, value), () => driver.replace(name, value)),
  remove: (name) => checked("SecretStore.remove", name, nameProblem(name), () => driver.remove(name)),
  list: (owner) =>
    checked("SecretStore.list", { owner }, namePartProblem("owner", owner), () =>
      Effect.map(driver.list(owner), (purposes) => [...purposes].sort())
    )
})

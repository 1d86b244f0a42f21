import { NKey } from "./NKey.ts"

/**
 * The keys of one account. The identity names it and signs nothing after its birth; the signing key signs its users and
 * the tokens that it gives away, and may be replaced.
 */
export interface AccountKeys {
  readonly identity: NKey
  readonly signing: NKey
}

/** New keys for a new account. */
export const makeAccountKeys = (): AccountKeys => ({ identity: NKey.make("account"), signing: NKey.make("account") })

/**
 * Who can publish to whom and who can read from whom, computed from the claims of an installation alone: roles, imports,
 * exports, tokens, mappings and chains of them. What it says a tenant can do is an upper bound: a server may allow less.
 */
import { type AccountClaims, ClaimsUnreadable, readAccount, readOperator, rolesOf } from "./claims.ts"
import { importProblem } from "./importProblem.ts"
import { intersect, isWithin, overlaps, renamed } from "./patterns.ts"

/** The claims of an installation. */
export interface Installation {
  /** The operator's JWT. */
  readonly operator: string
  /** JWTs of all accounts. */
  readonly accounts: ReadonlyArray<string>
  /** Public keys. */
  readonly systemAccount: string
  readonly platformAccount: string
  /** Account public key → slug; by the accounts' names when absent. */
  readonly tenants?: ReadonlyMap<string, string>
  readonly now?: Date
}

/** Something that should not be. A `leak` is a way across a wall; a `warning` weakens one, or is only untidy. */
export interface Finding {
  readonly severity: "leak" | "warning"
  readonly kind:
    | "publish"
    | "read"
    | "open-export"
    | "dead-import"
    | "foreign-signature"
    | "unreadable"
    | "same-slug"
    | "no-limits"
    | "trace"
    | "unscoped-key"
  readonly from: string
  readonly to: string
  readonly path: string
}

export interface ReachabilityReport {
  /** Slugs, in order. */
  readonly tenants: ReadonlyArray<string>
  readonly findings: ReadonlyArray<Finding>
}

const accountOf = (claims: string): string | undefined => {
  try {
    return readAccount(claims).publicKey
  } catch (error) {
    // The proof says so itself.
    if (error instanceof ClaimsUnreadable) return undefined
    throw error
  }
}

/**
 * Whether the platform's own two accounts are among the claims: without them nothing that a tenant imports can be judged,
 * and a proof would prove nothing.
 */
export const hasOwnAccounts = ({
  accounts,
  systemAccount,
  platformAccount
}: Pick<Installation, "accounts" | "systemAccount" | "platformAccount">): boolean => {
  const found = new Set(accounts.map(accountOf))
  return found.has(systemAccount) && found.has(platformAccount)
}

/** Imports lead from account to account; one that came this far is going round in circles. */
const HOPS_MAX = 8

export const proveIsolation = (installation: Installation): ReachabilityReport => {
  const proof = new Proof(installation)
  proof.run()
  return proof.report()
}

class Proof {
  readonly #operator
  readonly #system: string
  readonly #platform: string
  readonly #nowSeconds: number
  readonly #accounts = new Map<string, AccountClaims>()
  /** Account → slug. */
  readonly #slugs = new Map<string, string>()
  readonly #slugSet: ReadonlySet<string>
  readonly #findings = new Map<string, Finding>()
  readonly #problems = new Map<object, string | undefined>()

  constructor(installation: Installation) {
    this.#operator = readOperator(installation.operator)
    this.#system = installation.systemAccount
    this.#platform = installation.platformAccount
    this.#nowSeconds = Math.floor((installation.now ?? new Date()).getTime() / 1_000)
    for (const jwt of installation.accounts) this.#add(jwt)
    for (const { publicKey, name } of this.#accounts.values()) {
      if (publicKey === this.#system || publicKey === this.#platform) continue
      this.#slugs.set(publicKey, installation.tenants?.get(publicKey) ?? name)
    }
    this.#slugSet = new Set(this.#slugs.values())
  }

  run(): void {
    this.#checkSlugs()
    for (const account of this.#accounts.values()) {
      this.#checkExports(account)
      if (this.#slugs.has(account.publicKey)) this.#checkTenant(account)
      else this.#checkOwn(account)
    }
  }

  report(): ReachabilityReport {
    return { tenants: [...this.#slugSet].sort(), findings: [...this.#findings.values()] }
  }

  #add(jwt: string): void {
    try {
      const account = readAccount(jwt)
      const { publicKey, issuer, name } = account
      const isOurs =
        this.#operator.signingKeys.includes(issuer) || (issuer === this.#operator.publicKey && !this.#operator.isStrict)
      if (isOurs) this.#accounts.set(publicKey, account)
      // A server lets nobody in whom another operator has signed.
      else this.#find("warning", "foreign-signature", name, "", `claims of ${publicKey} are signed by ${issuer}`)
    } catch (error) {
      if (!(error instanceof ClaimsUnreadable)) throw error
      this.#find("warning", "unreadable", "?", "", error.message)
    }
  }

  #find(severity: Finding["severity"], kind: Finding["kind"], from: string, to: string, path: string): void {
    this.#findings.set(`${kind} ${from} ${to} ${path}`, { severity, kind, from, to, path })
  }

  #nameOf(publicKey: string): string {
    return this.#slugs.get(publicKey) ?? this.#accounts.get(publicKey)?.name ?? publicKey
  }

  /** Checking a signature costs more than all the rest, and each role comes by each import. */
  #problemOf(entry: AccountClaims["imports"][number], account: AccountClaims): string | undefined {
    if (!this.#problems.has(entry)) {
      const exporter = this.#accounts.get(entry.account)
      this.#problems.set(entry, importProblem(entry, account, exporter, this.#nowSeconds))
    }
    return this.#problems.get(entry)
  }

  #checkSlugs(): void {
    const seen = new Map<string, string>()
    for (const [publicKey, slug] of this.#slugs) {
      const other = seen.get(slug)
      if (other !== undefined) this.#find("leak", "same-slug", slug, slug, `${other} and ${publicKey} are both ${slug}`)
      seen.set(slug, publicKey)
    }
  }

  #checkExports(account: AccountClaims): void {
    for (const { subject, type, token_req, account_token_position } of account.exports) {
      if (token_req === true || (account_token_position ?? 0) > 0) continue
      // The system account's own exports are the server's, and give each account itself alone.
      if (account.publicKey === this.#system) continue
      const name = this.#nameOf(account.publicKey)
      this.#find("leak", "open-export", "anybody", name, `${name} exports ${type} "${subject}" to whoever imports it`)
    }
  }

  #checkTenant(account: AccountClaims): void {
    const slug = this.#nameOf(account.publicKey)
    this.#checkLimits(account, slug)
    for (const entry of account.imports) {
      const problem = this.#problemOf(entry, account)
      const what = `${entry.type} "${entry.subject}" of ${this.#nameOf(entry.account)}`
      if (problem !== undefined)
        this.#find("warning", "dead-import", slug, "", `import of ${what} does nothing: ${problem}`)
      if (entry.share === true || entry.allow_trace === true) {
        this.#find(
          "warning",
          "trace",
          slug,
          "",
          `import of ${what} shows who the client is, or how its messages travel`
        )
      }
    }
    for (const role of rolesOf(account, this.#operator.isStrict)) {
      if (role.name.startsWith("any user")) {
        this.#find(
          "warning",
          "unscoped-key",
          slug,
          "",
          `a signing key of ${slug} has no scope: its users may do anything`
        )
      }
      const start = `${slug} role ${role.name}`
      for (const subject of role.publish) this.#publish(account, subject, slug, `${start} → ${subject}`, 0)
      for (const subject of role.subscribe) this.#read(account, subject, slug, `${start} → ${subject}`)
    }
  }

  /**
   * What the platform's accounts take from tenants: whoever gives it speaks there, or hears what is said there. Of a
   * tenant only its own prefix is right.
   */
  #checkOwn(account: AccountClaims): void {
    for (const entry of account.imports) {
      const slug = this.#slugs.get(entry.account)
      if (slug === undefined || this.#problemOf(entry, account) !== undefined) continue
      const here = this.#nameOf(account.publicKey)
      const local = entry.local_subject ?? entry.to ?? entry.subject
      const path = `${here} ${local} ← import "${entry.name}" of ${entry.type} "${entry.subject}" ← ${slug}`
      const kind = entry.type === "stream" ? "publish" : "read"
      if (account.publicKey === this.#platform) this.#onPlatform(kind, local, slug, path)
      else this.#find("leak", kind, slug, here, path)
    }
  }

  #checkLimits({ limits }: AccountClaims, slug: string): void {
    const missing = ["conn", "leaf", "subs", "payload"].filter((limit) => limits?.[limit] === undefined)
    const unlimited = ["conn", "leaf", "subs"].filter((limit) => limits?.[limit] === -1)
    if (missing.length > 0) this.#find("warning", "no-limits", slug, "", `${missing.join(", ")} are not written down`)
    if (unlimited.length > 0) this.#find("warning", "no-limits", slug, "", `${unlimited.join(", ")} are unlimited`)
  }

  /** The subjects that messages on `subject` may have in this account: its mappings may rename them. */
  #mapped(account: AccountClaims, subject: string): ReadonlyArray<string> {
    const targets = Object.entries(account.mappings).flatMap(([source, list]) => {
      const met = intersect(subject, source)
      return met === undefined ? [] : list.map((target) => renamed(met, source, target.subject))
    })
    return [subject, ...targets]
  }

  /** A message of `slug` on these subjects is in `account`: where does it get to? */
  #publish(account: AccountClaims, subject: string, slug: string, path: string, hops: number): void {
    if (hops > HOPS_MAX) return
    for (const actual of this.#mapped(account, subject)) {
      const here = actual === subject ? path : `${path} → mapping → ${actual}`
      if (hops > 0) this.#arrived(account, actual, slug, here)
      for (const entry of account.imports) {
        if (entry.type !== "service") continue
        const local = entry.local_subject ?? entry.to ?? entry.subject
        const met = intersect(actual, local)
        const exporter = this.#accounts.get(entry.account)
        if (met === undefined || exporter === undefined) continue
        if (this.#problemOf(entry, account) !== undefined) continue
        const remote = renamed(met, local, entry.subject)
        this.#publish(
          exporter,
          remote,
          slug,
          `${here} → import "${entry.name}" → ${this.#nameOf(entry.account)} ${remote}`,
          hops + 1
        )
      }
    }
  }

  /** A tenant's message is in another account under these subjects: only the platform's, and its own prefix, is right. */
  #arrived(account: AccountClaims, subject: string, slug: string, path: string): void {
    const to = this.#nameOf(account.publicKey)
    if (account.publicKey === this.#platform) this.#onPlatform("publish", subject, slug, path)
    else if (to !== slug) this.#find("leak", "publish", slug, to, path)
  }

  /** What a subscription in this account is given from others. */
  #read(account: AccountClaims, subject: string, slug: string, path: string): void {
    for (const entry of account.imports) {
      if (entry.type !== "stream") continue
      const local = entry.local_subject ?? (entry.to === undefined ? entry.subject : `${entry.to}.${entry.subject}`)
      const met = intersect(subject, local)
      const exporter = this.#accounts.get(entry.account)
      if (met === undefined || exporter === undefined) continue
      if (this.#problemOf(entry, account) !== undefined) continue
      const from = this.#nameOf(entry.account)
      const there = `${path} ← import "${entry.name}" ← ${from} ${entry.subject}`
      if (entry.account === this.#platform) this.#onPlatform("read", entry.subject, slug, there)
      else if (from !== slug) this.#find("leak", "read", slug, from, there)
    }
  }

  /** On the platform the first token says whose a subject is; what is under no tenant's prefix is the platform's. */
  #onPlatform(kind: "publish" | "read", subject: string, slug: string, path: string): void {
    if (isWithin(subject, `${slug}.>`)) return
    const [first = ""] = subject.split(".")
    const touched =
      first === "*" || first === ">"
        ? [...this.#slugSet].filter((other) => other !== slug && overlaps(subject, `${other}.>`))
        : this.#slugSet.has(first)
          ? [first]
          : ["PLATFORM"]
    for (const other of touched) this.#find("leak", kind, slug, other, path)
  }
}

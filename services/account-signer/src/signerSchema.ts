/**
 * The schema `bulkhead_signer`: what is wanted of each account, which users were signed, and every signature. It belongs
 * to the signer's own database role, so that no other service can read or change it.
 */
import type { Migration } from "@bulkhead/storage"

export const SIGNER_SCHEMA = "bulkhead_signer"

export const signerMigrations: ReadonlyArray<Migration> = [
  {
    name: "accounts, users and audit",
    statements: [
      `create table bulkhead_signer.accounts (
        tenant text primary key,
        public_key text not null unique,
        limits jsonb not null,
        is_suspended boolean not null,
        is_removed boolean not null default false,
        version bigint not null default 1,
        pushed_version bigint not null default 0
      )`,
      `create table bulkhead_signer.users (
        public_key text primary key,
        tenant text not null references bulkhead_signer.accounts on delete cascade,
        role text not null,
        name text not null,
        purpose text not null,
        issued_at timestamptz not null,
        expires_at timestamptz not null,
        retires_at timestamptz,
        revoked_at timestamptz
      )`,
      "create index on bulkhead_signer.users (tenant, issued_at)",
      `create table bulkhead_signer.audit (
        id bigint generated always as identity primary key,
        at timestamptz not null default clock_timestamp(),
        actor text not null,
        operation text not null,
        tenant text not null,
        subject text not null,
        key_id text not null,
        details text not null
      )`,
      "create index on bulkhead_signer.audit (tenant, id)",
      `create function bulkhead_signer.refuse_change() returns trigger language plpgsql as
        $$ begin raise exception 'the audit record takes new entries only'; end $$`,
      `create trigger append_only before update or delete or truncate on bulkhead_signer.audit
        for each statement execute function bulkhead_signer.refuse_change()`
    ]
  }
]

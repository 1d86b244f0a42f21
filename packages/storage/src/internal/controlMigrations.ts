/**
 * The schema `bulkhead`: which tenants there are, and the messages about them that wait for publication.
 */
import { DEFAULT_TENANT } from "@bulkhead/channels"
import type { Migration } from "./migrate.ts"

export const CONTROL_SCHEMA = "bulkhead"

export const controlMigrations: ReadonlyArray<Migration> = [
  {
    name: "tenants and outbox",
    statements: [
      `create table bulkhead.tenants (
        id uuid primary key default gen_random_uuid(),
        slug text not null unique check (slug ~ '^[a-z]([a-z0-9-]*[a-z0-9])?$' and length(slug) <= 48),
        name text not null,
        plan text not null check (plan in ('free', 'pro', 'enterprise')),
        status text not null check (status in ('provisioning', 'active', 'degraded', 'suspended', 'deleting')),
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      )`,
      `create table bulkhead.outbox (
        id bigint generated always as identity primary key,
        kind text not null check (kind in ('lifecycle', 'event')),
        tenant text not null,
        subject text not null,
        message_id uuid not null default gen_random_uuid(),
        payload jsonb not null,
        created_at timestamptz not null default now()
      )`,
      // It owns the subjects that carry no tenant, so it is there from the start.
      `insert into bulkhead.tenants (slug, name, plan, status)
        values ('${DEFAULT_TENANT}', 'Default', 'enterprise', 'provisioning')`
    ]
  },
  {
    name: "generations and erasures",
    statements: [
      `alter table bulkhead.tenants
        add column generation integer not null default 1,
        add column applied_generation integer not null default 0`,
      `create table bulkhead.erasures (
        id bigint generated always as identity primary key,
        tenant_id uuid not null,
        slug text not null,
        report jsonb not null,
        erased_at timestamptz not null default now()
      )`,
      "create index on bulkhead.erasures (slug)"
    ]
  },
  {
    name: "limits of a tenant's own",
    statements: ["alter table bulkhead.tenants add column limits jsonb not null default '{}'"]
  },
  {
    name: "calls for replays",
    statements: [
      // Says which tenants' schemas to look into: the login role cannot look into all of them.
      `create table bulkhead.replay_calls (
        tenant_id uuid primary key references bulkhead.tenants on delete cascade,
        called_at timestamptz not null default now()
      )`
    ]
  },
  {
    name: "lanes that several tenants share",
    statements: [
      `create table bulkhead.shared_lanes (
        lane text primary key,
        seq bigint not null default 0,
        updated_at timestamptz not null default now()
      )`,
      `create table bulkhead.held_tenants (
        lane text not null references bulkhead.shared_lanes on delete cascade,
        tenant text not null,
        reason text not null,
        problem text not null,
        since timestamptz not null default now(),
        primary key (lane, tenant)
      )`
    ]
  }
]

/**
 * The schema `bulkhead`: which tenants there are, the messages about them that wait for publication, and which process
 * runs what.
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
    name: "replicas, claims and runs",
    statements: [
      `create table bulkhead.core_replicas (
        id uuid primary key,
        name text not null,
        session_pid integer not null,
        session_started_at timestamptz not null,
        application_name text not null,
        started_at timestamptz not null default clock_timestamp(),
        seen_at timestamptz not null default clock_timestamp()
      )`,
      // Whoever is taken out of the members loses all it had claimed, in the same instant.
      `create table bulkhead.claims (
        kind text not null check (kind in ('tenant', 'duty')),
        name text not null,
        replica uuid references bulkhead.core_replicas on delete set null,
        since timestamptz not null default clock_timestamp(),
        primary key (kind, name)
      )`,
      "create index on bulkhead.claims (replica)",
      `create table bulkhead.tenant_runs (
        tenant text primary key references bulkhead.tenants (slug) on delete cascade,
        replica uuid not null,
        status text not null,
        reason text,
        restarts integer not null,
        last_error text,
        rows_written bigint not null,
        dead_letters bigint not null,
        last_commit_at timestamptz,
        updated_at timestamptz not null default clock_timestamp()
      )`,
      // What a tenant's own table of migrations says, where the login role may read it for all of them at once.
      `create table bulkhead.tenant_schemas (
        tenant text primary key references bulkhead.tenants (slug) on delete cascade,
        version integer not null
      )`,
      // Each watermark is read as the role that owns it: this function has no rights of its own.
      `create function bulkhead.lanes_of(slugs text[], names text[])
        returns table (tenant text, lane text, seq bigint, rows_written bigint, dead_letters bigint,
          updated_at timestamptz)
        language plpgsql as $$
        begin
          for place in 1 .. coalesce(cardinality(slugs), 0) loop
            perform set_config('role', names[place], true);
            return query execute format(
              'select %L::text, lane::text, seq, rows_written, dead_letters, updated_at from %I.watermarks',
              slugs[place], names[place]);
          end loop;
          perform set_config('role', 'none', true);
        end $$`,
      `create function bulkhead.tell_tenant() returns trigger language plpgsql as $$
        begin
          if tg_op = 'DELETE' then
            delete from bulkhead.claims where kind = 'tenant' and name = old.slug;
          end if;
          perform pg_notify('bulkhead', 'tenant ' || coalesce(new.slug, old.slug));
          return null;
        end $$`,
      `create trigger tell after insert or update or delete on bulkhead.tenants
        for each row execute function bulkhead.tell_tenant()`,
      `create function bulkhead.tell_replicas() returns trigger language plpgsql as $$
        begin
          perform pg_notify('bulkhead', 'replicas');
          return null;
        end $$`,
      `create trigger tell after insert or delete on bulkhead.core_replicas
        for each row execute function bulkhead.tell_replicas()`
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
  },
  {
    name: "which quota holds a tenant back",
    statements: ["alter table bulkhead.tenant_runs add column held_by text"]
  },
  {
    name: "decision rules and their revisions",
    statements: [
      // A set is made with the rules that come with the platform, when somebody first looks.
      `create table bulkhead.rule_sets (
        tenant_id uuid primary key references bulkhead.tenants on delete cascade,
        groups jsonb not null,
        generation integer not null default 1,
        published_generation integer not null default 0,
        updated_at timestamptz not null default now()
      )`,
      "create index on bulkhead.rule_sets (tenant_id) where generation > published_generation",
      `create table bulkhead.rules (
        tenant_id uuid not null references bulkhead.rule_sets on delete cascade,
        name text not null,
        description text not null default '',
        is_enabled boolean not null default true,
        revision integer not null,
        updated_at timestamptz not null default now(),
        primary key (tenant_id, name)
      )`,
      `create table bulkhead.rule_revisions (
        tenant_id uuid not null,
        rule text not null,
        revision integer not null,
        result text not null check (result in ('overlay', 'replace')),
        content text not null,
        created_at timestamptz not null default now(),
        primary key (tenant_id, rule, revision),
        foreign key (tenant_id, rule) references bulkhead.rules on delete cascade
      )`
    ]
  }
]

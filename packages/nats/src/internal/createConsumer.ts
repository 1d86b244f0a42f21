/**
 * How the server is asked for a consumer that a plan makes.
 */
import { AckPolicy, DeliverPolicy, type JetStreamManager } from "@nats-io/jetstream"
import type { PlannedConsumer } from "../streams/StreamPlan.ts"
import { PLAN_MARK } from "./lookAtStream.ts"

/** What may be changed in one that exists. */
export const plannedConfig = ({ filterSubjects }: Pick<PlannedConsumer, "filterSubjects">) => ({
  filter_subjects: [...filterSubjects],
  metadata: { ...PLAN_MARK }
})

export const createConsumer = (manager: JetStreamManager, stream: string, wanted: PlannedConsumer) =>
  manager.consumers.add(stream, {
    durable_name: wanted.name,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ...plannedConfig(wanted)
  })

export type { ConsumeReason } from "./ConsumeError.ts"
export {
  ConnectionLost,
  ConsumeError,
  ConsumerDeleted,
  ConsumerRefused,
  DeliveryGap,
  FiltersOverlap,
  ServerSilent,
  SourceMissing
} from "./ConsumeError.ts"
export { deleteConsumer } from "./deleteConsumer.ts"
export { deleteStream } from "./deleteStream.ts"
export type { PublisherOptions, PublishOptions } from "./EventPublisher.ts"
export { EventPublisher, publisherSettings } from "./EventPublisher.ts"
export { findStream } from "./findStream.ts"
export { hasRoom } from "./hasRoom.ts"
export type { BatchLimits } from "./internal/BatchBuffer.ts"
export type { PublishAck } from "./internal/PublishTries.ts"
export type { RequestFailure } from "./internal/sortFailure.ts"
export { sortFailure } from "./internal/sortFailure.ts"
export { type ListedStream, listStreams } from "./listStreams.ts"
export { Nats } from "./Nats.ts"
export type { NatsOptions } from "./NatsConfig.ts"
export { natsConfig, natsSettings } from "./NatsConfig.ts"
export type { NatsReason } from "./NatsError.ts"
export { CredentialsRefused, NatsError, NatsMisconfigured, NatsUnavailable, RequestRefused } from "./NatsError.ts"
export type { BatchConsumer, BatchConsumerOptions, ConsumerLag } from "./openBatchConsumer.ts"
export { openBatchConsumer } from "./openBatchConsumer.ts"
export type { PublishReason } from "./PublishError.ts"
export {
  InvalidSubject,
  MessageRefused,
  PayloadTooLarge,
  PermissionDenied,
  PublishError,
  PublishTimeout,
  StreamFull,
  StreamMissing
} from "./PublishError.ts"
export { publisherSpan } from "./publisherSpan.ts"
export { mayPublish, publishRightsOf, RIGHTS_SUBJECT } from "./publishRights.ts"
export { purgeSubject } from "./purgeSubject.ts"
export { type ReaderLag, readerLag, readerLags } from "./readerLag.ts"
export type { StreamMessage } from "./StreamMessage.ts"
export { sequenceBefore } from "./sequenceBefore.ts"
export { storedUnder } from "./storedUnder.ts"
export { type StreamRange, streamRange } from "./streamRange.ts"
export type { ApplyOptions, ApplyTerms } from "./streams/applyStreams.ts"
export {
  Allowance,
  applyStreams,
  ChangesInterrupted,
  ChangesRefused,
  compareStreams,
  makeChanges,
  parseAllowance,
  refuseChanges,
  risksLeft
} from "./streams/applyStreams.ts"
export { changesOfTenant } from "./streams/changesOfTenant.ts"
export { diffStreams } from "./streams/diffStreams.ts"
export { ensureConsumers } from "./streams/ensureConsumers.ts"
export { ensureStream, type StreamIncarnation } from "./streams/ensureStream.ts"
export { fingerprint } from "./streams/fingerprint.ts"
export type {
  ObservedAccount,
  ObservedConsumer,
  ObservedServer,
  ObservedStream,
  PublishRights
} from "./streams/ObservedServer.ts"
export { observeStreams } from "./streams/observeStreams.ts"
export type { PlanOptions, SharedSubjects, TenantToPlan } from "./streams/planStreams.ts"
export { planSharedStream, planStreams, planTenantStream, sharedStreamSubject } from "./streams/planStreams.ts"
export { renderDiff } from "./streams/renderDiff.ts"
export type { FieldChange, RiskNote } from "./streams/StreamChange.ts"
export { RISKS, Risk, StreamChange, StreamDiff, StreamProblem } from "./streams/StreamChange.ts"
export { PlannedConsumer, PlannedStream, StreamLayout, StreamPlan } from "./streams/StreamPlan.ts"
export { consumerName, READERS, recordPatterns, type StoredLogs, StreamReader } from "./streams/StreamReader.ts"
export { DUPLICATE_WINDOW_MS, StreamPlacement, StreamSettings } from "./streams/StreamSettings.ts"
export type { Amount, StreamShape } from "./streams/StreamShape.ts"
export { SERVER_VERSION_MIN, takesWildcards } from "./streams/serverSupport.ts"
export {
  ORIGIN_HEADER,
  RETURNED_HEADER,
  WrittenCopies,
  writtenCopiesMetadata,
  writtenCopiesOf
} from "./streams/WrittenCopies.ts"
export { layerTenantPublishers, TenantConnections, type TenantPublishersOptions } from "./tenantPublishers.ts"

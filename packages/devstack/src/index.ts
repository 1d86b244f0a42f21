export { cacheFolder } from "./cacheFolder.ts"
export { DevstackError } from "./DevstackError.ts"
export { freePort } from "./freePort.ts"
export { NatsServer, type NatsServerOptions, type RunningNatsServer, startNatsServer } from "./NatsServer.ts"
export {
  findNatsServer,
  findNatsServerVersion,
  NATS_SERVER_VERSION_MIN,
  type NatsServerBinary
} from "./natsServer/findNatsServer.ts"
export {
  PostgresServer,
  type PostgresServerOptions,
  type RunningPostgresServer,
  startPostgresServer
} from "./PostgresServer.ts"
export { type PostgresBinaries, postgresBinaries } from "./postgresBinaries.ts"
export { removePostgresFolder } from "./postgresFolder.ts"
export { type ServerProcess, type ServerProcessOptions, startServerProcess } from "./ServerProcess.ts"
export { stopLeftover } from "./stopLeftover.ts"
export { waitUntil } from "./waitUntil.ts"

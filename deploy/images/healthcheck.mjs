// The health check of every image: 0 when the service says that it is ready.
const { OPS_PORT = "9090" } = process.env
const { ok } = await fetch(`http://127.0.0.1:${OPS_PORT}/readyz`, { signal: AbortSignal.timeout(3_000) }).catch(() => ({
  ok: false
}))
process.exit(ok ? 0 : 1)

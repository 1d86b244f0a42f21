import { spawn } from "node:child_process"
const fixture = new URL("fixtures/service.ts", import.meta.url).pathname
let bad = 0, n = 0
const once = (port) => new Promise((done) => {
  const child = spawn(process.execPath, ["--conditions=@bulkhead/source", fixture], { env: { PATH: process.env.PATH, OPS_PORT: String(port) } })
  let out = "", err = ""
  child.stdout.on("data", (t) => { out += t }); child.stderr.on("data", (t) => { err += t })
  const poll = async () => { const s = await fetch(`http://127.0.0.1:${port}/readyz`).then((r) => r.status, () => 0); if (s === 200) child.kill("SIGTERM"); else setTimeout(poll, 25) }
  poll()
  child.on("close", (code) => { n++
    const msgs = out.trim().split("\n").map((l) => JSON.parse(l).msg).join()
    if (code !== 130 || msgs !== "first opened,second opened,started,stopping,second closed,first closed") { bad++; console.log("BAD", code, out, err) }
    done() })
})
for (let i = 0; i < 60; i++) await once(21000 + i)
console.log(`${bad} of ${n}`)

/**
 * Who works on a migration, as another operator is told.
 */
import { hostname, userInfo } from "node:os"

export const holder = () => ({ name: `${userInfo().username}@${hostname()}, process ${process.pid}` })

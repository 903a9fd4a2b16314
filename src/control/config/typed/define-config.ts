import type { FleetConfig } from './fleet-config.ts'

/** Makes a fleet when it is wanted. */
export type FleetMaker = () => FleetConfig | Promise<FleetConfig>

/**
 * Describes a fleet in `pagent.config.ts`, with completion and types. Returns what it is given; everything is checked when
 * the file is loaded, by `pagent check` for example.
 *
 * ```ts
 * import { defineConfig } from 'pagent/config'
 *
 * export default defineConfig({
 *   workers: {
 *     web: { command: 'node server.js', replicas: 2, limits: { memory: '256MiB' } },
 *     cron: { command: ['python3', 'nightly.py'], schedule: '0 3 * * *', dependsOn: ['web'] },
 *   },
 * })
 * ```
 */
export function defineConfig(config: FleetMaker): FleetMaker
export function defineConfig(config: Promise<FleetConfig>): Promise<FleetConfig>
export function defineConfig(config: FleetConfig): FleetConfig
export function defineConfig<C>(config: C): C {
  return config
}

import type { Foreign } from '../shapes/table.ts'

/** What containers have, and programs do not. */
const OF_CONTAINERS: Foreign = Object.fromEntries(
  [
    'image',
    'build',
    'ports',
    'expose',
    'volumes',
    'networks',
    'container_name',
    'hostname',
    'privileged',
    'cap_add',
    'links',
    'platform',
  ].map((key) => [key, ': pagent runs programs, not containers'] as const),
)

/** Keys of compose, process-compose, pm2 and systemd that have another name here. */
export const FOREIGN_OF_WORKERS: Foreign = {
  ...OF_CONTAINERS,
  entrypoint: '; write command',
  exec_start: '; write command',
  script: '; write command, with its interpreter',
  interpreter: '; write it at the beginning of command',
  instances: '; write replicas',
  scale: '; write replicas',
  deploy: '; write replicas and limits',
  mem_limit: '; write limits: { memory: … }',
  max_memory_restart: '; write limits: { memory: … }',
  cpus: '; write limits: { cpus: … }',
  pids_limit: '; write limits: { processes: … }',
  cron_restart: '; write schedule',
  autorestart: '; write restart',
  max_restarts: '; write intensity: { restarts: …, within: … }',
  restart_delay: '; write backoff: { min: … }',
  kill_timeout: '; write stop_grace_period',
  kill_signal: '; write stop_signal',
  availability: '; write restart, backoff and intensity',
  readiness_probe: '; write ready',
  liveness_probe: '; write healthcheck',
  logging: '; write log at the top of the file',
  log: '; log stands at the top of the file, for all',
  user: ': a worker has the user of whoever starts the fleet',
  tty: ': a worker has no terminal',
  stdin_open: ': the stdin of a worker is always open',
  watch: ': files are not watched; use pagent restart, or a program that watches',
}

/** What stands at the top of files for other tools. */
export const FOREIGN_OF_FLEETS: Foreign = {
  version: ': the format has no versions; leave it out',
  processes: '; write workers',
  apps: "; write workers, or have pm2's file translated: pagent import pm2",
  volumes: ': pagent runs programs, not containers',
  networks: ': pagent runs programs, not containers',
  command: '; write it below a name: workers: { web: { command: … } }',
}

/**
 * Stops this process and all others of its job, as Ctrl-Z does it in a terminal that nobody has changed; the shell goes
 * on, and `fg` continues it. Where no shell could, the system lets it go on.
 *
 * Whoever listens to SIGTSTP is not stopped by it.
 */
export function suspendJob(): void {
  process.kill(0, 'SIGTSTP')
}

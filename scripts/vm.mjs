// node scripts/vm.mjs [--as=root|user|both] [--timeout=SECONDS] -- file… [--flag=value…]: the tests named, on a Linux with
// cgroup v2, in an emulated machine, which needs neither a privilege nor a component of the processor. Once as root, with
// every controller at hand, and once as a user to whom one group is delegated (`systemd-run --user --scope -p
// Delegate=yes`); in that machine PAGENT_VM says as whom. What comes after the files is for node.
//
// Ends with 0 when every test passed, with 77 when something needed is not on this machine, else with 1.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { passed, summary, verdict } from './tap.mjs'
import { Missing, kernel, root, which, writeImage } from './vm/image.mjs'

const usage = 'usage: node scripts/vm.mjs [--as=root|user|both] [--timeout=SECONDS] -- file… [--flag=value…]'
const { roles, timeout, files, flags } = readArguments(process.argv.slice(2))
/** What the lines of the machine begin with that no test wrote. */
const mark = `vm-${randomUUID()}`
const folder = mkdtempSync(join(tmpdir(), 'pagent-vm-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

try {
  const began = performance.now()
  checkTools()
  const image = join(folder, 'image.cpio')
  const linux = kernel()
  writeImage(image, ownFiles())
  const { results, tail, end } = await boot(linux, image)
  process.exitCode = judge(results, tail, end) ? 0 : 1
  console.log(`${Math.round((performance.now() - began) / 1000)} s`)
} catch (error) {
  if (!(error instanceof Missing)) throw error
  console.error(`vm: ${error.message}`)
  process.exitCode = 77
}

function readArguments(args) {
  const dashes = args.indexOf('--')
  const own = new Map(args.slice(0, Math.max(0, dashes)).map((arg) => arg.split('=')))
  const named = args.slice(dashes + 1).filter((arg) => !arg.startsWith('-'))
  const as = own.get('--as') ?? 'both'
  const seconds = Number(own.get('--timeout') ?? 300)
  const isKnown = [...own.keys()].every((name) => name === '--as' || name === '--timeout')
  if (dashes < 0 || named.length === 0 || !isKnown || !['root', 'user', 'both'].includes(as) || !(seconds > 0)) {
    console.error(usage)
    process.exit(2)
  }
  for (const file of named.filter((name) => !existsSync(name))) {
    console.error(`vm: there is no ${file}`)
    process.exit(2)
  }
  return {
    roles: as === 'both' ? ['root', 'user'] : [as],
    timeout: seconds,
    files: named.map((name) => relative(root, name)),
    flags: args.slice(dashes + 1).filter((arg) => arg.startsWith('-')),
  }
}

function checkTools() {
  if (process.arch !== 'x64') throw new Missing(`only for x64 so far; this is ${process.arch}`)
  const tools = ['qemu-system-x86_64', 'busybox', 'cpio', 'apt-get', 'dpkg', 'ldd']
  const missing = tools.filter((tool) => which(tool) === undefined)
  if (missing.length === 0) return
  throw new Missing(`needs ${missing.join(', ')}: apt-get install qemu-system-x86 busybox-static cpio (on Debian)`)
}

/** What only this start of the machine has: how to run each file, and under which circumstances. */
function ownFiles() {
  const env = {
    PAGENT_VM_MARK: mark,
    PAGENT_TEST_SCALE: process.env.PAGENT_TEST_SCALE ?? '0.1',
    // Emulation is that many times slower; what a test waits for can take as much longer.
    PAGENT_TEST_SLOW: process.env.PAGENT_TEST_SLOW ?? '20',
    ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }),
  }
  const exported = Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}`)
  const settings = [`roles='${roles.join(' ')}'`, `root=${quoted(root)}`, ...exported]
  const scripts = files.map((file, index) => [
    `vm/tests/${index}`,
    `exec node ${[...options(), file].map(quoted).join(' ')}\n`,
  ])
  return { 'vm/settings': `${settings.join('\n')}\n`, ...Object.fromEntries(scripts) }
}

/** As scripts/test.mjs runs them, but every file in a process that shares its group with no other. */
function options() {
  const reporter = join(root, 'scripts/vm/report.mjs')
  return ['--disable-warning=ExperimentalWarning', '--expose-gc', `--test-reporter=${reporter}`, ...flags]
}

function quoted(word) {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`
}

/** Runs the machine to its end, shows what its tests say, and gathers what it says about them. */
async function boot(linux, image) {
  const machine = spawn('qemu-system-x86_64', machineOptions(linux, image), { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise((resolve) => {
    machine.on('error', (error) => resolve(error.message))
    machine.on('close', (code, signal) => resolve(signal ?? code))
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => machine.kill(signal))
  process.on('exit', () => machine.kill('SIGKILL'))
  const [results, tail] = [[], []]
  let isLate = false
  const timer = setTimeout(() => (isLate = machine.kill('SIGKILL')), timeout * 1000)
  for (const stream of [machine.stdout, machine.stderr])
    createInterface({ input: stream }).on('line', (line) => hear(line.replaceAll('\r', ''), results, tail))
  const end = await ended
  clearTimeout(timer)
  return { results, tail, end: isLate ? `was stopped after ${timeout} s` : `ended with ${end}` }
}

function machineOptions(linux, image) {
  // One processor, and without protection keys: each write of compiled code would flush what the emulator has cached,
  // and with two processors V8 was seen to fail its own checks.
  const hardware = ['-accel', 'tcg,thread=single', '-cpu', 'max,pku=off', '-M', 'q35', '-m', '1500', '-smp', '1']
  const console = ['-nographic', '-no-reboot', '-nodefaults', '-serial', 'stdio']
  // A kernel that panics ends the machine at once.
  const line = 'console=ttyS0 quiet loglevel=3 psi=1 panic=-1 mitigations=off'
  return [...hardware, ...console, '-kernel', linux, '-initrd', image, '-append', line]
}

/** One line of the console. What comes before the first test is kept for when there is none. */
function hear(line, results, tail) {
  tail.push(line)
  if (tail.length > 30) tail.shift()
  const current = results.at(-1)
  // The firmware, or a test, may have left its line unfinished.
  const [before, after] = line.split(`${mark} `)
  const [, verb, rest] = /^(\w+) ?(.*)$/.exec(after ?? '') ?? []
  const isTest = current !== undefined && !current.isLast
  if (isTest && (after === undefined || before !== '')) console.log(before)
  if (verb === 'begin') {
    const [role, index] = rest.split(' ')
    results.push({ role, file: files[index], report: undefined, code: undefined, isLast: false })
    console.log(`── as ${role}: ${files[index]}`)
  } else if (verb === 'end') current.code = Number(rest)
  else if (verb === 'report') current.report = JSON.parse(rest)
  else if (verb === 'done') current.isLast = true
}

/** Whether everything ran and passed; says so, for each role. */
function judge(results, tail, end) {
  if (results.at(-1)?.isLast !== true) {
    console.log(`\nThe machine ${end}, before its tests did. Its last words:\n${tail.join('\n')}`)
    return false
  }
  return roles.map((role) => judgeRole(role, results)).every(Boolean)
}

function judgeRole(role, results) {
  const own = results.filter((result) => result.role === role)
  const reports = own.flatMap(({ report }) => report ?? [])
  const sum = (name) => reports.reduce((total, report) => total + report[name], 0)
  const skips = reports.flatMap((report) => report.skips)
  const whole = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped'), skips }
  for (const line of verdict(whole, false)) console.log(line)
  const failed = own.filter(({ code, report }) => code !== 0 || report === undefined)
  for (const { file, code, report } of failed)
    console.log(`as ${role}: ${file} ended with ${code}${report === undefined ? ', and without a report' : ''}`)
  console.log(`as ${role}: ${summary(whole)}`)
  return failed.length === 0 && own.length === files.length && passed(whole, false)
}

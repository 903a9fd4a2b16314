import { Command, Option } from 'commander'
import { type Diagnosis, examine } from './doctor/examine.ts'
import { report } from './doctor/report.ts'
import { FAILED } from './exit-code.ts'
import { hasColour, painter, print } from './terminal.ts'

const NOTES = `
Starts one short-lived worker by each launcher, with every limit it says it can
enforce, and tells who enforces which. It takes 15 seconds at most.

Exit code:
  0  workers can be started
  1  they cannot, and it says why
  2  the command line was wrong
`

/** `pagent doctor`: what this machine can enforce, by which mechanism, and what to do to get more. */
export function doctorCommand(finish: (code: number) => void, version: string): Command {
  return new Command('doctor')
    .description('Tells which limits can be enforced on this machine, by whom, and what to do to get more.')
    .addOption(
      new Option('-o, --output <format>', 'text, or one JSON object').choices(['text', 'json']).default('text'),
    )
    .addHelpText('after', NOTES)
    .action(async ({ output }: { output: 'text' | 'json' }) => {
      const { stuck, ...diagnosis } = await examine(version)
      print(output === 'json' ? `${JSON.stringify(diagnosis, undefined, 2)}\n` : textOf(diagnosis))
      const code = diagnosis.works ? 0 : FAILED
      // Whoever gave no answer in time would keep us waiting for ever.
      if (stuck) process.exit(code)
      finish(code)
    })
}

function textOf(diagnosis: Diagnosis): string {
  return report(diagnosis, painter(hasColour(1)))
}

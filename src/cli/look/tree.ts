import { type Command, Option } from 'commander'
import type { CommandContext } from '../commands.ts'
import { type FleetOptions, fleetCommand } from '../fleet/choice.ts'
import { type Desk, atDesk } from '../fleet/desk.ts'
import { type Format, isJson, outputOption, writeObject } from '../fleet/output.ts'
import { mermaid, treeDrawing } from '../show/tree-drawing.ts'

const NOTES = `
Examples:
  pagent tree
  pagent tree -f mermaid > fleet.mmd
  pagent tree -f json
`

interface TreeOptions extends FleetOptions {
  readonly output: Format
  readonly format: 'ascii' | 'mermaid' | 'json'
}

/** `pagent tree`: who keeps whom. */
export function treeCommand({ finish }: CommandContext): Command {
  return fleetCommand('tree', '--file <file>')
    .description('Shows the groups, pools and workers of a fleet as a tree, and who waits for whom.')
    .addOption(
      new Option('-f, --format <format>', 'a drawing, Mermaid, or JSON')
        .choices(['ascii', 'mermaid', 'json'])
        .default('ascii'),
    )
    .addOption(outputOption())
    .addHelpText('after', NOTES)
    .action(async (options: TreeOptions) => finish(await atDesk(options, (desk) => show(desk, options))))
}

async function show({ client, screen }: Desk, { format, output }: TreeOptions): Promise<void> {
  const root = await client.tree()
  if (isJson(output)) writeObject(screen, output, root)
  else if (format === 'json') writeObject(screen, 'json', root)
  else screen.write(format === 'mermaid' ? mermaid(root) : `${treeDrawing(root, screen).join('\n')}\n`)
}

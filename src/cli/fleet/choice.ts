import { Command, Option } from 'commander'

/** Which fleet is meant. */
export interface FleetOptions {
  readonly fleet?: string
  /** Of its configuration. */
  readonly file?: string
}

/** `-f` is the file, but where everybody knows it as something else. */
export type FileFlag = '-f, --file <file>' | '--file <file>'

/** A command that is about a fleet. */
export function fleetCommand(name: string, fileFlag: FileFlag = '-f, --file <file>'): Command {
  return new Command(name)
    .addOption(new Option('--fleet <name>', 'the fleet of this name').env('PAGENT_FLEET'))
    .addOption(new Option(fileFlag, 'the fleet of this configuration').conflicts('fleet'))
}

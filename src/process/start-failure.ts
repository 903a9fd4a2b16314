/** What there was too much of, or too little, where the errno says it whatever the launcher was at. */
export function explainShortage(
  errno: string | undefined,
  whose: 'there are' | 'the fork server has',
): string | undefined {
  if (errno === 'E2BIG') return 'its arguments and environment are larger than the system allows'
  if (errno === 'EMFILE' || errno === 'ENFILE')
    return `${whose} no file descriptors left; raise the limit (ulimit -n), or start fewer`
  return undefined
}

/** The program was looked up and found: what is missing is what its first line asks for. */
export function explainNoInterpreter(path: string): string {
  return `${path} is there, but the interpreter its first line names is not`
}

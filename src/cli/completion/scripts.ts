export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** What the shell is to run at its start. Each asks `pagent complete` for words, and knows nothing itself. */
export function scriptFor(shell: Shell): string {
  return { bash: BASH, zsh: ZSH, fish: FISH }[shell]
}

// Bash breaks words at colons, which are in names such as mcp:git: it gets only what follows the last one.
const BASH = String.raw`# pagent completion for bash:  source <(pagent completion bash)
_pagent() {
  local line=${'$'}{COMP_LINE:0:COMP_POINT} word=${'$'}{COMP_WORDS[COMP_CWORD]} words head IFS=$'\n'
  read -r -d '' -a words < <(xargs -n 1 printf '%s\n' <<<"${'$'}{line#* }" 2>/dev/null)
  [[ $line == *' ' ]] && words+=('')
  local current=${'$'}{words[-1]}
  head=${'$'}{current%"$word"}
  [[ $COMP_WORDBREAKS == *:* && $current == *:* ]] && head=${'$'}{current%:*}:
  COMPREPLY=()
  local candidate
  while IFS=$'\t' read -r candidate _; do
    case $candidate in
      :files) compopt -o default; COMPREPLY=(); return ;;
      "$current"*) COMPREPLY+=("${'$'}{candidate#"$head"}") ;;
    esac
  done < <("${'$'}{COMP_WORDS[0]}" complete -- "${'$'}{words[@]}" 2>/dev/null)
}
complete -F _pagent pagent
`

const ZSH = String.raw`#compdef pagent
# pagent completion for zsh:  source <(pagent completion zsh)
_pagent() {
  local -a answers described
  answers=("${'$'}{(@f)$("${'$'}{words[1]}" complete -- "${'$'}{(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $answers[1] == :files ]]; then _files; return; fi
  local answer
  for answer in $answers; do
    described+=("${'$'}{${'$'}{answer%%$'\t'*}//:/\\:}:${'$'}{answer#*$'\t'}")
  done
  _describe -t values pagent described
}
if [[ $funcstack[1] == _pagent ]]; then _pagent "$@"; else compdef _pagent pagent; fi
`

const FISH = String.raw`# pagent completion for fish:  pagent completion fish | source
function __pagent_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l answers ($words[1] complete -- $words[2..] 2>/dev/null)
  if test "$answers[1]" = :files
    __fish_complete_path (commandline -ct)
  else
    printf '%s\n' $answers
  end
end
complete -c pagent -f -a '(__pagent_complete)'
`

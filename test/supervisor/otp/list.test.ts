import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

/** Every case of `lib/stdlib/test/supervisor_SUITE.erl` (erlang/otp, 2025), in its order. */
const CASES = `
sup_start_normal sup_start_ignore_init sup_start_ignore_child sup_start_ignore_temporary_child
sup_start_ignore_temporary_child_start_child sup_start_ignore_temporary_child_start_child_simple
sup_start_ignore_permanent_child_start_child_simple sup_start_error_return sup_start_fail
sup_start_child_returns_error sup_start_restart_child_returns_error sup_start_child_returns_error_simple
sup_start_map sup_start_map_simple sup_start_map_faulty_specs
sup_stop_infinity sup_stop_timeout sup_stop_timeout_dynamic sup_stop_brutal_kill sup_stop_brutal_kill_dynamic
sup_stop_race sup_stop_non_shutdown_exit_dynamic
child_adm child_adm_simple extra_return child_specs child_specs_map sup_flags
multiple_restarts one_for_one one_for_one_escalation
one_for_all one_for_all_escalation one_for_all_other_child_fails_restart
simple_one_for_one simple_one_for_one_shutdown simple_one_for_one_extra simple_one_for_one_escalation
simple_one_for_one_corruption simple_one_for_one_restart_ignore
rest_for_one rest_for_one_escalation rest_for_one_other_child_fails_restart
external_start_no_progress_log permanent_normal transient_normal temporary_normal
permanent_shutdown transient_shutdown temporary_shutdown faulty_application_shutdown
permanent_abnormal transient_abnormal temporary_abnormal
child_unlink tree
nonsignificant_temporary nonsignificant_transient significant_temporary significant_transient significant_simple
significant_bystander significant_escalation significant_upgrade_never_any significant_upgrade_any_never
significant_upgrade_never_all significant_upgrade_all_never significant_upgrade_any_all significant_upgrade_all_any
significant_upgrade_child
count_children count_children_supervisor count_restarting_children get_callback_module
do_not_save_start_parameters_for_temporary_children do_not_save_child_specs_for_temporary_children
simple_one_for_one_scale_many_temporary_children temporary_bystander simple_global_supervisor
hanging_restart_loop hanging_restart_loop_rest_for_one hanging_restart_loop_simple
code_change code_change_map code_change_simple code_change_simple_map
order_of_children scale_start_stop_many_children format_log_1 format_log_2 already_started_outside_supervisor
which_children which_children_simple_one_for_one
`
  .trim()
  .split(/\s+/)

/** The names with which the titles of a file begin. */
function namesIn(file: string): ReadonlySet<string> {
  const text = readFileSync(join(import.meta.dirname, file), 'utf8')
  return new Set([...text.matchAll(/\botp\(\s*['"`](\w+): /g)].map((match) => match[1] as string))
}

/** The first and the second cell of each row. */
const rows = Array.from(
  readFileSync(join(import.meta.dirname, 'README.md'), 'utf8').matchAll(/^\| `(\w+)` +\| (.+?) +\|$/gm),
  (match) => [match[1], match[2]] as [name: string, where: string],
)

const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.test.ts'))

void describe('the list of OTP’s cases', () => {
  void test('README.md names each case once, in the order of OTP’s suite', () => {
    assert.deepEqual(
      rows.map(([name]) => name),
      CASES,
    )
  })

  void test('each case is a test of the file that is named beside it, or there is a reason why it cannot be', () => {
    for (const [name, where] of rows) {
      const file = /^\[(\w+\.test\.ts)\]\(\1\)/.exec(where)?.[1]
      const found = files.filter((each) => namesIn(each).has(name))
      assert.deepEqual(found, file === undefined ? [] : [file], name)
      if (file === undefined) assert.match(where, /^No meaning: \w/, name)
    }
  })

  void test('no test here has a name that OTP’s suite does not know', () => {
    for (const file of files) for (const name of namesIn(file)) assert.ok(CASES.includes(name), `${file}: ${name}`)
  })
})

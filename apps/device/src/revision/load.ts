/** From the name of a revision to its state, or to every reason why it cannot be run. */
import { formatProblem, type ParseContext, type Problem, parseState, type State } from '@pantavisor/state';
import type { DeviceConfig } from '../config/table.ts';
import type { Files } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { readIfThere } from '../storage/durable.ts';

/**
 * What a parser has to know of this device.
 * @param config as it is at the moment of reading
 * @param cmdline kernel command line, on which the boot loader tells `pv_bootloader.dtb=NAME` and `pv_bootloader.ovl=NAME[,NAME…]`
 */
export async function parseContext(files: Files, config: DeviceConfig, cmdline: string): Promise<ParseContext> {
  const groups = `${config.PV_SYSTEM_ETCPANTAVISORDIR}/defaults/groups.json`;
  const defaultGroups = await readIfThere(files, groups, 1024 * 1024);
  const { PV_BOOTLOADER_FITCONFIG: fitConfig } = config;
  const deviceTree = told(cmdline, 'dtb').at(-1);
  return {
    initMode: config.PV_SYSTEM_INIT_MODE,
    bootloader: config.PV_BOOTLOADER_TYPE,
    // Of this moment: the OEM file of a revision may say something else than that of the one before.
    get goalsTimeout() {
      return config.PV_UPDATER_GOALS_TIMEOUT;
    },
    ...(fitConfig === undefined ? {} : { fitConfig }),
    ...(deviceTree === undefined ? {} : { deviceTree }),
    overlays: told(cmdline, 'ovl').flatMap((names) => names.split(',')),
    ...(defaultGroups === undefined ? {} : { defaultGroups }),
  };
}

/** A state that cannot be used, with every problem that was found in it. */
export class StateFailure extends Failure {
  override name = 'StateFailure';
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const list = problems.map((problem) => `  ${formatProblem(problem)}`).join('\n');
    super('state-invalid', `cannot use the state ${file}:\n${list}`, { file });
    this.problems = problems;
  }
}

/** Values of the words of the kernel command line in which a boot loader tells what it has loaded. */
function told(cmdline: string, what: 'dtb' | 'ovl'): string[] {
  const start = `pv_bootloader.${what}=`;
  const words = cmdline.split(/\s+/).filter((word) => word.startsWith(start));
  return words.map((word) => word.slice(start.length)).filter((value) => value !== '');
}

/**
 * Parses a state document.
 * @param file where it came from, for messages
 * @throws StateFailure `state-invalid`
 */
export function readState(text: string, context: ParseContext, file: string): { state: State; warnings: Problem[] } {
  const { state, problems } = parseState(text, context);
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (state === undefined || errors.length > 0) throw new StateFailure(file, errors);
  return { state, warnings: problems.filter(({ severity }) => severity === 'warning') };
}

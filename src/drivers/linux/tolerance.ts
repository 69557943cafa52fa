/** Failures that mean the step had been done before: what was to go is gone, what was to come is there. */
import type { Output } from '../../kit/process.ts';
import type { LinuxOp } from './difference.ts';

const alreadyGone =
  /Cannot find device|No such (file|process|device)|Cannot assign requested address|does not exist|Can't find|There is no|Unknown BFD profile|Cannot find specified|Filter with specified|Invalid handle|Parent Qdisc/i;
/** The kernel's own answer; "A VXLAN device with the specified VNI already exists" is another, and a real conflict. */
const alreadyThere = /RTNETLINK answers: File exists/;

export const isTolerable = (op: LinuxOp, output: Output): boolean => {
  const said = `${output.stderr}\n${output.stdout}`;
  if (op.key.startsWith('remove/')) return alreadyGone.test(said);
  return op.argv.includes('add') && alreadyThere.test(said);
};

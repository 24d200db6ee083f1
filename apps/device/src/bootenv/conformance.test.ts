import { testBootEnvironment } from './testing/boot-environment.ts';
import { grubFixture, rpiabFixture, ubootAbFixture, ubootFixture } from './testing/boot-fixtures.ts';

testBootEnvironment('uboot', ubootFixture);
testBootEnvironment('grub', grubFixture);
testBootEnvironment('uboot-ab, copies with counters', () => ubootAbFixture('counter'));
testBootEnvironment('uboot-ab, copies with active marks', () => ubootAbFixture('active'));
testBootEnvironment('rpiab', rpiabFixture);

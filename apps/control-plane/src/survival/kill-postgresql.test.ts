import { testKills } from './kill-testing.ts';

testKills('postgresql');

import { testKills } from './kill-testing.ts';

testKills('sqlite');

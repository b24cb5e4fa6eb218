export * from './check-in.ts';
export * from './commands.ts';
export * from './desired-state.ts';
export * from './enrolment.ts';
export * from './health-metrics.ts';
export * from './join-token.ts';
export * from './log-upload.ts';
export * from './monitor.ts';

export { batch, type BatchOptions } from "./flow/batch.ts";
export { map, type MapOptions } from "./flow/map.ts";
export { merge } from "./flow/merge.ts";
export { pipe, type Piped, type PipeOptions } from "./flow/pipe.ts";
export type { FlowOptions } from "./flow/options.ts";

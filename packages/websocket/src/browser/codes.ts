// The close codes that a page knows of, each by itself: a bundle takes in what it uses, and of `CLOSE_CODES` only the whole.

import type { CLOSE_CODES } from "../protocol/constants.ts";

/** @internal */
export const NORMAL: typeof CLOSE_CODES.NORMAL = 1000;
/** @internal */
export const GOING_AWAY: typeof CLOSE_CODES.GOING_AWAY = 1001;
/** @internal */
export const NO_STATUS: typeof CLOSE_CODES.NO_STATUS = 1005;
/** @internal */
export const ABNORMAL_CLOSURE: typeof CLOSE_CODES.ABNORMAL_CLOSURE = 1006;
/** @internal */
export const POLICY_VIOLATION: typeof CLOSE_CODES.POLICY_VIOLATION = 1008;

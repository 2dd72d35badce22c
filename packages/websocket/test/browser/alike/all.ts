// What holds wherever a client lives.

import type { Over, Place } from "../../fixtures/places.ts";
import { diallingAlike } from "./dialling.ts";
import { endsAlike } from "./ends.ts";
import { linksAlike } from "./links.ts";
import { messagesAlike } from "./messages.ts";

/** Registers all of it for one place. */
export function alike(place: () => Place, over: Over): void {
  for (const those of [messagesAlike, endsAlike, diallingAlike, linksAlike]) those(place, over);
}

// What the parts of the canvas share: the draft, words, and what one can do.
import { getContext, setContext } from "svelte";
import type { Draft } from "./draft.svelte";
import type { Where } from "./graph";
import type { Words } from "./server";

export type Room = {
  draft: Draft;
  words: Words;
  icons: string;
  mayEdit: boolean;
  add: (where: Where) => void; // opens the palette
};

const KEY = Symbol();
export const offerRoom = (room: Room): Room => setContext(KEY, room);
export const useRoom = (): Room => getContext<Room>(KEY);

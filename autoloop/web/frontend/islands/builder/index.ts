import { mount, unmount } from "svelte";
import Builder from "./Builder.svelte";
import "./builder.css";
import type { Props } from "./server";

export default function builder(target: HTMLElement, props: unknown): () => void {
  const made = mount(Builder, { target, props: props as Props });
  return () => void unmount(made);
}

// The editor of a playground: CodeMirror, with the colours of the site.

import { javascript } from "@codemirror/lang-javascript";
import { defaultHighlightStyle, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { keymap, EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { minimalSetup } from "codemirror";

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword], color: "var(--playground-keyword)" },
  { tag: [tags.string, tags.number, tags.bool, tags.null], color: "var(--playground-literal)" },
  { tag: tags.comment, color: "var(--vp-c-text-2)" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: "var(--playground-call)" },
]);

/** Opens one in an element; Ctrl-Enter runs. */
export function open(
  parent: Element,
  code: string,
  run: () => void,
): { readonly codeOf: () => string; readonly destroy: () => void } {
  const view = new EditorView({
    parent,
    doc: code,
    extensions: [
      keymap.of([{ key: "Mod-Enter", run: () => (run(), true) }]),
      minimalSetup,
      javascript({ typescript: true }),
      syntaxHighlighting(colours),
      syntaxHighlighting(defaultHighlightStyle, { fallback: true }),
      EditorView.contentAttributes.of({ "aria-label": "The program" }),
    ],
  });
  return { codeOf: () => view.state.doc.toString(), destroy: () => view.destroy() };
}

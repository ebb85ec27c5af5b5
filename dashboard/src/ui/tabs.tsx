/** Tabs: arrows move between them, as screen readers say. */
import type { ComponentChildren, JSX } from "preact";
import { useId, useRef } from "preact/hooks";

export function Tabs<Name extends string>(
  { label, tabs, value, onChange, children }: {
    label: string;
    tabs: readonly { name: Name; title: ComponentChildren }[];
    value: Name;
    onChange(name: Name): void;
    /** What the chosen tab is about. */
    children: ComponentChildren;
  },
): JSX.Element {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const at = tabs.findIndex(({ name }) => name === value);
    const to = event.key === "ArrowRight"
      ? (at + 1) % tabs.length
      : event.key === "ArrowLeft"
      ? (at + tabs.length - 1) % tabs.length
      : event.key === "Home"
      ? 0
      : event.key === "End"
      ? tabs.length - 1
      : -1;
    if (to < 0) return;
    event.preventDefault();
    onChange(tabs[to]!.name);
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[to]?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={move}>
        {tabs.map(({ name, title }) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-${name}`}
            aria-selected={value === name}
            aria-controls={value === name ? `${id}-panel` : undefined}
            tabIndex={value === name ? 0 : -1}
            onClick={() => onChange(name)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" class="stack" id={`${id}-panel`} aria-labelledby={`${id}-${value}`}>
        {children}
      </div>
    </>
  );
}

/** A table, as long as it is loaded, where it cannot be, where it is empty. */
import type { ComponentChildren, JSX } from "preact";
import { Failure, Skeleton } from "./mod.tsx";

/** @param columns Their heads; that of what can be done with a row is for screen readers. */
export function Table<T>(
  { items, error, onRetry, lines, height = 40, empty, columns, actions, row }: {
    /** Nothing until they are there. */
    items: T[] | undefined;
    error: unknown;
    onRetry(): void;
    /** Rows of the skeleton, and how high they are. */
    lines: number;
    height?: number;
    /** Stands for a table without rows. */
    empty: ComponentChildren;
    columns: string[];
    actions: string;
    row(item: T): JSX.Element;
  },
): JSX.Element {
  if (items === undefined) {
    return error === undefined
      ? <Skeleton lines={lines} height={height} />
      : <Failure error={error} onRetry={onRetry} />;
  }
  if (items.length === 0) return <>{empty}</>;
  return (
    <div class="table-wrap cards" tabIndex={0}>
      <table class="table">
        <thead>
          <tr>
            {columns.map((name) => <th key={name}>{name}</th>)}
            <th>
              <span class="hush">{actions}</span>
            </th>
          </tr>
        </thead>
        <tbody>{items.map(row)}</tbody>
      </table>
    </div>
  );
}

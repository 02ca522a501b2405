import { DuckDBListVector, DuckDBMapVector, DuckDBStructVector, DuckDBUnionVector, type DuckDBVector } from "@duckdb/node-api";

/**
 * How many values stand in one item of a vector, lists and structs included, without making any of them: a list of a hundred million fits into the
 * memory of the engine, and ends the process when it becomes an array. Counting stops once there are more than `countMax`. Rule: SQL-6.
 *
 * @returns At least 1, for an item without parts too.
 */
export function countValues(vector: DuckDBVector, index: number, countMax: number): number {
  if (vector instanceof DuckDBListVector) {
    const list = vector.getItemVector(index);
    if (list === null) return 1;
    if (list.itemCount > countMax || !hasParts(list)) return 1 + list.itemCount;
    let count = 1;
    for (let i = 0; i < list.itemCount && count <= countMax; i++) count += countValues(list, i, countMax - count);
    return count;
  }
  if (vector instanceof DuckDBStructVector) {
    let count = 1;
    for (let i = 0; i < vector.type.entryCount && count <= countMax; i++)
      count += countValues(vector.entryVectorAt(i), index, countMax - count);
    return count;
  }
  const inside = insideOf(vector);
  return inside === undefined ? 1 : countValues(inside, index, countMax);
}

function hasParts(vector: DuckDBVector): boolean {
  return vector instanceof DuckDBListVector || vector instanceof DuckDBStructVector || insideOf(vector) !== undefined;
}

/** Maps are lists of structs and unions are structs; the library keeps that to itself. */
function insideOf(vector: DuckDBVector): DuckDBVector | undefined {
  if (vector instanceof DuckDBMapVector) return Reflect.get(vector, "listVector") as DuckDBVector;
  if (vector instanceof DuckDBUnionVector) return Reflect.get(vector, "structVector") as DuckDBVector;
  return undefined;
}

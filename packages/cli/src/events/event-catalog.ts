import { nameOf, nodesOf, propertiesOf, type SyntaxNode, type SyntaxTree, textProperty, unwrapped } from "./syntax-tree.ts";

/** An event type, or any other property of a catalog's object: then without an action. */
export interface CatalogEntry {
  readonly name: string;
  readonly action: string | undefined;
  readonly resourceType: string | undefined;
  readonly severity: string | undefined;
  readonly description: string | undefined;
  readonly start: number;
}

/** An object literal in a file that says which events an application records. */
export interface EventCatalog {
  /** `definitions`: given to `defineAuditEvents`. `functions`: an object of functions that call `logAudit`. */
  readonly form: "definitions" | "functions";
  /** The variable that functions are called on. */
  readonly variable: string | undefined;
  readonly object: SyntaxNode;
  readonly entries: readonly CatalogEntry[];
}

/** All catalogs of a file, in their order. */
export function findCatalogs({ program }: SyntaxTree): EventCatalog[] {
  const variables = new Map<string, SyntaxNode>();
  const calls: { readonly call: SyntaxNode; readonly variable: string | undefined }[] = [];
  const objects: { readonly object: SyntaxNode; readonly variable: string }[] = [];
  const seen = new Set<SyntaxNode>();
  let isLogging = false;
  for (const node of nodesOf(program)) {
    if (nameOf(node) === "logAudit") isLogging = true;
    const variable = node.type === "VariableDeclarator" ? nameOf(node.id) : undefined;
    const init = variable === undefined ? node : unwrapped(node.init);
    if (init === undefined) continue;
    if (variable !== undefined && init.type === "ObjectExpression") {
      if (!variables.has(variable)) variables.set(variable, init);
      objects.push({ object: init, variable });
    } else if (isCallOf(init, "defineAuditEvents") && !seen.has(init)) {
      seen.add(init);
      calls.push({ call: init, variable });
    }
  }
  const defined = calls.flatMap(({ call, variable }): EventCatalog[] => {
    const [argument] = call.arguments as readonly SyntaxNode[];
    const given = unwrapped(argument);
    const object = given?.type === "ObjectExpression" ? given : variables.get(nameOf(given) ?? "");
    return object === undefined ? [] : [{ form: "definitions", variable, object, entries: [...propertiesOf(object)].map(definitionOf) }];
  });
  const functions = objects.flatMap(({ object, variable }): EventCatalog[] => {
    const entries = [...propertiesOf(object)].map(functionOf);
    const isCatalog = entries.some(({ action }) => action !== undefined) || (variable === "audit" && isLogging);
    const isDefined = defined.some((catalog) => catalog.object === object);
    return isCatalog && !isDefined ? [{ form: "functions", variable, object, entries }] : [];
  });
  return [...defined, ...functions].sort((a, b) => a.object.start - b.object.start);
}

/** The declaration `type ResourceType = …` of a file. */
export function findResourceType({ program }: SyntaxTree): SyntaxNode | undefined {
  for (const node of nodesOf(program)) {
    if (node.type === "TSTypeAliasDeclaration" && nameOf(node.id) === "ResourceType") return node.typeAnnotation as SyntaxNode;
  }
  return undefined;
}

function isCallOf(node: SyntaxNode, name: string): boolean {
  if (node.type !== "CallExpression") return false;
  const callee = node.callee as SyntaxNode;
  return nameOf(callee.type === "MemberExpression" ? callee.property : callee) === name;
}

type Named = { readonly name: string; readonly property: SyntaxNode; readonly value: SyntaxNode };

function definitionOf({ name, property, value }: Named): CatalogEntry {
  const object = unwrapped(value);
  return entryOf(name, property, object?.type === "ObjectExpression" ? object : undefined);
}

/** A function of the catalog: the first `logAudit({ action: … })` inside says what it records. */
function functionOf({ name, property, value }: Named): CatalogEntry {
  for (const node of nodesOf(value)) {
    if (!isCallOf(node, "logAudit")) continue;
    const object = unwrapped((node.arguments as readonly SyntaxNode[])[0]);
    if (object?.type === "ObjectExpression") return entryOf(name, property, object);
  }
  return entryOf(name, property, undefined);
}

function entryOf(name: string, { start }: SyntaxNode, object: SyntaxNode | undefined): CatalogEntry {
  const text = (member: string): string | undefined => (object === undefined ? undefined : textProperty(object, member));
  return {
    name,
    action: text("action"),
    resourceType: text("resourceType"),
    severity: text("severity"),
    description: text("description"),
    start,
  };
}

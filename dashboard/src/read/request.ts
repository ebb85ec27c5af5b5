/** The body of a request, as people see it: who said what, which tools there were, how it was to answer. */
import { type Json, list, object, string } from "../../../core/formats/json.ts";
import { messagePieces, type Piece, piecesOf } from "./pieces.ts";

export interface Turn {
  role: string;
  pieces: Piece[];
}

export interface Tool {
  name: string;
  description: string;
  /** JSON Schema; absent where it has none. */
  schema?: unknown;
}

export interface Asked {
  /** Where the body names it. */
  model?: string | undefined;
  turns: Turn[];
  tools: Tool[];
  /** Everything else that the body says. */
  parameters: Json;
}

/** Members that are shown otherwise. */
const shownApart = new Set([
  ...["model", "messages", "system", "contents", "systemInstruction", "system_instruction"],
  ...["input", "instructions", "prompt", "tools", "functions", "toolConfig", "preamble"],
  ...["chat_history", "message", "generationConfig", "inferenceConfig"],
]);

/** Reads a body that has been parsed; what is no chat may have one turn or none. */
export function askedOf(body: unknown): Asked {
  const json = object(body) ?? {};
  return {
    model: string(json.model),
    turns: turnsOf(json).filter(({ pieces }) => pieces.length > 0),
    tools: toolsOf(json),
    parameters: {
      ...Object.fromEntries(Object.entries(json).filter(([name]) => !shownApart.has(name))),
      ...object(json.generationConfig),
      ...object(json.inferenceConfig),
      ...object(json.toolConfig)?.toolChoice !== undefined &&
        { toolChoice: object(json.toolConfig)!.toolChoice },
    },
  };
}

function turnsOf(json: Json): Turn[] {
  const system = json.system ?? json.instructions ?? json.preamble ??
    object(json.systemInstruction ?? json.system_instruction)?.parts;
  const turns: Turn[] = [{ role: "system", pieces: piecesOf(system) }];
  for (const value of list(json.contents)) { // Gemini
    const content = object(value) ?? {};
    const role = content.role === "model" ? "assistant" : string(content.role) ?? "user";
    turns.push({ role, pieces: piecesOf(content.parts) });
  }
  for (const value of list(json.chat_history)) { // Cohere's first version
    const one = object(value) ?? {};
    turns.push({ role: (string(one.role) ?? "user").toLowerCase(), pieces: piecesOf(one.message) });
  }
  for (const value of list(json.messages)) turns.push(turnOf(object(value) ?? {}));
  if (Array.isArray(json.input)) {
    for (const item of json.input) {
      const one = object(item);
      if (one === undefined) turns.push({ role: "user", pieces: piecesOf(item) });
      else if (one.role !== undefined) turns.push(turnOf(one));
      else {
        const pieces = piecesOf(one);
        const role = pieces[0]?.kind === "result" ? "tool" : "assistant";
        const last = turns.at(-1);
        if (last?.role === role) last.pieces.push(...pieces);
        else turns.push({ role, pieces });
      }
    }
  } else turns.push({ role: "user", pieces: piecesOf(json.input) });
  turns.push({ role: "user", pieces: piecesOf(json.prompt ?? json.message) });
  return turns;
}

function turnOf(message: Json): Turn {
  const role = string(message.role) ?? "user";
  const pieces = messagePieces(message);
  if (role !== "tool" && role !== "function") return { role, pieces };
  const id = string(message.tool_call_id) ?? "";
  const name = string(message.name) ?? "";
  return { role: "tool", pieces: [{ kind: "result", id, name, pieces, failed: false }] };
}

function toolsOf(json: Json): Tool[] {
  const given = [
    ...list(json.tools),
    ...list(json.functions),
    ...list(object(json.toolConfig)?.tools),
  ];
  return given.flatMap((value): Tool[] => {
    const tool = object(value) ?? {};
    const declared = list(tool.functionDeclarations ?? tool.function_declarations);
    if (declared.length > 0) return declared.map((one) => toolOf(object(one) ?? {}));
    if (tool.cachePoint !== undefined) return [];
    return [toolOf(object(tool.function) ?? object(tool.custom) ?? object(tool.toolSpec) ?? tool)];
  });
}

function toolOf(tool: Json): Tool {
  const schema = tool.parameters ?? tool.input_schema ?? tool.parametersJsonSchema ??
    object(tool.inputSchema)?.json ?? tool.parameter_definitions;
  return {
    // A provider's own tool has a type, or is a member that is named like it.
    name: string(tool.name) ?? string(tool.type) ?? Object.keys(tool)[0] ?? "",
    description: string(tool.description) ?? "",
    ...schema !== undefined && { schema },
  };
}

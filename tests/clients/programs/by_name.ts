// The calls of a script through @hey-api/openapi-ts' functions: `node by_name.js ADDRESS SCRIPT`.
import { readFileSync } from "node:fs";
import { client } from "./heyapi/client.gen.js";
import * as sdk from "./heyapi/sdk.gen.js";

type Row = {
  name: string;
  operation: string;
  request?: Record<string, unknown>;
  arguments?: Record<string, string>;
  state_of?: string;
  request_id?: string;
};
type Call = (options: object) => Promise<{ data?: unknown; error?: unknown }>;

const [address, script] = process.argv.slice(2);
client.setConfig({ baseUrl: address });

const operations = sdk as unknown as Record<string, Call>;
const answers: Record<string, unknown> = {};
for (const row of JSON.parse(readFileSync(script, "utf8")) as Row[]) {
  const state = row.state_of && { state: (answers[row.state_of] as { state: unknown }).state };
  const { data, error } = await operations[row.operation]({
    body: row.request && { ...row.request, ...(state || {}) },
    path: row.arguments,
    headers: row.request_id ? { "X-Request-ID": row.request_id } : {},
  });
  answers[row.name] = data ?? error;
}
console.log(JSON.stringify(answers));

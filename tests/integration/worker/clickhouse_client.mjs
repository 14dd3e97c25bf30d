// npm @clickhouse/client against a worker. Arguments: port, password. Prints one JSON object of what it saw.
import { createClient } from "@clickhouse/client";
import { Readable } from "node:stream";

const [port, password] = process.argv.slice(2);
const seen = {};

async function failure(act) {
  try {
    await act();
    return null;
  } catch (error) {
    return error.code ?? error.type ?? error.message;
  }
}

async function drained(result) {
  let rows = 0;
  for await (const chunk of result.stream()) rows += chunk.length;
  return rows;
}

for (const compress of [false, true]) {
  const client = createClient({
    url: `http://127.0.0.1:${port}`,
    username: "default",
    password,
    compression: { request: compress, response: compress },
  });
  const table = `node_${compress}`;
  const found = (seen[compress ? "compressed" : "plain"] = {});
  found.ping = (await client.ping()).success;
  await client.command({ query: `CREATE TABLE ${table} (n UInt64, s String) ENGINE = MergeTree ORDER BY n` });
  await client.insert({ table, values: [{ n: 1, s: "a" }, { n: "2", s: "it's" }], format: "JSONEachRow" });
  const rows = Readable.from((function* () {
    for (let n = 10; n < 100010; n++) yield { n, s: "streamed" };
  })());
  await client.insert({ table, values: rows, format: "JSONEachRow" });
  const counted = await client.query({ query: `SELECT count() AS c, sum(n) AS t FROM ${table}`, format: "JSON" });
  found.counted = (await counted.json()).data;
  const asked = await client.query({
    query: "SELECT {a:UInt32} + 1 AS b, {s:String} AS s, {l:Array(String)} AS l",
    query_params: { a: 4, s: "x\t'y\\", l: ["p", "q'"] },
    format: "JSONEachRow",
  });
  found.asked = await asked.json();
  const set = await client.query({
    query: "SELECT getSetting('max_threads') AS m",
    clickhouse_settings: { max_threads: 3 },
    format: "JSONEachRow",
  });
  found.setting = await set.json();
  found.streamed = await drained(await client.query({ query: `SELECT * FROM ${table}`, format: "JSONEachRow" }));
  const summary = (await client.insert({ table, values: [{ n: 5, s: "" }], format: "JSONEachRow" })).summary;
  found.written = summary?.written_rows;
  found.unknownTable = await failure(() => client.query({ query: "SELECT * FROM nothing" }));
  found.refused = await failure(() => client.command({ query: "CREATE USER x" }));
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 300);
  const slow = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))";
  found.aborted = await failure(() => client.query({ query: slow, abort_signal: abort.signal }));
  await client.close();
}
const stranger = createClient({ url: `http://127.0.0.1:${port}`, username: "default", password: "wrong" });
seen.badPassword = await failure(() => stranger.query({ query: "SELECT 1" }));
await stranger.close();
console.log(JSON.stringify(seen));
